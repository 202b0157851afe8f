"""The options of a request.

They come in request headers, because TorchServe passes nothing else beside a raw body. Fields of a
form count as headers: see `handlers.request_form`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from handlers.characters import CHARACTER_SETS
from handlers.comparison import Strictness
from handlers.drawings import ANGLES, PENS, WIDTHS, Pen
from handlers.enhancement import LEVELS
from handlers.errors import InvalidOption

Headers = Mapping[str, str]
"""Request headers by their names in lower case."""


class Source(Enum):
    """The kinds of bodies of a request."""

    PHOTOGRAPH = "photograph"
    """An image in which a character is to be found."""
    DRAWING = "drawing"
    """An image of which all ink is meant."""
    STROKES = "strokes"
    """JSON, see `handlers.drawings`."""
    WORKSHEET = "worksheet"
    """The photograph of a printed sheet with many characters, see `handlers.worksheets`."""


@dataclass(frozen=True)
class ImageOptions:
    """The options of every archive."""

    source: Source
    """`X-Source: photograph` (the default), `drawing`, `strokes` or `worksheet`."""
    pen: Pen
    """`X-Pen`: what the strokes are drawn with, `round` (the default) or `nib`; `X-Pen-Width` in
    shares of the pad's side; `X-Pen-Angle` of a nib, in degrees clockwise from the horizontal."""
    heatmap: bool
    """`X-Heatmap: true` asks where the model looked; any other value means no."""
    enhancement: int | None
    """`X-Enhancement-Level`: how much noise to remove, `0`, `1` or `2`. None, for `auto` and by
    default, is the least level at which a character is found."""


@dataclass(frozen=True)
class RecognitionOptions(ImageOptions):
    """Options of the archives `ranjana` and `digits`."""

    whole_script: bool
    """`X-Characters: all` asks for vowels and digits of the script too, not only for `consonants`,
    the default. `digits` ignores it."""
    several: bool
    """`X-Several: true` asks for all characters of the image; any other value means no."""

    @classmethod
    def read(cls, headers: Headers) -> RecognitionOptions:
        """Raises InvalidOption for an unknown level or group of characters."""
        characters = headers.get("x-characters", "").strip().lower()
        if characters not in {"", *CHARACTER_SETS}:
            raise InvalidOption("X-Characters must be consonants or all.")
        several = _flag(headers, "x-several")
        of_images = _of_images(headers)
        if of_images["source"] is Source.WORKSHEET:
            raise InvalidOption("Worksheets are compared, not recognised.")
        if several and of_images["source"] is not Source.PHOTOGRAPH:
            raise InvalidOption("Several characters are read in photographs only.")
        return cls(whole_script=characters == "all", several=several, **of_images)


@dataclass(frozen=True)
class ComparisonOptions(ImageOptions):
    """Options of the archive `similarity`."""

    target: int | None
    """`X-Target-Class`: the class to compare with, from 0. None for a worksheet, which says it."""
    strictness: Strictness
    """`X-Strictness: lenient`, `normal` (the default) or `strict`."""
    embedding: bool
    """`X-Embedding: true` asks for the embedding."""

    @classmethod
    def read(cls, headers: Headers) -> ComparisonOptions:
        """Raises InvalidOption if the class is missing or an option makes no sense."""
        of_images = _of_images(headers)
        target = headers.get("x-target-class", "").strip()
        if of_images["source"] is Source.WORKSHEET:
            target = ""
        elif not (target.isascii() and target.isdigit() and len(target) < 10):
            raise InvalidOption("X-Target-Class must be the number of a class, such as 12.")
        try:
            strictness = Strictness.named(headers.get("x-strictness", "normal").strip())
        except ValueError as error:
            raise InvalidOption(f"X-Strictness: {error}.") from error
        return cls(
            target=int(target) if target else None,
            strictness=strictness,
            embedding=_flag(headers, "x-embedding"),
            **of_images,
        )


def _of_images(headers: Headers) -> dict[str, Any]:
    """The fields of `ImageOptions`."""
    return {
        "source": _one_of(headers, "X-Source", [each.value for each in Source], Source),
        "pen": _pen(headers),
        "heatmap": _flag(headers, "x-heatmap"),
        "enhancement": _enhancement(headers),
    }


def _pen(headers: Headers) -> Pen:
    kind = _one_of(headers, "X-Pen", PENS[::-1], str)
    width = _number(headers, "X-Pen-Width", WIDTHS)
    angle = _number(headers, "X-Pen-Angle", ANGLES)
    return Pen(kind, width) if angle is None else Pen(kind, width, angle)


def _number(headers: Headers, name: str, limits: tuple[float, float]) -> float | None:
    """The value of a header, None without it."""
    text = headers.get(name.lower(), "").strip()
    if not text:
        return None
    low, high = limits
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not low <= value <= high:
        raise InvalidOption(f"{name} must be a number from {low:g} to {high:g}.")
    return value


def _one_of(
    headers: Headers, name: str, known: Sequence[str], convert: Callable[[str], Any]
) -> Any:
    """The value of a header, the first of `known` without it."""
    value = headers.get(name.lower(), "").strip().lower() or known[0]
    if value not in known:
        raise InvalidOption(f"{name} must be {' or '.join(known)}.")
    return convert(value)


def _enhancement(headers: Headers) -> int | None:
    levels = {"": None, "auto": None, **{str(level): level for level in LEVELS}}
    requested = headers.get("x-enhancement-level", "").strip().lower()
    if requested not in levels:
        raise InvalidOption("X-Enhancement-Level must be 0, 1, 2 or auto.")
    return levels[requested]


def _flag(headers: Headers, name: str) -> bool:
    return headers.get(name, "").strip().lower() == "true"
