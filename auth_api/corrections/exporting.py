"""Pictures with the labels that count, as files of a folder or of a zip."""

from __future__ import annotations

import asyncio
import io
import shutil
import zipfile
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from auth_api.corrections.voting import Outcome, Said, voters
from auth_api.history.pictures import media_type
from auth_api.http.csv_text import csv_head, csv_line
from auth_api.practice.alphabets import ALPHABETS

LABELS = "labels.csv"
"""The file beside the folders of the classes."""

_COLUMNS = ("file", "class", "character", "name", "predicted_class", "users", "kind")

Kind = Literal["agreed", "accepted", "confirmed"]
"""Corrected by users or by an administrator's word, or read rightly."""


@dataclass(frozen=True)
class Labelled:
    """A picture that counts."""

    sha256: str
    label: int
    predicted: int
    """What the model took it for; something else than the label, if it ever did."""
    kind: Kind
    users: int
    """How many named the label."""
    medias: Sequence[str]
    """Names of the picture in `auth_api.history.pictures`, of consenting users; at least one."""

    @property
    def corrects(self) -> bool:
        """Whether the model was wrong."""
        return self.kind != "confirmed"

    def file_name(self, picture: bytes) -> str:
        """`12/<sha256>.png`: in a folder of its class, the ending by its content."""
        return f"{self.label}/{self.sha256}.{media_type(picture).rpartition('/')[2]}"

    def line(self, model: str, name: str) -> str:
        """Its line of `labels.csv`."""
        shown = ALPHABETS[model][self.label]
        values = (name, self.label, shown.text, shown.name, self.predicted, self.users, self.kind)
        return csv_line(values)


def kind_of(found: Outcome) -> Kind | None:
    """None where no label counts."""
    if found.label is None:
        return None
    if not found.mistaken:
        return "confirmed"
    return "accepted" if found.accepted else "agreed"


def labelled(group: Sequence[Said], found: Outcome) -> Labelled | None:
    """The picture of a group, None where no label counts."""
    kind = kind_of(found)
    if kind is None or found.label is None:
        return None
    voting = voters(group)
    others = [said.predicted for said in voting if said.predicted != found.label]
    return Labelled(
        sha256=group[0].sha256 or "",
        label=found.label,
        predicted=others[-1] if others else found.label,
        kind=kind,
        users=found.votes[found.label],
        medias=[said.media for said in voting],
    )


def head() -> str:
    """The first line of `labels.csv`."""
    return csv_head(_COLUMNS)


def begin(folder: Path) -> None:
    """An empty folder that only its owner reads, whatever an interrupted export left; blocks."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(0o700, parents=True)


def write(folder: Path, name: str, content: bytes) -> None:
    """A file of the data set; blocks. Raises OSError."""
    path = folder / name
    path.parent.mkdir(0o700, exist_ok=True)
    path.write_bytes(content)


def pictures(folder: Path) -> list[str]:
    """The names of the pictures of a data set, none where there is no such folder; blocks."""
    return sorted(path.relative_to(folder).as_posix() for path in folder.glob("*/*"))


def remove(folder: Path, names: Sequence[str]) -> None:
    """Deletes pictures of a data set with their lines of the table; blocks. Raises OSError."""
    if not names:
        return
    for name in names:
        (folder / name).unlink(missing_ok=True)
    table, removed = folder / LABELS, set(names)
    lines = table.read_bytes().splitlines(keepends=True)
    kept = [line for line in lines if line.partition(b",")[0].decode() not in removed]
    table.write_bytes(b"".join(kept))


async def zipped(files: AsyncIterator[tuple[str, bytes]]) -> AsyncIterator[bytes]:
    """A zip of the files, one of them in memory at a time. Equal files make equal zips."""
    stream = _Stream()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        async for name, content in files:
            await asyncio.to_thread(archive.writestr, _entry(name), content)
            yield stream.take()
    yield stream.take()


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name)  # of 1980: the moment would make each zip another
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = 0o600 << 16
    return entry


class _Stream(io.RawIOBase):
    """What is written to it, until it is taken: it cannot go back."""

    def __init__(self) -> None:
        self._waiting = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, content: bytes) -> int:  # type: ignore[override]
        self._waiting += content
        return len(content)

    def take(self) -> bytes:
        taken = bytes(self._waiting)
        self._waiting.clear()
        return taken
