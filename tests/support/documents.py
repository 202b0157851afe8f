"""Reads the documentation: its shell lines, as bash understands them, and its inline code.

Bash itself reads the lines, so that quotes, continuations, variables and pipes mean what they mean
to a reader. No program runs: each is recorded with its arguments, and prints `1`, or an address
where one is asked for.
"""

from __future__ import annotations

import re
import subprocess
import tempfile
from functools import cache
from pathlib import Path
from typing import NamedTuple

from archive_scripts.archives.building import ROOT

PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "benchmarks/README.md")),
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / "weights").glob("*.md")),
]

# Pages whose lines go on from those of another one, as they say.
_FOLLOWS = {"models.md": "using.md", "worksheets.md": "using.md"}
# What a reader has from elsewhere: TorchServe's key file.
_GIVEN = "INFERENCE_KEY=1"
_FENCED = re.compile(r"^( *)```(?:sh|bash|shell|console)\n(.*?)^\1```", re.DOTALL | re.MULTILINE)
_ANY_FENCED = re.compile(r"^ *```.*?^ *```$", re.DOTALL | re.MULTILINE)
_SPAN = re.compile(r"`([^`]+)`")
_SHELL_SPAN = re.compile(
    r"(?:\w+=\S* )*"
    r"(?:\w+=|\S*python3? -[mc] |(?:apt|curl|docker|echo|git|kubectl|make|rm|sudo) )"
)
# Tables with a column of paths that this service does not have.
_OLDER = re.compile(r"(?m)^\| older system \| its path .*\n(?:\|.*\n?)+")
_TWO_CELLS = re.compile(r"(?m)^(\|[^|\n]*)(\|[^|\n]*)")
_PROGRAM = re.compile(r"\.venv/bin/[\w-]+")
# PATH has nothing, so bash asks this function for every program, but not for one with a slash. Bash
# writes line by line, and programs of a pipe at the same time: so each is one line.
_RECORDER = r"""
record() {
    set -- "$(compgen -e)" "$@"
    printf '%s\n' "$(printf '%s\x1f' "${@//$'\n'/$'\x1e'}")" >> recorded
    case "$*" in *torchserve_management_url*) echo http://localhost:8081/ ;; *) echo 1 ;; esac
}
command_not_found_handle() { record "$@"; }
tee() { record tee "$@"; : > "$1"; }
cd() { :; }
set -u
PATH=/nowhere
"""


_OF_BASH = {"PWD", "OLDPWD", "SHLVL", "_"}


class Command(NamedTuple):
    """A program with its arguments, and the environment variables that its line sets."""

    words: list[str]
    variables: frozenset[str] = frozenset()

    def __str__(self) -> str:
        return " ".join(self.words)


class Unreadable(Exception):
    """Bash does not understand the lines; has its sentences."""


@cache
def commands_of(page: Path) -> list[Command]:
    """The programs that the lines of a page would run, after those of the page that it follows.
    Raises `Unreadable`.
    """
    before = page.with_name(_FOLLOWS.get(page.name, page.name))
    pages = [page] if before == page else [before, page]
    return recorded("\n".join(shell_text(each.read_text()) for each in pages))


def shell_text(page: str) -> str:
    """The shell lines of a page, in order: fenced blocks, and code in a line that is a command."""
    found = [(each.start(), each[2]) for each in _FENCED.finditer(page)]
    found += [(place, span) for place, span in _spans(page) if _SHELL_SPAN.match(span)]
    return "\n".join(text for _, text in sorted(found))


def shell_blocks(page: str) -> list[str]:
    """The fenced blocks of shell lines."""
    return [block[2] for block in _FENCED.finditer(page)]


def inline_code(page: str) -> list[str]:
    """What stands between backticks, outside of blocks."""
    return [span for _, span in _spans(page)]


def _spans(page: str) -> list[tuple[int, str]]:
    prose = _ANY_FENCED.sub(lambda block: " " * len(block[0]), page)
    prose = _OLDER.sub(lambda table: _TWO_CELLS.sub(_first_cell, table[0]), prose)
    return [
        (span.start(), " ".join(span[1].replace(r"\|", "|").split()))
        for span in _SPAN.finditer(prose)
    ]


def _first_cell(row: re.Match[str]) -> str:
    return row[1] + " " * len(row[2])


def recorded(text: str) -> list[Command]:
    """The programs that shell lines would run, in order. Raises `Unreadable`."""
    functions = (f'{name}() {{ record {name} "$@"; }}\n' for name in {*_PROGRAM.findall(text)})
    with tempfile.TemporaryDirectory() as folder:
        for name in ("1", "secrets"):  # folders that recorded programs would make
            (Path(folder) / name).mkdir()
        (Path(folder) / "reference_images").symlink_to(ROOT / "reference_images")
        ended = subprocess.run(
            ["bash", "-c", "".join((_RECORDER, *functions, _GIVEN, "\n", text))],
            cwd=folder,
            env={},
            capture_output=True,
            text=True,
            check=False,
            timeout=30,
        )
        if ended.stderr or ended.returncode:
            raise Unreadable(ended.stderr)
        file = Path(folder) / "recorded"
        return (
            [_command(line) for line in file.read_text().rstrip("\n").split("\n")]
            if file.exists()
            else []
        )


def _command(line: str) -> Command:
    variables, *words = (field.replace("\x1e", "\n") for field in line.split("\x1f")[:-1])
    return Command(words, frozenset(variables.split()) - _OF_BASH)
