"""Finds free ports."""

from __future__ import annotations

import socket


def free_port() -> int:
    """A port of the loopback address that nothing uses at the moment."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
