"""Which labelled pictures a model learns from, and which are left to measure with.

One in five is held out, by its content: a picture that is held out once is never trained on in
a later training either, whatever it is then called and whatever came along. The only exception
is a class's last picture, which is trained on.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from archive_scripts.evaluation.recognition import LabelledInks
from archive_scripts.improvement.specification import Specification
from archive_scripts.training.digits import LabelledDigits
from archive_scripts.training.labelled import Labelled, labelled_pictures
from handlers.arrays import Gray
from handlers.characters import CHARACTERS, DIGITS
from handlers.errors import ImageRefused
from handlers.preprocessing import preprocess, preprocess_digit

_HELD_OUT = 5
"""One in so many is."""


@dataclass(frozen=True)
class Pictures:
    """Labelled pictures, and what is known of where they come from."""

    training: list[Labelled]
    held_out: list[Labelled]
    labelled: int
    """So many of all are from the folder of labelled pictures."""
    corrections: int
    """So many are users' corrections."""

    @property
    def digest(self) -> str:
        """Changes with what is trained on."""
        found = hashlib.sha256()
        for path, label in self.training:
            found.update(f"{label} {_digest(path)}\n".encode())
        return found.hexdigest()


def load_pictures(folder: Path, specification: Specification) -> Pictures:
    """Finds and divides the pictures that are asked for. Raises ValueError where a folder has
    none.
    """
    characters = DIGITS if specification.model == "digits" else CHARACTERS
    found = [
        labelled_pictures(folder / part, characters) if part else []
        for part in (specification.labelled, specification.corrections)
    ]
    training, held_out = divide([picture for part in found for picture in part])
    return Pictures(training, held_out, *map(len, found))


def divide(pictures: Sequence[Labelled]) -> tuple[list[Labelled], list[Labelled]]:
    """Those to train on and those held out; of each class, at least one picture is trained on.

    Pictures of equal content stay together.
    """
    digests = {path: _digest(path) for path, _ in pictures}
    held_out = {digest for digest in digests.values() if int(digest[:8], 16) % _HELD_OUT == 0}
    for label in sorted({label for _, label in pictures}):
        own = {digests[path] for path, its_label in pictures if its_label == label}
        if own <= held_out:
            held_out.remove(min(own))
    return (
        [picture for picture in pictures if digests[picture[0]] not in held_out],
        [picture for picture in pictures if digests[picture[0]] in held_out],
    )


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def inks(pictures: Sequence[Labelled], model: str) -> LabelledInks:
    """Pictures through the preprocessing of a model."""
    see = preprocess_digit if model == "digits" else preprocess
    found: list[Gray | None] = []
    for path, _ in pictures:
        try:
            found.append(see(path.read_bytes()).ink)
        except ImageRefused:
            found.append(None)
    return LabelledInks(found, np.array([label for _, label in pictures], np.int64))


def digits(pictures: Sequence[Labelled]) -> LabelledDigits:
    """Pictures of digits as MNIST would show them, without those that preprocessing refuses.

    Raises ValueError where none is left.
    """
    found = inks(pictures, "digits")
    if not found.readable():
        raise ValueError(f"none of the {len(pictures)} labelled pictures could be read")
    return LabelledDigits(np.stack(found.readable()), found.labels[found.places()])
