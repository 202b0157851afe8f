"""Folders of labelled pictures: what to measure on, and what to train on beside synthesis."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from archive_scripts.letterforms.writer_style import bent_grid, resting_grid, smooth_noise
from handlers.arrays import Gray, field, gray
from handlers.characters import CHARACTERS, Character
from handlers.errors import ImageRefused
from handlers.preprocessing import preprocess

_SUFFIXES = {".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif"}
_NUMBERED = re.compile(r"(?:class_)?(\d+)")

Labelled = tuple[Path, int]
"""A picture and its class."""


def labelled_pictures(folder: Path, characters: Sequence[Character] = CHARACTERS) -> list[Labelled]:
    """The pictures in `folder` and the class of each, its index in `characters`, in order of
    their paths.

    A picture's class is in its own name (`class_12.png`) or in that of the folder it lies in:
    `12`, `class_12`, `ड` or `dda`. Pictures of other classes are left out. Raises ValueError
    where there is none.
    """
    classes = {name: each.index for each in characters for name in (each.text, each.name)}
    found = []
    for path in pictures_in(folder):
        label = _class_named(path.stem, classes) if path.parent == folder else None
        label = _class_named(path.parent.name, classes) if label is None else label
        if label is None and path.stem.startswith("class_"):
            label = _class_named(path.stem, classes)
        if label is not None:
            found.append((path, label))
    if not found:
        raise ValueError(f"{folder} has no labelled picture: neither class_12.png nor 12/any.png")
    return found


def pictures_in(folder: Path) -> list[Path]:
    """All pictures in `folder` and below it, by the endings of their names, in order."""
    return [path for path in sorted(folder.rglob("*")) if path.suffix.lower() in _SUFFIXES]


def _class_named(name: str, classes: Mapping[str, int]) -> int | None:
    numbered = _NUMBERED.fullmatch(name)
    index = int(numbered[1]) if numbered else classes.get(name)
    return index if index in classes.values() else None


@dataclass(frozen=True)
class WrittenSample:
    """A character that somebody wrote, as ink: another hand's next attempt at it is near.

    `ink` is an ink image, uint8 of shape (64, 64).
    """

    ink: Gray

    def write(self, rng: np.random.Generator, side: int, strength: float = 1.0) -> Gray:
        """The sample bent as a hand does, the pen a little wider or narrower: (side, side)."""
        grid = bent_grid(rng, strength)
        still = resting_grid()
        freedom = rng.uniform(0.2, 1.0)
        lookup = still + freedom * (grid - still)
        # The ink fills seven eighths of its picture and, like every letterform, 0.65 of the page.
        scale = self.ink.shape[0] / 2
        lookup = cv2.resize(lookup * scale * 0.875 / 0.65 + scale, (side, side))
        bent = cv2.remap(self.ink, field(lookup), None, cv2.INTER_LINEAR).astype(np.float32)
        bent = cv2.GaussianBlur(bent, (0, 0), rng.uniform(0.3, 1.5))
        bent += 12 * smooth_noise(rng, 24, side)
        return gray(bent > rng.uniform(70, 180)) * 255


def load_samples(labelled: Sequence[Labelled]) -> list[list[WrittenSample]]:
    """Pictures of characters through the whole preprocessing: `[class][sample]`.

    Pictures that preprocessing refuses are left out. Raises ValueError where none is left.
    """
    samples: list[list[WrittenSample]] = [[] for _ in CHARACTERS]
    for path, label in labelled:
        try:
            samples[label].append(WrittenSample(preprocess(path.read_bytes()).ink))
        except ImageRefused:
            continue
    if not any(samples):
        raise ValueError(f"none of the {len(labelled)} labelled pictures could be read")
    return samples
