"""Is a port free? Asked before anything starts, so that the answer can name the port."""

from __future__ import annotations

import socket


class PortInUse(Exception):
    """Its message is a sentence for the operator."""


def require_free(host: str, port: int, setting: str) -> None:
    """Raises PortInUse when something listens on `port`; `setting` is what would move ours."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        # Connections of an earlier run that are still fading do not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise PortInUse(
                f"Port {port} on {host} cannot be used ({error.strerror}): "
                f"stop what listens there, or set {setting} to another port."
            ) from error
