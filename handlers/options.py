"""What callers ask for beside the image: in request headers, since TorchServe passes nothing
else on to a handler.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from handlers.comparison import Strictness
from handlers.errors import InvalidOption

Headers = Mapping[str, str]
"""Request headers by their names in lower case."""


@dataclass(frozen=True)
class RecognitionOptions:
    """Options of the archive `ranjana`."""

    heatmap: bool
    """Whether to show where the model looked: `X-Heatmap: true`."""

    @classmethod
    def read(cls, headers: Headers) -> RecognitionOptions:
        """Anything but `true` is no."""
        return cls(heatmap=_flag(headers, "x-heatmap"))


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
        )


def _flag(headers: Headers, name: str) -> bool:
    return headers.get(name, "").strip().lower() == "true"
