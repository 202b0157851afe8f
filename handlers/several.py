"""Image bytes to the ink images of all characters that a picture shows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from handlers.arrays import Gray
from handlers.boxes import Box, picture_box
from handlers.decoding import decode
from handlers.errors import TooManyCharacters
from handlers.preprocessing import (
    FoundInk,
    InkImage,
    character_image,
    find_characters,
    nearer,
    shown,
)
from handlers.reading_order import reading_order

MAX_CHARACTERS = 100
"""Maximum that are read in a picture."""

LONGEST_SIDE = 1024
"""Maximum longer side of the decoded picture, in pixels: of 36 characters each is then as large as
the network's input."""


@dataclass(frozen=True)
class PlacedInkImage(InkImage):
    """The ink image of one of several characters."""

    box: Box = (0.0, 0.0, 1.0, 1.0)


@dataclass(frozen=True)
class SeveralInkImages(InkImage):
    """The ink image of the largest character near the middle, and those of all characters."""

    characters: Sequence[PlacedInkImage] = ()
    """In reading order; the largest is one of them."""


def preprocess_several(
    data: bytes,
    enhancement: int | None = None,
    draw: Callable[[FoundInk], Gray] = character_image,
) -> SeveralInkImages:
    """As `preprocess`, for all characters of an encoded image, each drawn by `draw`.

    Raises an `handlers.errors.ImageRefused`, TooManyCharacters among them.
    """
    gray = decode(data, LONGEST_SIDE)
    found = find_characters(gray, enhancement)
    # Each would be decoded again, and a page has many.
    if len(found) == 1:
        found = [nearer(data, found[0], LONGEST_SIDE, enhancement)]
    if len(found) > MAX_CHARACTERS:
        raise TooManyCharacters(
            f"There are more than {MAX_CHARACTERS} characters in the image: please send a part."
        )
    images = [
        PlacedInkImage(
            draw(each),
            each.isolated,
            doubtful=each.doubtful,
            box=picture_box(each.place, each.size, each.matrix),
        )
        for each in found
    ]
    order = reading_order([each.place for each in found])
    characters = [images[index] for index in order]
    return SeveralInkImages(
        images[0].ink,
        images[0].isolated,
        len(found) - 1,
        shown(data, gray),
        images[0].doubtful,
        characters=characters,
    )
