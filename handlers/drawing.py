"""Draws the pictures of answers and encodes them."""

from __future__ import annotations

import base64

import cv2
import numpy as np
import numpy.typing as npt

from handlers.arrays import Field, Gray, gray

PICTURE_SIDE = 256
"""Side of reference pictures and of pictures in answers, in pixels."""

_RED = np.array([40, 40, 230], dtype=np.float32)


def png_data_uri(image: npt.NDArray[np.uint8]) -> str:
    """Encodes a uint8 picture, (height, width) or (height, width, 3) in the order blue, green, red,
    as a `data:` URI.
    """
    _, encoded = cv2.imencode(".png", image)
    return "data:image/png;base64," + base64.b64encode(encoded.tobytes()).decode("ascii")


def jpeg_data_uri(picture: Gray) -> str:
    """Encodes a grey picture, uint8 of shape (height, width), as a `data:` URI."""
    _, encoded = cv2.imencode(".jpg", picture)
    return "data:image/jpeg;base64," + base64.b64encode(encoded.tobytes()).decode("ascii")


def enlarge(ink: Gray) -> Gray:
    """Enlarges square ink to 256x256 with smooth edges; the ink stays white on black."""
    return gray(cv2.resize(ink, (PICTURE_SIDE, PICTURE_SIDE), interpolation=cv2.INTER_CUBIC))


def overlay(reference: Gray, ink: Gray) -> npt.NDArray[np.uint8]:
    """Draws two inks on white paper: the reference in opaque black, over it the learner's in red at
    half opacity.

    `reference` is 256x256, `ink` is square of any size; both are white on black. Returns uint8 of
    shape (256, 256, 3), blue green red.
    """
    opacity = enlarge(ink)[..., None].astype(np.float32) / 255 * 0.5
    blended = _paper(reference) * (1 - opacity) + _RED * opacity
    return np.asarray(blended.round(), dtype=np.uint8)


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
