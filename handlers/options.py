"""The options of a request.

They come in request headers, because TorchServe passes nothing else beside a raw body. Fields of a
form count as headers: see `handlers.request_form`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from handlers.characters import CHARACTER_SETS
from handlers.comparison import Strictness
from handlers.enhancement import LEVELS
from handlers.errors import InvalidOption

Headers = Mapping[str, str]
"""Request headers by their names in lower case."""


@dataclass(frozen=True)
class RecognitionOptions:
    """Options of the archives `ranjana` and `digits`."""

    heatmap: bool
    """`X-Heatmap: true` asks where the model looked; any other value means no."""
    whole_script: bool
    """`X-Characters: all` asks for vowels and digits of the script too, not only for `consonants`,
    the default. `digits` ignores it."""
    several: bool
    """`X-Several: true` asks for all characters of the image; any other value means no."""
    enhancement: int | None
    """`X-Enhancement-Level`: how much noise to remove, `0`, `1` or `2`. None, for `auto` and by
    default, is the least level at which a character is found."""

    @classmethod
    def read(cls, headers: Headers) -> RecognitionOptions:
        """Raises InvalidOption for an unknown level or group of characters."""
        characters = headers.get("x-characters", "").strip().lower()
        if characters not in {"", *CHARACTER_SETS}:
            raise InvalidOption("X-Characters must be consonants or all.")
        return cls(
            heatmap=_flag(headers, "x-heatmap"),
            whole_script=characters == "all",
            several=_flag(headers, "x-several"),
            enhancement=_enhancement(headers),
        )


@dataclass(frozen=True)
class ComparisonOptions:
    """Options of the archive `similarity`."""

    target: int
    """`X-Target-Class`: the class to compare with, from 0."""
    strictness: Strictness
    """`X-Strictness: lenient`, `normal` (the default) or `strict`."""
    embedding: bool
    """`X-Embedding: true` asks for the embedding."""
    heatmap: bool
    """As in `RecognitionOptions`."""
    enhancement: int | None
    """As in `RecognitionOptions`."""

    @classmethod
    def read(cls, headers: Headers) -> ComparisonOptions:
        """Raises InvalidOption if the class is missing or an option makes no sense."""
        target = headers.get("x-target-class", "").strip()
        if not (target.isascii() and target.isdigit() and len(target) < 10):
            raise InvalidOption("X-Target-Class must be the number of a class, such as 12.")
        try:
            strictness = Strictness.named(headers.get("x-strictness", "normal").strip())
        except ValueError as error:
            raise InvalidOption(f"X-Strictness: {error}.") from error
        return cls(
            target=int(target),
            strictness=strictness,
            embedding=_flag(headers, "x-embedding"),
            heatmap=_flag(headers, "x-heatmap"),
            enhancement=_enhancement(headers),
        )


def _enhancement(headers: Headers) -> int | None:
    levels = {"": None, "auto": None, **{str(level): level for level in LEVELS}}
    requested = headers.get("x-enhancement-level", "").strip().lower()
    if requested not in levels:
        raise InvalidOption("X-Enhancement-Level must be 0, 1, 2 or auto.")
    return levels[requested]


def _flag(headers: Headers, name: str) -> bool:
    return headers.get(name, "").strip().lower() == "true"
