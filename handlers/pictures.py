"""Pictures inside answers."""

from __future__ import annotations

import base64

import cv2
import numpy as np
import numpy.typing as npt

from handlers.arrays import Field, Gray, gray

PICTURE_SIDE = 256
"""Side of reference pictures and of what is drawn beside them, in pixels."""

_RED = np.array([40, 40, 230], dtype=np.float32)


def png_data_uri(image: npt.NDArray[np.uint8]) -> str:
    """A uint8 picture, (height, width) or (height, width, 3) in the order blue, green, red, as
    a `data:` URI.
    """
    _, encoded = cv2.imencode(".png", image)
    return "data:image/png;base64," + base64.b64encode(encoded.tobytes()).decode("ascii")


def enlarged(ink: Gray) -> Gray:
    """Square ink as a picture of 256x256 with smooth edges, white on black as before."""
    return gray(cv2.resize(ink, (PICTURE_SIDE, PICTURE_SIDE), interpolation=cv2.INTER_CUBIC))


def overlay(reference: Gray, ink: Gray) -> npt.NDArray[np.uint8]:
    """Two inks on white paper: the reference black at full opacity, the learner's red at half
    over it.

    `reference` is a picture of 256x256, `ink` square of any size, both white on black. Returns
    uint8 of shape (256, 256, 3), blue green red.
    """
    paper = 255 - reference[..., None].astype(np.float32).repeat(3, axis=2)
    opacity = enlarged(ink)[..., None].astype(np.float32) / 255 * 0.5
    blended = paper * (1 - opacity) + _RED * opacity
    return np.asarray(blended.round(), dtype=np.uint8)


def heat(ink: Gray, weight: Field) -> npt.NDArray[np.uint8]:
    """Colours from blue through green to red where `weight`, 0-1, is high, over the ink.

    Both of one square size. Returns uint8 (256, 256, 3), blue green red.
    """
    size = (PICTURE_SIDE, PICTURE_SIDE)
    smooth = cv2.resize(weight, size, interpolation=cv2.INTER_CUBIC).clip(0, 1)
    colours = cv2.applyColorMap(gray(smooth * 255), cv2.COLORMAP_TURBO).astype(np.float32)
    paper = 255 - enlarged(ink)[..., None].astype(np.float32).repeat(3, axis=2)
    return np.asarray((0.55 * colours + 0.45 * paper).round(), dtype=np.uint8)
