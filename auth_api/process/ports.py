"""Takes ports, and checks that they are free before anything starts, so that the error can name
the port.
"""

from __future__ import annotations

import socket


class PortInUse(Exception):
    """The message is a sentence for the operator."""


def require_free(host: str, port: int, setting: str) -> None:
    """Raises `PortInUse` if `port` cannot be bound. `setting` is named as the remedy."""
    try:
        bound(host, port).close()
    except OSError as error:
        raise PortInUse(
            f"Port {port} on {host} cannot be used ({error.strerror}): "
            f"stop what listens there, or set {setting} to another port."
        ) from error


def bound(host: str, port: int) -> socket.socket:
    """A socket that is bound and does not listen yet. Raises `OSError`."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    found = socket.socket(family, socket.SOCK_STREAM)
    try:
        # Connections of an earlier run in TIME_WAIT must not count.
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind((host, port))
    except OSError:
        found.close()
        raise
    return found
