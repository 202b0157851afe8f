"""Draws the pictures of answers and encodes them."""

from __future__ import annotations

import base64
import io

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from handlers.arrays import Field, Gray, gray

PICTURE_SIDE = 256
"""Side of reference pictures and of pictures in answers, in pixels."""

_PNG = (cv2.IMWRITE_PNG_COMPRESSION, 1, cv2.IMWRITE_PNG_FILTER, cv2.IMWRITE_PNG_FILTER_NONE)
"""Smaller and quicker than the default for ink, which has few grey pixels."""
_RED = np.array([230, 40, 40])


def _palette() -> bytes:
    """Red, green and blue for each of 16 levels of red ink over each of 16 levels of black ink."""
    over, under = np.divmod(np.arange(256)[:, None], 16)
    opacity = over / 15 / 2
    colours = 255 * (1 - under / 15) * (1 - opacity) + _RED * opacity
    return colours.round().astype(np.uint8).tobytes()


_PALETTE = _palette()


def png_data_uri(picture: npt.NDArray[np.uint8] | Image.Image) -> str:
    """Encodes a picture as a `data:` URI. An array is uint8, (height, width) or (height, width, 3)
    in the order blue, green, red.
    """
    if isinstance(picture, Image.Image):
        stream = io.BytesIO()
        picture.save(stream, "PNG", compress_level=1)
        encoded = stream.getvalue()
    else:
        encoded = cv2.imencode(".png", picture, _PNG)[1].tobytes()
    return "data:image/png;base64," + base64.b64encode(encoded).decode("ascii")


def jpeg_data_uri(picture: Gray, quality: int = 95) -> str:
    """Encodes a grey picture, uint8 of shape (height, width), as a `data:` URI."""
    _, encoded = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return "data:image/jpeg;base64," + base64.b64encode(encoded.tobytes()).decode("ascii")


def enlarge(ink: Gray) -> Gray:
    """Enlarges square ink to 256x256 with smooth edges; the ink stays white on black."""
    return gray(cv2.resize(ink, (PICTURE_SIDE, PICTURE_SIDE), interpolation=cv2.INTER_CUBIC))


def overlay(reference: Gray, ink: Gray) -> Image.Image:
    """Draws two inks on white paper: the reference in opaque black, over it the learner's in red at
    half opacity.

    `reference` is 256x256, `ink` is square of any size; both are white on black. Returns 256x256
    pixels of a palette, because those are encoded in a third of the time of three channels.
    """
    picture = Image.fromarray((enlarge(ink) & 0xF0) | (reference >> 4))
    picture.putpalette(_PALETTE)
    return picture


def heat_overlay(ink: Gray, weights: Field) -> npt.NDArray[np.uint8]:
    """Draws `weights`, 0-1, over the ink: blue for low, green, then red for high.

    Both are square and of one size. Returns uint8 (256, 256, 3), blue green red.
    """
    size = (PICTURE_SIDE, PICTURE_SIDE)
    smooth = cv2.resize(weights, size, interpolation=cv2.INTER_CUBIC).clip(0, 1)
    colours = cv2.applyColorMap(gray(smooth * 255), cv2.COLORMAP_TURBO).astype(np.float32)
    return np.asarray((0.55 * colours + 0.45 * _paper(enlarge(ink))).round(), dtype=np.uint8)


def _paper(ink: Gray) -> Field:
    """Black ink on white paper in three channels, 0-255."""
    return 255 - ink[..., None].astype(np.float32).repeat(3, axis=2)
