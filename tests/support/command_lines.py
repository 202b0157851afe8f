"""Holds commands of the documentation against the parsers of the programs that they name."""

from __future__ import annotations

import argparse
import importlib.util
import io
import re
import shlex
from collections.abc import Callable, Iterator, Sequence
from contextlib import redirect_stderr, redirect_stdout
from functools import cache, partial

from alembic.config import CommandLine

import archive_scripts.__main__
import auth_api.commands.parser
import benchmarks.options
import launcher.__main__
from archive_scripts.archives.building import ROOT
from launcher.settings import LauncherSettings
from tests.support.curl_lines import fault_of_call
from tests.support.documents import Command

_PARSERS: dict[str, Callable[[], argparse.ArgumentParser]] = {
    "auth_api": cache(partial(auth_api.commands.parser.build_parser, "")),
    "archive_scripts": cache(archive_scripts.__main__.build_parser),
    "benchmarks": cache(partial(benchmarks.options.build_parser, "")),
    "launcher": cache(launcher.__main__.build_parser),
}

_COMMANDED = ("auth_api", "archive_scripts")

NOT_CHECKED = {
    "there is no container engine here; tests/deploy checks the files that it reads": ("docker",),
    "there is no cluster here; tests/deploy checks the files that it reads": ("kubectl",),
    "the repository is elsewhere": ("git",),
    "it installs packages of others": ("apt", "pip"),
    "it makes secrets, and sets who may read them": ("openssl", "install", "chmod"),
    "it is a standard tool": ("base64", "cat", "grep", "mktemp", "rm", "sed", "tee", "tr"),
}
"""Programs whose arguments are not ours, by the reason. Commands of ours inside them are checked
nevertheless, such as `docker compose exec auth_api python -m auth_api backup -`."""

_NOT_CHECKED = {program for programs in NOT_CHECKED.values() for program in programs}

# Words that stand for what the reader has: FOLDER, REGISTRY/name.
_PLACEHOLDER = re.compile(r"[A-Z]{2,}")
_AND_SO_ON = "..."
_PYTHONS = re.compile(r"(\.venv/bin/)?(python3?|torchrun)")
_OPTIONAL = re.compile(r"\[([^\]]*)\]")


def fault_of(command: Command) -> str | None:
    """Why a program would refuse a command, None if it would not."""
    program, *arguments = command.words
    unknown = [name for name in command.variables if not _is_read(name)]
    if unknown:
        return f"nothing reads {', '.join(unknown)}"
    if program == "sudo":
        return fault_of(Command(arguments))
    if program == "curl":
        return fault_of_call(arguments)
    if program == "make":
        return _fault_of_make(arguments)
    if program.endswith("alembic"):
        return _refusal(CommandLine("alembic").parser, arguments)
    python = _PYTHONS.fullmatch(program)
    if program not in _NOT_CHECKED and not python:
        return f"nobody has said how {program} is checked"
    for place, word in enumerate(command.words[1:], 1):
        if word == "-m" and (python or _PYTHONS.fullmatch(command.words[place - 1])):
            return _fault_of_module(*command.words[place + 1 :])
    if python and arguments[0] == "-c":
        return _fault_of_code(arguments[1])
    if python and arguments[0] != "-" and not (ROOT / arguments[0]).exists():
        return f"there is no {arguments[0]}"
    return None


def bare_commands(spans: Sequence[str]) -> Iterator[tuple[str, list[str]]]:
    """Inline code that is a command without its program, such as `users unlock NAME`: the text, and
    the words of each way to read it, which begin with the module.

    A text is meant as a command if its first word is one, or its second one is a part of one.
    """
    for span in spans:
        first, part, *_ = (*span.split(), "")
        meant = [module for module in _COMMANDED if first in _subcommands(_PARSERS[module]())]
        if not meant and re.fullmatch("[a-z-]+", first):
            meant = [module for module in _COMMANDED if part in _parts(module)]
        if part and meant:
            for text in (_OPTIONAL.sub("", span), _OPTIONAL.sub(r"\1", span)):
                yield from ((span, [meant[0], *words]) for words in _alternatives(text))


def fault_of_bare(words: Sequence[str]) -> str | None:
    """Why a program of ours would refuse a command. The first word is the module."""
    return _fault_of_module(*words)


def _alternatives(text: str) -> Iterator[list[str]]:
    """The words of `chart metrics|roc-curve FILE`, once for each alternative."""
    words = [word.split("|") for word in shlex.split(text)]
    longest = max(len(choices) for choices in words)
    for number in range(longest):
        yield [choices[min(number, len(choices) - 1)] for choices in words]


def _fault_of_module(module: str, *arguments: str) -> str | None:
    if module not in _PARSERS:
        found = importlib.util.find_spec(module)
        missing = [
            each for each in arguments if each.startswith("tests/") and not (ROOT / each).exists()
        ]
        return f"there is no {missing or module}" if missing or not found else None
    given = [
        _PLACEHOLDER.sub(".", word) for word in arguments if word not in {_AND_SO_ON, "COMMAND"}
    ]
    return _refusal(_PARSERS[module](), given)


def _refusal(parser: argparse.ArgumentParser, arguments: Sequence[str]) -> str | None:
    said = io.StringIO()
    try:
        with redirect_stderr(said), redirect_stdout(io.StringIO()):
            parser.parse_args([*arguments])
    except SystemExit as ended:
        return said.getvalue().strip().rpartition("\n")[2] if ended.code else None
    return None


def _fault_of_make(arguments: Sequence[str]) -> str | None:
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"(?m)^([\w-]+):", makefile))
    for argument in arguments:
        name, is_variable, _ = argument.partition("=")
        if not (_is_read(name) if is_variable else name in targets):
            return f"make has no {argument}"
    return None


def _fault_of_code(code: str) -> str | None:
    try:
        compile(code, "-c", "exec")
    except SyntaxError as error:
        return str(error)
    return None


def _subcommands(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    found: dict[str, argparse.ArgumentParser] = {}
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            found |= action.choices
    return found


def _parts(module: str) -> set[str]:
    """The words that may follow a command, such as `list` of `users list`."""
    return {
        name
        for parser in _subcommands(_PARSERS[module]()).values()
        for name in _subcommands(parser)
    }


def _is_read(variable: str) -> bool:
    """Whether the service or a test reads this environment variable."""
    return variable.lower() in LauncherSettings.model_fields or variable in _variables()


@cache
def _variables() -> set[str]:
    """The variables of the Makefile, and those that tests read."""
    text = (ROOT / "Makefile").read_text()
    for file in (ROOT / "tests").rglob("*.py"):
        text += file.read_text()
    found = re.finditer(r"(?m)^([A-Z_]+) [?:]?=|environ(?:\.get\(|\[)\"([A-Z_]+)\"", text)
    return {match[1] or match[2] for match in found}
