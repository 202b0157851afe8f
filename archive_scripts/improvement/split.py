"""Divides labelled pictures into training and held-out ones.

A hash of the content decides, so that every training holds out the same pictures. Their names and
the other pictures do not matter. One exception: each class keeps at least one training picture.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from archive_scripts.improvement.specification import Specification
from archive_scripts.training.digits import LabelledDigits
from archive_scripts.training.labelled import (
    LabelledInkImages,
    LabelledPicture,
    ink_or_none,
    labelled_pictures,
)
from handlers.characters import CHARACTERS, DIGITS
from handlers.preprocessing import preprocess, preprocess_digit

_HELD_OUT_DIVISOR = 5
"""One picture in five is held out."""


@dataclass(frozen=True)
class PictureSplit:
    """The training pictures, the held-out ones, and the numbers of each source."""

    training: list[LabelledPicture]
    held_out: list[LabelledPicture]
    labelled: int
    """Number of pictures from the folder of labelled pictures."""
    corrections: int
    """Number of pictures from users' corrections."""

    @property
    def digest(self) -> str:
        """A hash of the training pictures and their classes."""
        digest = hashlib.sha256()
        for path, label in self.training:
            digest.update(f"{label} {_digest(path)}\n".encode())
        return digest.hexdigest()


def load_split(folder: Path, specification: Specification) -> PictureSplit:
    """Reads and divides the pictures that the specification names.

    Raises ValueError if a folder has none.
    """
    characters = DIGITS if specification.model == "digits" else CHARACTERS
    sources = [
        labelled_pictures(folder / name, characters) if name else []
        for name in (specification.labelled, specification.corrections)
    ]
    training, held_out = divide([picture for source in sources for picture in source])
    return PictureSplit(training, held_out, *map(len, sources))


def divide(
    pictures: Sequence[LabelledPicture],
) -> tuple[list[LabelledPicture], list[LabelledPicture]]:
    """Returns the training pictures and the held-out ones; equal pictures stay together."""
    digests = {path: _digest(path) for path, _ in pictures}
    held_out = {
        digest for digest in digests.values() if int(digest[:8], 16) % _HELD_OUT_DIVISOR == 0
    }
    for label in sorted({label for _, label in pictures}):
        own = {digests[path] for path, other in pictures if other == label}
        if own <= held_out:
            held_out.remove(min(own))
    return (
        [picture for picture in pictures if digests[picture[0]] not in held_out],
        [picture for picture in pictures if digests[picture[0]] in held_out],
    )


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def ink_images(pictures: Sequence[LabelledPicture], model: str) -> LabelledInkImages:
    """Preprocesses pictures as the handler `model` does."""
    chosen = preprocess_digit if model == "digits" else preprocess
    images = [ink_or_none(path.read_bytes(), chosen) for path, _ in pictures]
    return LabelledInkImages(images, np.array([label for _, label in pictures], np.int64))


def labelled_digits(pictures: Sequence[LabelledPicture]) -> LabelledDigits:
    """Preprocesses pictures of digits and skips those that are refused.

    Raises ValueError if none is left.
    """
    data = ink_images(pictures, "digits")
    if not data.readable():
        raise ValueError(f"none of the {len(pictures)} labelled pictures could be read")
    return LabelledDigits(np.stack(data.readable()), data.labels[data.readable_indices()])
