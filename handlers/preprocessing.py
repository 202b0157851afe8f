"""Image bytes -> ink image: what the networks see, in serving and in training.

    decode     grey picture, upright, at most 512 pixels on the longer side
    enhance    for poor pictures: noise and unevenness taken out
    ink_map    how much darker than the paper each pixel is, whatever the light and polarity
    ink_mask   where there is ink, by Otsu's threshold
    remove_ruled_lines
    isolate    the character's contours, without specks
    frame_ink  or frame_digit: cropped, centred, resized

Pure functions, no torch.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from handlers.arrays import Gray, Mask
from handlers.arrays import field as to_field
from handlers.arrays import gray as to_gray
from handlers.decoding import decode, shrink
from handlers.enhancement import LEVELS, enhance
from handlers.errors import NoCharacterFound
from handlers.framing import frame_digit, frame_ink
from handlers.isolation import isolate
from handlers.ruled_lines import remove_ruled_lines

SMALLEST_SIDE = 8
"""Pixels on the shorter side below which nothing can be read."""

# Longer side, in pixels, of pictures that are enlarged.
_TINY = 56

# Longer side, in pixels, of the copy on which light and polarity are judged.
_SMALL = 96

# Otsu's two classes must be this far apart for one of them to be ink: in units of 1/255 of the
# paper's brightness, the less the more a picture was enhanced, and of the spread of the paper.
# Splitting pure Gaussian noise in two gives 1.6 / 0.6 = 2.65 spreads, uniform noise 3.46,
# handwriting 6 and more.
_LEAST_CONTRAST = (18.0, 12.0, 8.0)
_LEAST_SEPARATION = 3.6


@dataclass(frozen=True)
class FoundInk:
    """A character, cropped with a pixel to spare where the picture has one.

    `ink` is uint8 of shape (height, width), how much ink there is at each place, 0-255; `mask`,
    of the same shape, says which of it is the character. `isolated` is False when no character
    could be told from its surroundings and both are those of the whole image.
    """

    ink: Gray
    mask: Mask
    isolated: bool


@dataclass(frozen=True)
class InkImage:
    """What was written: `ink` is uint8, white ink on black, of shape (64, 64) for characters
    and (28, 28) for digits.

    `isolated` is False when no character could be told from its surroundings and the whole
    image was used.
    """

    ink: Gray
    isolated: bool


def preprocess(data: bytes, enhancement: int | None = None) -> InkImage:
    """Finds the character in an encoded image, for the networks that look at characters.

    `enhancement` is one of `LEVELS`; None is the least with which there is one to be found.
    Raises an `handlers.errors.ImageRefused` when the bytes are no image or show no character.
    """
    found = find_ink(decode(data), enhancement)
    ink = to_gray(found.mask) * 255 if found.isolated else _full_contrast(found.ink)
    return InkImage(frame_ink(ink), found.isolated)


def preprocess_digit(data: bytes, enhancement: int | None = None) -> InkImage:
    """The same for the network that looks at digits."""
    found = find_ink(decode(data), enhancement)
    return InkImage(digit_image(found), found.isolated)


def digit_image(found: FoundInk) -> Gray:
    """Ink as MNIST's images show it: uint8 of shape (28, 28), white on black."""
    return frame_digit(found.ink, found.mask)


def find_ink(gray: Gray, enhancement: int | None = None) -> FoundInk:
    """Finds the character in a grey picture, uint8 of shape (height, width).

    Raises NoCharacterFound.
    """
    if min(gray.shape) < SMALLEST_SIDE:
        raise NoCharacterFound(
            f"No character found: the image is only {gray.shape[1]} x {gray.shape[0]} pixels."
        )
    *gentle, last = LEVELS if enhancement is None else (enhancement,)
    for level in gentle:
        try:
            return _find_ink(enhance(gray, level), level)
        except NoCharacterFound:
            continue
    return _find_ink(enhance(gray, last), last)


def _find_ink(gray: Gray, level: int) -> FoundInk:
    binarised = is_binarised(gray)
    gray = _enlarged(gray)
    ink = binarised_ink(gray) if binarised else ink_map(gray)
    character = isolate(remove_ruled_lines(ink_mask(ink, _LEAST_CONTRAST[level])))
    if character is None:
        return FoundInk(ink, np.ones(ink.shape, np.bool_), isolated=False)
    height, width = character.mask.shape
    if level and not (
        0 < character.left < ink.shape[1] - width and 0 < character.top < ink.shape[0] - height
    ):
        # So faint as to be no more than the end of a slope of light.
        raise NoCharacterFound("No character found: the image is blank or nothing but noise.")
    left, top = max(0, character.left - 1), max(0, character.top - 1)
    right, bottom = character.left + width + 1, character.top + height + 1
    crop = ink[top:bottom, left:right]
    mask = np.zeros(crop.shape, np.bool_)
    y, x = character.top - top, character.left - left
    mask[y : y + height, x : x + width] = character.mask
    return FoundInk(crop, mask, isolated=True)


def _enlarged(gray: Gray) -> Gray:
    """A tiny picture at four times its size: lines, specks and gaps are told by their pixels."""
    if max(gray.shape) >= _TINY:
        return gray
    return to_gray(cv2.resize(gray, None, fx=4, fy=4, interpolation=cv2.INTER_CUBIC))


def is_binarised(gray: Gray) -> bool:
    """Whether nearly all pixels are near one of two far-apart values, as after a threshold."""
    low, high = int(gray.min()), int(gray.max())
    between = np.count_nonzero((gray > low + 24) & (gray < high - 24))
    return high - low > 100 and between < 0.10 * gray.size


def binarised_ink(gray: Gray) -> Gray:
    """Brings an already binarised picture to white ink on black, 0-255.

    The paper is what there is more of, on the border of the picture and on the whole: a
    tight crop has ink on its border and a bold character may cover half of its box, but
    hardly any does both.
    """
    stretched = _full_contrast(gray)
    bright = stretched >= 128
    border = np.concatenate([bright[0], bright[-1], bright[:, 0], bright[:, -1]])
    if border.mean() + bright.mean() > 1:
        return 255 - stretched
    return stretched


def ink_map(gray: Gray) -> Gray:
    """Evens out the light and the polarity of a photograph.

    Returns uint8 of the same shape: how much darker than the paper around it each pixel is
    (lighter, for light ink on dark), 0 none to 255 all.
    """
    small = shrink(gray, _SMALL)
    if _is_light_on_dark(small):
        gray, small = 255 - gray, 255 - small
    size = (gray.shape[1], gray.shape[0])
    paper = cv2.resize(_paper(small), size, interpolation=cv2.INTER_LINEAR)
    # Saturates where a pixel is brighter than the paper.
    brightness = cv2.divide(cv2.GaussianBlur(gray, (3, 3), 0), paper, scale=255)
    return 255 - to_gray(brightness)


def _is_light_on_dark(small: Gray) -> bool:
    """Whether the deviations from the local median are mostly to the bright side."""
    window = max(3, round(0.6 * min(small.shape)) | 1)
    deviation = small.astype(np.int16) - cv2.medianBlur(small, window)
    # Slow changes of light and noise are no strokes.
    quiet = max(8.0, 2.5 * float(np.median(np.abs(deviation))))
    darker = np.maximum(-deviation - quiet, 0).sum()
    brighter = np.maximum(deviation - quiet, 0).sum()
    return bool(brighter > darker)


def _paper(small: Gray) -> Gray:
    """The brightness of the paper behind every pixel of dark ink, at least 1, same shape.

    A grey closing with a window wider than any stroke.
    """
    side = max(3, round(0.45 * min(small.shape))) | 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    paper = cv2.morphologyEx(cv2.GaussianBlur(small, (3, 3), 0), cv2.MORPH_CLOSE, kernel)
    return np.maximum(to_gray(cv2.blur(paper, (side // 2 | 1, side // 2 | 1))), 1)


def ink_mask(ink: Gray, least_contrast: float = _LEAST_CONTRAST[0]) -> Mask:
    """Where there is ink, by Otsu's threshold (Otsu 1979).

    Raises NoCharacterFound when the two sides of the threshold are not apart enough for one
    of them to be ink: blank paper, noise.
    """
    _, binary = cv2.threshold(ink, 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    mask = binary > 0
    if not mask.any() or mask.all():
        raise NoCharacterFound("No character found: the image is blank.")
    written, _ = cv2.meanStdDev(ink, mask=binary)
    paper, paper_spread = cv2.meanStdDev(ink, mask=cv2.bitwise_not(binary))
    contrast = float(written[0, 0] - paper[0, 0])
    if contrast < max(least_contrast, _LEAST_SEPARATION * float(paper_spread[0, 0])):
        raise NoCharacterFound("No character found: the image is blank or nothing but noise.")
    return mask


def _full_contrast(gray: Gray) -> Gray:
    low, high = int(gray.min()), int(gray.max())
    return to_gray((to_field(gray) - low) * (255 / (high - low)))
