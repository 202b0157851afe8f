"""What callers ask for beside the image: in request headers, since TorchServe passes nothing
else on to a handler.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from handlers.comparison import Strictness
from handlers.enhancement import LEVELS
from handlers.errors import InvalidOption

Headers = Mapping[str, str]
"""Request headers by their names in lower case."""


@dataclass(frozen=True)
class RecognitionOptions:
    """Options of the archives `ranjana` and `digits`."""

    heatmap: bool
    """Whether to show where the model looked: `X-Heatmap: true`, anything else is no."""
    enhancement: int | None
    """How much to do about a poor picture: `X-Enhancement-Level: 0`, `1` or `2`; None, which is
    `auto` and the default, as much as it takes."""

    @classmethod
    def read(cls, headers: Headers) -> RecognitionOptions:
        """Raises InvalidOption where there is no such level."""
        return cls(heatmap=_flag(headers, "x-heatmap"), enhancement=_enhancement(headers))


@dataclass(frozen=True)
class ComparisonOptions:
    """Options of the archive `similarity`."""

    target: int
    """Class to compare with: `X-Target-Class`, from 0 on."""
    strictness: Strictness
    """`X-Strictness: lenient`, `normal` (the default) or `strict`."""
    embedding: bool
    """Whether to give the embedding itself: `X-Embedding: true`."""
    heatmap: bool
    """Whether to show where the model looked: `X-Heatmap: true`."""
    enhancement: int | None
    """As in `RecognitionOptions`."""

    @classmethod
    def read(cls, headers: Headers) -> ComparisonOptions:
        """Raises InvalidOption where the class is missing or one of them makes no sense."""
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
    asked = headers.get("x-enhancement-level", "").strip().lower()
    if asked not in levels:
        raise InvalidOption("X-Enhancement-Level must be 0, 1, 2 or auto.")
    return levels[asked]


def _flag(headers: Headers, name: str) -> bool:
    return headers.get(name, "").strip().lower() == "true"
