"""Runs commands of `python -m auth_api` in the process of the tests."""

from __future__ import annotations

import argparse
import io
import json
import sys
from contextlib import redirect_stderr, redirect_stdout
from functools import cache
from typing import Any, NamedTuple, Protocol

from auth_api.commands.parser import build_parser, run
from auth_api.settings import Settings


class Served(Protocol):
    """A service. Commands run with its environment."""

    environment: dict[str, str]


class Ended(NamedTuple):
    """The result of a command."""

    code: int
    stdout: str
    stderr: str


def command(api: Served, *arguments: str, stdin: str = "") -> Ended:
    """Runs a command in this process, because starting one takes longer than the commands of a
    test.
    """
    environment = {name.lower(): value for name, value in api.environment.items()}
    settings = Settings(**{n: environment[n] for n in Settings.model_fields if n in environment})
    stdout, stderr, before = io.StringIO(), io.StringIO(), sys.stdin
    sys.stdin = io.TextIOWrapper(io.BytesIO(stdin.encode(errors="surrogateescape")))
    try:
        with redirect_stdout(stdout), redirect_stderr(stderr):
            code = run(settings, _parser().parse_args(arguments))
    finally:
        sys.stdin = before
    return Ended(code, stdout.getvalue(), stderr.getvalue())


@cache
def _parser() -> argparse.ArgumentParser:
    return build_parser("")


def answer(api: Served, *arguments: str, stdin: str = "") -> dict[str, Any]:
    """The JSON document that a command prints."""
    ended = command(api, *arguments, "--json", stdin=stdin)
    assert (ended.code, ended.stderr) == (0, "")
    document: dict[str, Any] = json.loads(ended.stdout)
    return document


def refusal(api: Served, *arguments: str, stdin: str = "") -> tuple[int, str]:
    """The exit code and the error message of a command that fails."""
    ended = command(api, *arguments, stdin=stdin)
    assert ended.stdout == ""
    return ended.code, ended.stderr


def table(api: Served, *arguments: str) -> list[str]:
    """The lines that a command prints for people."""
    ended = command(api, *arguments)
    assert (ended.code, ended.stderr) == (0, "")
    assert "\x1b" not in ended.stdout
    return ended.stdout.splitlines()
