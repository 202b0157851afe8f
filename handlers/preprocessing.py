"""Image bytes to ink image, the input of the networks in serving and in training.

    decode               an upright grey picture of at most 512 pixels on the longer side
    upright_sheet        the sheet alone, if it lies on a table
    enhance              removes noise from poor pictures
    ink_map              how much darker than the paper each pixel is, in any light and polarity
    ink_mask             where there is ink, by Otsu's threshold
    remove_ruled_lines   keeps the strokes that cross them
    isolate              keeps the character's contours, drops specks, rings and boxes
    split_layers         drops what is lighter or darker than the ink and lies over or beside it
    close_up             shows a small character larger, which is then found again
    frame_ink            crops, centres, resizes; `frame_digit` for digits

Pure functions, no torch.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import cv2
import numpy as np
import numpy.typing as npt

from handlers.arrays import Gray, Mask, border
from handlers.arrays import gray as to_gray
from handlers.arrays import mask as to_mask
from handlers.boxes import UNCHANGED, Matrix, picture_box
from handlers.close_up import close_up
from handlers.decoding import decode
from handlers.decoding_files import LONGEST_SIDE
from handlers.decoding_heif import HEIC, heif_format
from handlers.drawings import Drawing
from handlers.enhancement import LEVELS, enhance
from handlers.errors import NoCharacterFound
from handlers.framing import frame_digit, frame_ink
from handlers.ink_maps import (
    MIN_CONTRAST,
    binarised_ink,
    border_share,
    full_contrast,
    ink_map,
    ink_mask,
    is_binarised,
    otsu,
)
from handlers.isolation import Isolated, edges_touched, is_tight, isolate
from handlers.layers import split_layers
from handlers.ruled_lines import remove_ruled_lines
from handlers.sheet import upright_sheet

SMALLEST_SIDE = 8
"""Minimum shorter side of a readable picture, in pixels."""

# Pictures with a shorter longer side than this, in pixels, are enlarged.
_TINY = 56

# A character whose longer side has fewer pixels is looked at again, nearer.
_SMALL_CHARACTER = 48

# Ruled lines with this share of all ink are squares, which leave traces when they are removed.
_SQUARED_SHARE = 0.5

# Ink on these shares of the picture's edge may be stripes of shadow, and is a frame or a table, not
# a character in a tight crop.
_STRIPES_SHARE = 0.35
_FRAME_SHARE = 0.5
_MANY = 8


@dataclass(frozen=True)
class FoundInk:
    """A character, cropped with a margin of one pixel where the picture has one.

    `ink` is uint8 of shape (height, width), the amount of ink, 0-255. `mask`, of the same shape,
    marks the character. `isolated` is False if the character could not be separated from its
    surroundings; then both are of the whole image. `place` is the left, top, width and height of
    the character, `size` the width and height of the picture, in pixels; `matrix` maps
    the place into the picture, if it is that on a sheet. `doubtful` is True if the
    edge of the picture cuts the ink, but not as that of a tight crop: it may be no ink, or not all
    of it.
    """

    ink: Gray
    mask: Mask
    isolated: bool
    place: tuple[int, int, int, int]
    size: tuple[int, int]
    doubtful: bool = False
    matrix: Matrix = field(default_factory=lambda: UNCHANGED)


@dataclass(frozen=True)
class InkImage:
    """The input of a network: uint8, white ink on black, (64, 64) for characters and (28, 28) for
    digits. `isolated` and `doubtful` as in `FoundInk`. `others` is how many more characters the
    picture shows. `shown` is a picture of what came if browsers cannot show that, else None.
    `drawing` is what was drawn, if it was no photograph.
    """

    ink: Gray
    isolated: bool
    others: int = 0
    shown: Gray | None = None
    doubtful: bool = False
    drawing: Drawing | None = None


def preprocess(
    data: bytes, enhancement: int | None = None, draw: Callable[[FoundInk], Gray] | None = None
) -> InkImage:
    """Makes the ink image of a character from an encoded image.

    `enhancement` is one of `LEVELS`; None takes the lowest level at which a character is found.
    `draw` is `character_image` (the default) or `digit_image`. Raises an
    `handlers.errors.ImageRefused` if the bytes are no image or show no character.
    """
    gray = decode(data)
    main, *others = find_characters(gray, enhancement)
    main = nearer(data, main, LONGEST_SIDE, enhancement)
    ink = (draw or character_image)(main)
    return InkImage(ink, main.isolated, len(others), shown(data, gray), main.doubtful)


def preprocess_drawing(drawing: Drawing, draw: Callable[[FoundInk], Gray]) -> InkImage:
    """Makes the ink image of a drawing with `draw`, one of those of `preprocess`."""
    whole = (0, 0, *drawing.pad.shape)
    ink = draw(FoundInk(drawing.pad, drawing.pad > 0, True, whole, drawing.pad.shape))
    # Strokes are no picture; the history keeps one.
    picture = 255 - drawing.pad if drawing.strokes else None
    return InkImage(ink, True, shown=picture, drawing=drawing)


def preprocess_digit(data: bytes, enhancement: int | None = None) -> InkImage:
    """As `preprocess`, for a digit."""
    return preprocess(data, enhancement, digit_image)


def shown(data: bytes, gray: Gray) -> Gray | None:
    """The decoded picture if browsers cannot show the file, else None."""
    return gray if heif_format(data) == HEIC else None


def character_image(found: FoundInk) -> Gray:
    """The ink image of a character: uint8 (64, 64), white on black."""
    ink = to_gray(found.mask) * 255 if found.isolated else full_contrast(found.ink)
    return frame_ink(ink)


def digit_image(found: FoundInk) -> Gray:
    """The ink image of a digit, in the form of MNIST's images: uint8 (28, 28), white on black."""
    return frame_digit(found.ink, found.mask)


def find_ink(gray: Gray, enhancement: int | None = None) -> FoundInk:
    """The first of `find_characters`. Raises NoCharacterFound."""
    return find_characters(gray, enhancement)[0]


def find_characters(gray: Gray, enhancement: int | None = None) -> list[FoundInk]:
    """Finds the characters in a grey picture, uint8 of shape (height, width): first the largest
    near the middle, then the others, in no order.

    Raises NoCharacterFound.
    """
    if min(gray.shape) < SMALLEST_SIDE:
        raise NoCharacterFound(
            f"No character found: the image is only {gray.shape[1]} x {gray.shape[0]} pixels."
        )
    sheet = upright_sheet(gray) if _may_show_table(gray) else None
    if sheet is None:
        return _find_at_levels(gray, enhancement)
    try:
        found = _find_at_levels(sheet.gray, enhancement)
        if found[0].isolated:
            size = (gray.shape[1], gray.shape[0])
            return [replace(each, size=size, matrix=sheet.matrix) for each in found]
        blank = None
    except NoCharacterFound as error:
        blank = error
    whole = _find_at_levels(gray, enhancement)
    if blank is not None and (not whole[0].isolated or _is_block(whole[0].mask)):
        raise blank
    return whole


def nearer(data: bytes, found: FoundInk, longest: int, enhancement: int | None = None) -> FoundInk:
    """A small character as a close-up of the encoded picture shows it, in the same place.

    `longest` is that of the decoding in which it was found. A character that the close-up does not
    show, or that is large, is returned as it is.
    """
    small = found.isolated and max(found.place[2:]) < _SMALL_CHARACTER
    if not small or max(found.size) < longest:
        return found
    try:
        near = find_ink(
            close_up(data, picture_box(found.place, found.size, found.matrix)), enhancement
        )
    except NoCharacterFound:
        return found
    if not near.isolated:
        return found
    return replace(near, place=found.place, size=found.size, matrix=found.matrix)


def _may_show_table(gray: Gray) -> bool:
    """False for dark ink on bright paper without shades: a drawing or a binarised scan. Cheap."""
    sample = gray[::4, ::4]
    if not is_binarised(sample):
        return True
    dark = sample < (int(sample.min()) + int(sample.max())) / 2
    return bool(border(dark).any() or dark.mean() > 0.45)


def _is_block(mask: Mask) -> bool:
    """Whether a mask, cropped to its ink, is a filled box, and not as narrow as a digit one."""
    outline = cv2.convexHull(np.argwhere(mask).astype(np.int32))
    filled = np.count_nonzero(mask) > 0.9 * cv2.contourArea(outline)
    return bool(filled and max(mask.shape) < 2.5 * min(mask.shape))


def _find_at_levels(gray: Gray, enhancement: int | None) -> list[FoundInk]:
    *first, last = LEVELS if enhancement is None else (enhancement,)
    for level in first:
        try:
            return _find_characters(enhance(gray, level), level)
        except NoCharacterFound:
            continue
    return _find_characters(enhance(gray, last), last)


def _find_characters(gray: Gray, level: int) -> list[FoundInk]:
    binarised = is_binarised(gray)
    gray = _enlarge_tiny(gray)
    ink = binarised_ink(gray) if binarised else ink_map(gray)
    height, width = ink.shape
    mask = ink_mask(ink, MIN_CONTRAST[level])
    cleaned = remove_ruled_lines(mask)
    squared = np.count_nonzero(cleaned) < (1 - _SQUARED_SHARE) * np.count_nonzero(mask)
    main = None if squared else isolate(cleaned)
    framed = border_share(cleaned)
    if main is None or _is_cut(main, ink.shape) or framed > _STRIPES_SHARE:
        layer = _isolated_layer(ink, mask)
        if layer is None and not binarised:
            # Broad stripes of shadow can be taken for the paper.
            other = ink_map(gray, inverted=True)
            layer = _isolated_layer(other, to_mask(otsu(other)))
            ink = ink if layer is None else other
        if layer is not None:
            main = layer
        elif squared:
            main = isolate(cleaned)
    if main is None:
        whole = np.ones(ink.shape, np.bool_)
        place, size = (0, 0, width, height), (width, height)
        return [FoundInk(ink, whole, False, place, size, doubtful=framed > _FRAME_SHARE)]
    if level and not (
        0 < main.left < width - main.mask.shape[1] and 0 < main.top < height - main.mask.shape[0]
    ):
        # Faint ink at the edge of the picture is usually only a gradient of light.
        raise NoCharacterFound("No character found: the image is blank or nothing but noise.")
    return [_crop(ink, character) for character in (main, *main.others)]


def _crop(ink: Gray, character: Isolated) -> FoundInk:
    height, width = character.mask.shape
    left, top = max(0, character.left - 1), max(0, character.top - 1)
    right, bottom = character.left + width + 1, character.top + height + 1
    crop = ink[top:bottom, left:right]
    mask = np.zeros(crop.shape, np.bool_)
    y, x = character.top - top, character.left - left
    mask[y : y + height, x : x + width] = character.mask
    place = (character.left, character.top, width, height)
    doubtful = _is_cut(character, ink.shape)
    return FoundInk(crop, mask, True, place, (ink.shape[1], ink.shape[0]), doubtful)


def _isolated_layer(ink: Gray, mask: Mask) -> Isolated | None:
    """The character among things of another density; None if there are none, or it is cut."""
    for layer in split_layers(ink, mask) or ():
        try:
            found = isolate(remove_ruled_lines(layer))
        except NoCharacterFound:
            continue
        # Many characters of a kind that only one layer has are noise.
        if found is not None and len(found.others) < _MANY and not _reaches_edge(found, ink.shape):
            return found
    return None


def _box(character: Isolated) -> npt.NDArray[np.int32]:
    height, width = character.mask.shape
    return np.array([[character.left, character.top, width, height]], dtype=np.int32)


def _reaches_edge(character: Isolated, shape: tuple[int, ...]) -> bool:
    return bool(edges_touched(shape, _box(character)).any())


def _is_cut(character: Isolated, shape: tuple[int, ...]) -> bool:
    """Whether the edge of the picture cuts a character that does not fill the picture."""
    return _reaches_edge(character, shape) and not is_tight(shape, _box(character))


def _enlarge_tiny(gray: Gray) -> Gray:
    """Enlarges a tiny picture four times, because lines, specks and gaps are measured in pixels."""
    if max(gray.shape) >= _TINY:
        return gray
    return to_gray(cv2.resize(gray, None, fx=4, fy=4, interpolation=cv2.INTER_CUBIC))
