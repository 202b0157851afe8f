"""Labelled pictures as the files of a data set.

`data_set` decides which pictures are in it.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from auth_api.corrections.voting import Outcome, Vote, outcome, valid_votes
from auth_api.history.pictures import extension
from auth_api.http.csv_text import csv_head, csv_line
from auth_api.practice.alphabets import ALPHABETS

LABELS = "labels.csv"
"""The table of all pictures, beside the folders of the classes."""

HEADER = csv_head(("file", "class", "character", "name", "predicted_class", "users", "kind"))
"""The first line of `labels.csv`."""

Kind = Literal["agreed", "accepted", "confirmed"]
"""Corrected by users, corrected by an administrator, or predicted correctly."""


@dataclass(frozen=True)
class LabelledPicture:
    """A picture whose label is decided."""

    sha256: str
    label: int
    predicted: int
    """A wrong prediction of the model if there ever was one, else the label."""
    kind: Kind
    users: int
    """How many named the label."""
    media: Sequence[str]
    """Its names in `auth_api.history.pictures`, from users who consent; at least one."""

    @property
    def is_correction(self) -> bool:
        """Whether the model was wrong."""
        return self.kind != "confirmed"

    def file_name(self, picture: bytes) -> str:
        """`12/<sha256>.png`: the folder is the class, the extension follows from the content."""
        return f"{self.label}/{self.sha256}.{extension(picture)}"

    def line(self, model: str, name: str) -> str:
        """Its line of `labels.csv`."""
        shown = ALPHABETS[model][self.label]
        values = (name, self.label, shown.text, shown.name, self.predicted, self.users, self.kind)
        return csv_line(values)


def kind_of(result: Outcome) -> Kind | None:
    """The kind of a picture, None if no label is decided."""
    if result.label is None:
        return None
    if not result.mistaken:
        return "confirmed"
    return "accepted" if result.accepted else "agreed"


def labelled_picture(votes: Sequence[Vote]) -> LabelledPicture | None:
    """The picture that these votes are on, None if no label is decided."""
    result = outcome(votes)
    kind = kind_of(result)
    if kind is None or result.label is None:
        return None
    valid = valid_votes(votes)
    wrong = [vote.predicted for vote in valid if vote.predicted != result.label]
    return LabelledPicture(
        sha256=votes[0].sha256 or "",
        label=result.label,
        predicted=wrong[-1] if wrong else result.label,
        kind=kind,
        users=result.votes[result.label],
        media=[vote.media for vote in valid],
    )


def create_folder(folder: Path) -> None:
    """Makes an empty folder that only its owner can read. Deletes what an interrupted export left.

    Blocks. Raises `OSError`.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(0o700, parents=True)


def write_file(folder: Path, name: str, content: bytes) -> None:
    """Writes a file of the data set. Blocks. Raises `OSError`."""
    path = folder / name
    path.parent.mkdir(0o700, exist_ok=True)
    path.write_bytes(content)


def picture_names(folder: Path) -> list[str]:
    """The pictures of a data set, none if the folder does not exist. Blocks."""
    return sorted(path.relative_to(folder).as_posix() for path in folder.glob("*/*"))


def remove_pictures(folder: Path, names: Sequence[str]) -> None:
    """Deletes pictures of a data set and their lines in the table. Blocks. Raises `OSError`."""
    if not names:
        return
    for name in names:
        (folder / name).unlink(missing_ok=True)
    table, removed = folder / LABELS, set(names)
    lines = table.read_bytes().splitlines(keepends=True)
    kept = [line for line in lines if line.partition(b",")[0].strip(b'"').decode() not in removed]
    table.write_bytes(b"".join(kept))
