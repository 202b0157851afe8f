"""Passwords for commands: typed twice at a terminal, or the first line of a pipe."""

from __future__ import annotations

import getpass
import sys

from auth_api.errors import BadRequest


def ask_for_password() -> str:
    """Raises BadRequest for two that differ."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    password = getpass.getpass("Password: ")
    if getpass.getpass("Once more: ") != password:
        raise BadRequest("The two are not the same.")
    return password
