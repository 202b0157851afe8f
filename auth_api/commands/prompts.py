"""Asks the operator for a password or a confirmation."""

from __future__ import annotations

import getpass
import sys

from auth_api.errors import BadRequest


def ask_for_password() -> str:
    """Reads a password twice from a terminal, or once from the first line of a pipe.

    Raises `BadRequest` if the two differ or the text is not UTF-8.
    """
    if not sys.stdin.isatty():
        try:
            # The routes take UTF-8, whatever the encoding of the environment.
            return sys.stdin.buffer.readline().decode().rstrip("\r\n")
        except UnicodeDecodeError as error:
            raise BadRequest("The password is not UTF-8 text.", "validation_failed") from error
    password = getpass.getpass("Password: ")
    if getpass.getpass("Once more: ") != password:
        raise BadRequest("The two passwords are not the same.")
    return password


def confirm(sentence: str) -> None:
    """Asks for a yes at the terminal. Raises `BadRequest` without one, or without a terminal."""
    if not sys.stdin.isatty():
        raise BadRequest(f"{sentence} Add --yes to run without this question.", "not_confirmed")
    print(f"{sentence} Type yes to continue: ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip() != "yes":
        raise BadRequest("Nothing was changed.", "not_confirmed")
