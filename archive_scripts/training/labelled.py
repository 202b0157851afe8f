"""Reads folders of labelled pictures, for training beside synthesis and for evaluation."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from archive_scripts.letterforms.writer_style import bent_grid, identity_grid, smooth_noise
from archive_scripts.synthesis.photographs import photograph
from archive_scripts.synthesis.tables import lay_on_table
from handlers.arrays import Gray, field, gray
from handlers.characters import CHARACTERS, Character
from handlers.errors import ImageRefused
from handlers.preprocessing import InkImage, preprocess

_SUFFIXES = {".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".heic", ".heif", ".avif"}

# Not `\d`, because ५ is the name of a character.
_NUMBERED = re.compile(r"(?:class_)?([0-9]+)")

# Share of the images of a sample that are made from its photographs.
_PHOTOGRAPH_SHARE = 0.6
# Width and height in pixels: small, because a set of samples has thousands.
_SAMPLE_PHOTOGRAPH = (240, 180)

LabelledPicture = tuple[Path, int]
"""The path of a picture, and its class."""

Block = tuple[float, float]
"""A part of the pictures of each class, sorted by path: from a share to a share, 0-1. Neighbours
are often by one writer, so a block has writers whom the rest does not have."""


def labelled_pictures(
    folder: Path, characters: Sequence[Character] = CHARACTERS
) -> list[LabelledPicture]:
    """Finds the pictures in `folder` and the class of each, an index in `characters`.

    The class is in the picture's name (`class_12.png`) or its folder's: `12`, `class_12`, `ड` or
    `dda`. A number counts before the name of a folder, because writers are often called `a` and
    `e`. Skips pictures of other classes. Sorted by path. Raises ValueError if there is none.
    """
    names = {name: each.index for each in characters for name in (each.text, each.name)}
    found = []
    for path in pictures_in(folder):
        own, stem = path.parent.name, path.stem
        labels = [_number(own, len(characters))]
        if path.parent == folder:
            labels = [_number(stem, len(characters)), names.get(stem), *labels]
        if stem.startswith("class_"):
            labels.append(_number(stem, len(characters)))
        label = next((each for each in [*labels, names.get(own)] if each is not None), None)
        if label is not None:
            found.append((path, label))
    if not found:
        raise ValueError(f"{folder} has no labelled picture: neither class_12.png nor 12/any.png")
    return found


def within(
    pictures: Sequence[LabelledPicture], blocks: Sequence[Block]
) -> tuple[list[LabelledPicture], list[LabelledPicture]]:
    """Divides pictures, sorted by path, into those within `blocks` of their class and the rest."""
    totals = Counter(label for _, label in pictures)
    seen: Counter[int] = Counter()
    parts: tuple[list[LabelledPicture], list[LabelledPicture]] = ([], [])
    for path, label in pictures:
        share = (seen[label] + 0.5) / totals[label]
        seen[label] += 1
        parts[not any(start <= share < end for start, end in blocks)].append((path, label))
    return parts


def pictures_in(folder: Path) -> list[Path]:
    """All picture files in `folder` and below it, by suffix, sorted by path."""
    return [path for path in sorted(folder.rglob("*")) if path.suffix.lower() in _SUFFIXES]


def _number(name: str, classes: int) -> int | None:
    match = _NUMBERED.fullmatch(name)
    return int(match[1]) if match and int(match[1]) < classes else None


@dataclass(frozen=True)
class WrittenSample:
    """A character that a person wrote, as a letterform for synthesis."""

    ink: Gray
    """An ink image, uint8 of shape (64, 64)."""
    photographs: Sequence[Gray] = ()
    """The same character in photographs, as preprocessing leaves it."""

    def write(self, rng: np.random.Generator, side: int, strength: float = 1.0) -> Gray:
        """Bends the sample, or one of its photographs, and varies the width of the pen: uint8
        (side, side), ink 255 on 0.
        """
        ink = self.ink
        if self.photographs and rng.random() < _PHOTOGRAPH_SHARE:
            ink = self.photographs[rng.integers(len(self.photographs))]
        grid = bent_grid(rng, strength)
        identity = identity_grid()
        variation = rng.uniform(0.2, 1.0)
        lookup = identity + variation * (grid - identity)
        # The ink fills 7/8 of its picture; every letterform fills 0.65 of the page.
        scale = ink.shape[0] / 2
        lookup = cv2.resize(lookup * scale * 0.875 / 0.65 + scale, (side, side))
        bent = cv2.remap(ink, field(lookup), None, cv2.INTER_LINEAR).astype(np.float32)
        bent = cv2.GaussianBlur(bent, (0, 0), rng.uniform(0.3, 1.5))
        bent += 12 * smooth_noise(rng, 24, side)
        return gray(bent > rng.uniform(70, 180)) * 255


def load_samples(
    labelled: Sequence[LabelledPicture], photographs: int = 0
) -> list[list[WrittenSample]]:
    """Preprocesses pictures of characters: `[class][sample]`.

    With `photographs`, each sample has so many photographs on paper, every fourth of a sheet on a
    table. Skips pictures that preprocessing refuses. Raises ValueError if none is left.
    """
    samples: list[list[WrittenSample]] = [[] for _ in CHARACTERS]
    for path, label in labelled:
        ink = ink_or_none(path.read_bytes())
        if ink is not None:
            rng = np.random.default_rng((label, len(samples[label])))
            pictures = (
                ink_or_none(_photographed(ink, rng, number % 4 == 3, _SAMPLE_PHOTOGRAPH))
                for number in range(photographs)
            )
            found = [each for each in pictures if each is not None]
            samples[label].append(WrittenSample(ink, found))
    if not any(samples):
        raise ValueError(f"none of the {len(labelled)} labelled pictures could be read")
    return samples


@dataclass(frozen=True)
class LabelledInkImages:
    """Ink images and their classes, to measure on."""

    images: list[Gray | None]
    """None for a picture that preprocessing refused."""
    labels: npt.NDArray[np.int64]
    """The class of each picture, shape (n,)."""

    def readable(self) -> list[Gray]:
        """The images that are not None."""
        return [image for image in self.images if image is not None]

    def readable_indices(self) -> list[int]:
        """The indices of the images that are not None."""
        return [index for index, image in enumerate(self.images) if image is not None]


def load_ink_images(
    folders: Sequence[Path],
    photographs: int = 0,
    tables: bool = False,
    blocks: Sequence[Block] = ((0, 1),),
    characters: Sequence[Character] = CHARACTERS,
) -> LabelledInkImages:
    """Preprocesses the pictures of `characters` in `folders` that are within `blocks` of their
    class.

    With `photographs`, replaces each picture by so many photographs of its ink on paper, with
    `tables` of sheets on tables; they are the same in every run. Raises ValueError if a folder has
    no labelled picture.
    """
    images, labels = [], []
    for folder in folders:
        for path, label in within(labelled_pictures(folder, characters), blocks)[0]:
            for data in _pictures(path.read_bytes(), label, photographs, tables):
                images.append(ink_or_none(data))
                labels.append(label)
    return LabelledInkImages(images, np.array(labels))


def ink_or_none(data: bytes, preprocess: Callable[[bytes], InkImage] = preprocess) -> Gray | None:
    """The ink image of an encoded picture, or None if preprocessing refuses it."""
    try:
        return preprocess(data).ink
    except ImageRefused:
        return None


def _pictures(data: bytes, label: int, count: int, tables: bool) -> Iterator[bytes]:
    """`count` photographs of a picture; the picture itself if that is 0, or if it is refused."""
    ink = ink_or_none(data) if count else None
    if ink is None:
        yield from [data] * max(1, count)
        return
    for number in range(count):
        yield _photographed(ink, np.random.default_rng((label, number)), tables)


def _photographed(
    ink: Gray, rng: np.random.Generator, on_table: bool, size: tuple[int, int] = (480, 360)
) -> bytes:
    picture = photograph(ink, rng, size=size)
    if on_table:
        picture = lay_on_table(picture, rng)
    return cv2.imencode(".jpg", picture)[1].tobytes()
