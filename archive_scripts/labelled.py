"""Folders of labelled pictures: what to measure on, and what to train on beside synthesis."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from archive_scripts.hand import bent_grid, resting_grid, smooth_noise
from handlers.arrays import Gray, field, gray
from handlers.characters import CHARACTERS
from handlers.errors import ImageRefused
from handlers.preprocessing import preprocess

_SUFFIXES = {".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif"}
_NUMBERED = re.compile(r"(?:class_)?(\d+)")
_CLASSES = {character.text: character.index for character in CHARACTERS} | {
    character.name: character.index for character in CHARACTERS
}


def labelled_pictures(folder: Path) -> list[tuple[Path, int]]:
    """The pictures in `folder` and the class (0-35) of each, in order of their paths.

    A picture's class is in its own name (`class_12.png`) or in that of the folder it lies in:
    `12`, `class_12`, `ड` or `dda`. Pictures of other classes are left out. Raises ValueError
    where there is none.
    """
    found = []
    for path in pictures_in(folder):
        label = _class_named(path.stem) if path.parent == folder else None
        label = _class_named(path.parent.name) if label is None else label
        if label is not None:
            found.append((path, label))
    if not found:
        raise ValueError(f"{folder} has no labelled picture: neither class_12.png nor 12/any.png")
    return found


def pictures_in(folder: Path) -> list[Path]:
    """All pictures in `folder` and below it, by the endings of their names, in order."""
    return [path for path in sorted(folder.rglob("*")) if path.suffix.lower() in _SUFFIXES]


def _class_named(name: str) -> int | None:
    numbered = _NUMBERED.fullmatch(name)
    index = int(numbered[1]) if numbered else _CLASSES.get(name)
    return index if index is not None and index < len(CHARACTERS) else None


@dataclass(frozen=True)
class WrittenSample:
    """A character that somebody wrote, as ink: another hand's next attempt at it is near.

    `ink` is an ink image, uint8 of shape (64, 64).
    """

    ink: Gray

    def write(self, rng: np.random.Generator, side: int) -> Gray:
        """The sample bent as a hand does, the pen a little wider or narrower: (side, side)."""
        grid = bent_grid(rng)
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


def load_samples(folder: Path) -> list[list[WrittenSample]]:
    """The pictures of `folder` through the whole preprocessing: `[class][sample]`.

    Pictures that preprocessing refuses are left out. Raises ValueError where none is left.
    """
    samples: list[list[WrittenSample]] = [[] for _ in CHARACTERS]
    for path, label in labelled_pictures(folder):
        try:
            samples[label].append(WrittenSample(preprocess(path.read_bytes()).ink))
        except ImageRefused:
            continue
    if not any(samples):
        raise ValueError(f"no picture in {folder} could be read")
    return samples
