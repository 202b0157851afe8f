"""Where the ink is in a grey picture, and how dark: in any light and polarity.

A binarised picture is taken as it is; of a photograph, the light is removed first.
"""

from __future__ import annotations

import cv2
import numpy as np

from handlers.arrays import Gray, Mask, border
from handlers.arrays import gray as to_gray
from handlers.decoding_files import shrink
from handlers.errors import NoCharacterFound

# Longer side, in pixels, of the copy that light and polarity are measured on.
_SMALL = 96

# The means of Otsu's two classes must be this far apart, or there is no ink. The contrast is in
# 1/255 of the paper's brightness, one value per level of enhancement. The separation is in standard
# deviations of the paper: a split of pure Gaussian noise has 1.6 / 0.6 = 2.65, of uniform noise
# 3.46, handwriting 6 and more.
MIN_CONTRAST = (18.0, 12.0, 8.0)
_MIN_SEPARATION = 3.6


def is_binarised(gray: Gray) -> bool:
    """Whether nearly all pixels are near one of two distant values, as after a threshold."""
    low, high = int(gray.min()), int(gray.max())
    between = int(np.count_nonzero((gray > low + 24) & (gray < high - 24)))
    return high - low > 100 and between < 0.10 * gray.size


def binarised_ink(gray: Gray) -> Gray:
    """Turns a binarised picture into white ink on black, 0-255.

    The value with the larger share of the border and of the whole picture, taken together, is the
    paper. A tight crop has ink on its border, and a bold character may cover half of its box, but
    hardly any picture does both.
    """
    stretched = full_contrast(gray)
    bright = stretched >= 128
    if border_share(bright) + bright.mean() > 1:
        return 255 - stretched
    return stretched


def ink_map(gray: Gray, inverted: bool = False) -> Gray:
    """Removes uneven light and polarity from a photograph.

    `inverted` assumes the polarity that it seems not to have. Returns uint8 of the same shape,
    0-255: how much darker each pixel is than the paper around it, or how much lighter for light
    ink on dark.
    """
    small = shrink(gray, _SMALL)
    if _is_light_on_dark(small) != inverted:
        gray, small = 255 - gray, 255 - small
    size = (gray.shape[1], gray.shape[0])
    paper = cv2.resize(_paper(small), size, interpolation=cv2.INTER_LINEAR)
    # `divide` saturates at 255 where a pixel is brighter than the paper.
    brightness = cv2.divide(cv2.GaussianBlur(gray, (3, 3), 0), paper, scale=255)
    return 255 - to_gray(brightness)


def _is_light_on_dark(small: Gray) -> bool:
    """Whether most deviations from the local median are brighter than it."""
    window = max(3, round(0.6 * min(small.shape)) | 1)
    deviation = small.astype(np.int16) - cv2.medianBlur(small, window)
    # Smaller deviations are noise or slow changes of light, not strokes.
    quiet = max(8.0, 2.5 * float(np.median(np.abs(deviation))))
    darker = np.maximum(-deviation - quiet, 0).sum()
    brighter = np.maximum(deviation - quiet, 0).sum()
    return bool(brighter > darker)


def _paper(small: Gray) -> Gray:
    """The brightness of the paper at every pixel, at least 1, same shape.

    A grey closing with a window wider than any stroke removes the dark ink.
    """
    side = max(3, round(0.45 * min(small.shape))) | 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    paper = cv2.morphologyEx(cv2.GaussianBlur(small, (3, 3), 0), cv2.MORPH_CLOSE, kernel)
    return np.maximum(to_gray(cv2.blur(paper, (side // 2 | 1, side // 2 | 1))), 1)


def ink_mask(ink: Gray, min_contrast: float = MIN_CONTRAST[0]) -> Mask:
    """Where there is ink, by Otsu's threshold (Otsu 1979).

    Raises NoCharacterFound if the two sides of the threshold are too close, as with blank paper or
    noise.
    """
    binary = otsu(ink)
    mask = binary > 0
    if not mask.any() or mask.all():
        raise NoCharacterFound("No character found: the image is blank.")
    written, _ = cv2.meanStdDev(ink, mask=binary)
    paper, paper_spread = cv2.meanStdDev(ink, mask=cv2.bitwise_not(binary))
    contrast = float(written[0, 0] - paper[0, 0])
    if contrast < max(min_contrast, _MIN_SEPARATION * float(paper_spread[0, 0])):
        raise NoCharacterFound("No character found: the image is blank or nothing but noise.")
    return mask


def otsu(ink: Gray) -> Gray:
    """255 above Otsu's threshold, else 0."""
    return to_gray(cv2.threshold(ink, 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)[1])


def full_contrast(gray: Gray) -> Gray:
    """Stretches the values to 0-255. The picture has at least two."""
    low, high = int(gray.min()), int(gray.max())
    table = (np.arange(256, dtype=np.float32) - low) * (255 / (high - low))
    return to_gray(cv2.LUT(gray, to_gray(table.clip(0, 255))))


def border_share(mask: Mask) -> float:
    """The share of the pixels at the edge of the picture that are in the mask."""
    return float(border(mask).mean())
