"""Prints the result of a command: text for people, or one JSON document for programs.

Progress bars appear on standard error, only on a terminal.
"""

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

# Columns when the output is no terminal: enough to wrap nothing.
_PIPE_WIDTH = 200


@dataclass
class Output:
    """Standard output, as text or JSON."""

    as_json: bool
    answered: bool = False
    """Whether the JSON document has been printed."""

    def rows(
        self,
        columns: Sequence[str],
        rows: Sequence[Mapping[str, Any]],
        title: str | None = None,
    ) -> None:
        """Prints a table of some columns, or as JSON all of `{"results": [...]}`."""
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
        """Prints one object, a line for each property."""
        if self.as_json:
            self._print_json(shown)
            return
        table = Table.grid(padding=(0, 2))
        for name, value in shown.items():
            table.add_row(Text(name.replace("_", " ")), _cell(value))
        _console().print(table)

    def done(self, sentence: str, document: Mapping[str, Any]) -> None:
        """Prints the sentence, or the document as JSON."""
        if self.as_json:
            self._print_json(document)
        else:
            print(sentence)

    def failed(self, document: Mapping[str, Any]) -> None:
        """Prints an error as JSON, in the form of the routes, unless a document was printed."""
        if self.as_json and not self.answered:
            with suppress(OSError):  # standard output may be what failed
                self._print_json(document)

    def _print_json(self, document: Mapping[str, Any]) -> None:
        self.answered = True
        # ASCII only, because the encoding of the reader is unknown.
        print(json.dumps(document, indent=2))


def counting_bar() -> Progress:
    """A progress bar with a count."""
    return _progress(BarColumn(), MofNCompleteColumn())


def percent_bar() -> Progress:
    """A progress bar with a percentage."""
    return _progress(BarColumn(), TaskProgressColumn())


@contextmanager
def spinner(sentence: str) -> Iterator[None]:
    """Shows a sentence and a spinner while work of unknown length is done."""
    with _progress(SpinnerColumn(), TimeElapsedColumn()) as bar:
        bar.add_task(f"{sentence} ...", total=None)
        yield


def _progress(*columns: ProgressColumn) -> Progress:
    console = Console(stderr=True, highlight=False)
    return Progress(
        TextColumn("{task.description}", markup=False),
        *columns,
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )


def _console() -> Console:
    terminal = sys.stdout.isatty()
    return Console(width=None if terminal else _PIPE_WIDTH, no_color=not terminal, highlight=False)


def _cell(value: object) -> Text:
    if value is None:
        return Text("-")
    if isinstance(value, bool):
        return Text("yes" if value else "no")
    if isinstance(value, dict):
        return Text(json.dumps(value, ensure_ascii=False) if value else "-")
    return Text(str(value))
