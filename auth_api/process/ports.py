"""Checks that a port is free, before anything starts, so that the error can name the port."""

from __future__ import annotations

import socket


class PortInUse(Exception):
    """The message is a sentence for the operator."""


def require_free(host: str, port: int, setting: str) -> None:
    """Raises `PortInUse` if `port` cannot be bound. `setting` is named as the remedy."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        # Connections of an earlier run in TIME_WAIT must not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise PortInUse(
                f"Port {port} on {host} cannot be used ({error.strerror}): "
                f"stop what listens there, or set {setting} to another port."
            ) from error
