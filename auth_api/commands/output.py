"""What a command answers: tables and sentences for people, one JSON document for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table
from rich.text import Text

# Columns, where nothing says how wide the reader's are: wide enough to wrap nothing.
_WIDE = 200


@dataclass
class Output:
    """Standard output, in one of two forms."""

    as_json: bool
    answered: bool = False
    """Whether the one JSON document is printed."""

    def rows(
        self,
        columns: Sequence[str],
        rows: Sequence[Mapping[str, Any]],
        title: str | None = None,
    ) -> None:
        """Rows of equal shape, of which people see some columns; as JSON `{"results": [...]}`."""
        if self.as_json:
            self._print_json({"results": rows})
            return
        table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
        if title:
            table.title, table.title_justify = f"\n{title}", "left"
        for name in columns:
            table.add_column(name.replace("_", " "), overflow="fold")
        for row in rows:
            table.add_row(*(_cell(row[name]) for name in columns))
        _console().print(table)

    def one(self, shown: Mapping[str, Any]) -> None:
        """One thing: a line for each of its properties."""
        if self.as_json:
            self._print_json(shown)
            return
        table = Table.grid(padding=(0, 2))
        for name, value in shown.items():
            table.add_row(Text(name.replace("_", " ")), _cell(value))
        _console().print(table)

    def done(self, sentence: str, document: Mapping[str, Any]) -> None:
        """What was done: the sentence, or as JSON what became of it."""
        if self.as_json:
            self._print_json(document)
        else:
            print(sentence)

    def failed(self, document: Mapping[str, Any]) -> None:
        """Why nothing was done, for programs: the error as routes answer it, unless there was an
        answer before.
        """
        if self.as_json and not self.answered:
            with suppress(OSError):  # it may be standard output that fails
                self._print_json(document)

    def _print_json(self, document: Mapping[str, Any]) -> None:
        self.answered = True
        # In ASCII, for whatever encoding the reader has.
        print(json.dumps(document, indent=2))


def progress() -> Progress:
    """A bar on standard error that counts, where somebody sees it."""
    return _seen(BarColumn(), MofNCompleteColumn())


def share() -> Progress:
    """The same of something of which there are percent only."""
    return _seen(BarColumn(), TaskProgressColumn())


@contextmanager
def working(sentence: str) -> Iterator[None]:
    """Shows that something is under way that nobody knows the length of."""
    with _seen(SpinnerColumn(), TimeElapsedColumn()) as shown:
        shown.add_task(f"{sentence} ...", total=None)
        yield


def _seen(*columns: ProgressColumn) -> Progress:
    console = Console(stderr=True, highlight=False)
    return Progress(
        TextColumn("{task.description}", markup=False),
        *columns,
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )


def _console() -> Console:
    seen = sys.stdout.isatty()
    return Console(width=None if seen else _WIDE, no_color=not seen, highlight=False)


def _cell(value: object) -> Text:
    if value is None:
        return Text("-")
    if isinstance(value, bool):
        return Text("yes" if value else "no")
    if isinstance(value, dict):
        return Text(json.dumps(value, ensure_ascii=False) if value else "-")
    return Text(str(value))
