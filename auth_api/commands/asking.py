"""What commands ask for: passwords, typed twice at a terminal or the first line of a pipe, and
whether to go on.
"""

from __future__ import annotations

import getpass
import sys

from auth_api.errors import BadRequest


def ask_for_password() -> str:
    """Raises BadRequest for two that differ, or what is no text in UTF-8."""
    if not sys.stdin.isatty():
        try:
            # Whatever encoding the environment has: the routes take UTF-8.
            return sys.stdin.buffer.readline().decode().rstrip("\r\n")
        except UnicodeDecodeError as error:
            raise BadRequest("The password is no text in UTF-8.", "validation_failed") from error
    password = getpass.getpass("Password: ")
    if getpass.getpass("Once more: ") != password:
        raise BadRequest("The two are not the same.")
    return password


def confirm(sentence: str) -> None:
    """Has somebody at a terminal say yes. Raises BadRequest where nobody does."""
    if not sys.stdin.isatty():
        raise BadRequest(f"{sentence} Say --yes where nobody can be asked.", "not_confirmed")
    print(f"{sentence} Type yes to go on: ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip() != "yes":
        raise BadRequest("Nothing was changed.", "not_confirmed")
