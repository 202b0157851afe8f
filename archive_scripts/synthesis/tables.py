"""Photographs of sheets that lie on something: a table, a cloth, another sheet, a scanner's lid."""

from __future__ import annotations

import cv2
import numpy as np

from archive_scripts.synthesis.photographs import Colour
from handlers.arrays import Field

_SURFACES = (
    *((38, 52, 70), (60, 95, 140), (95, 130, 165), (40, 40, 42), (70, 70, 75), (110, 110, 105)),
    *((60, 40, 30), (50, 80, 50), (45, 45, 110), (130, 150, 150), (10, 10, 10), (245, 245, 245)),
)
_MIN_DIFFERENCE = 45.0
"""Between the brightness of the sheet's edge and of what it lies on, 0-255."""


def lay_on_table(sheet: Colour, rng: np.random.Generator) -> Colour:
    """Photographs a sheet from above on a surface.

    `sheet` is uint8 of shape (height, width, 3). It covers 35 to 95 % of each side of the
    photograph, turned by up to 8 degrees and seen at an angle of up to 30 degrees. In a fifth of the
    photographs one corner or side of it lies outside. Returns uint8 of the shape of `sheet`.
    """
    height, width = sheet.shape[:2]
    edge = np.concatenate([sheet[0], sheet[-1], sheet[:, 0], sheet[:, -1]])
    surface = _surface((height, width), float(np.median(edge)), rng)
    corners = _corners(width, height, rng)
    whole = np.array([[0, 0], [width, 0], [width, height], [0, height]], dtype=np.float32)
    matrix = cv2.getPerspectiveTransform(whole, corners.astype(np.float32))
    laid = cv2.warpPerspective(sheet, matrix, (width, height), flags=cv2.INTER_AREA)
    cover = cv2.warpPerspective(
        np.ones((height, width), np.float32), matrix, (width, height), flags=cv2.INTER_LINEAR
    )
    # The sheet throws a soft shadow on the surface beside it.
    offset = rng.uniform(-0.02, 0.02, 2) * (width, height)
    moved = np.array([[1, 0, offset[0]], [0, 1, offset[1]]], dtype=np.float32)
    shadow = cv2.GaussianBlur(cv2.warpAffine(cover, moved, (width, height)), (0, 0), 0.01 * width)
    surface = surface * (1 - rng.uniform(0, 0.4) * shadow)[..., None]
    cover = cover[..., None]
    noise = rng.normal(0, rng.uniform(1, 4), (height, width, 3))
    return np.clip(laid * cover + surface * (1 - cover) + noise, 0, 255).astype(np.uint8)


def _corners(width: int, height: int, rng: np.random.Generator) -> Field:
    """The corners of the sheet in the photograph, clockwise from the upper left one."""
    share = rng.uniform(0.35, 0.95) ** 0.5
    half = np.array([width, height]) * share / 2
    corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * half
    turn = np.deg2rad(rng.uniform(-8, 8))
    corners = corners @ np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    # A pinhole camera that is tilted about an axis in the plane of the sheet, two sides away.
    tilt, axis = np.deg2rad(rng.uniform(0, 30)), rng.uniform(0, np.pi)
    across = corners @ np.array([-np.sin(axis), np.cos(axis)])
    along = corners @ np.array([np.cos(axis), np.sin(axis)])
    depth = 1 + across * np.sin(tilt) / (2 * max(width, height))
    seen = np.stack([along / depth, across * np.cos(tilt) / depth], axis=1)
    corners = seen @ np.array([[np.cos(axis), np.sin(axis)], [-np.sin(axis), np.cos(axis)]])
    corners += np.array([width, height]) / 2
    if rng.random() < 0.2:  # a part of the sheet lies outside
        corners += rng.choice([-1, 0, 1], 2) * (1.08 * (1 - share) / 2) * (width, height)
    else:
        corners += rng.uniform(-1, 1, 2) * (1 - share) / 2.5 * (width, height)
    return np.asarray(corners, dtype=np.float32)


def _surface(shape: tuple[int, int], sheet: float, rng: np.random.Generator) -> Field:
    """The picture of an empty surface that is darker or lighter than `sheet`."""
    distant = [
        colour for colour in _SURFACES if abs(float(np.mean(colour)) - sheet) > _MIN_DIFFERENCE
    ]
    colour = np.array(distant[rng.integers(len(distant))], dtype=np.float32)
    height, width = shape
    texture = np.zeros(shape, np.float32)
    kind = rng.integers(4)
    if kind == 1:  # the grain of wood
        grain = rng.standard_normal((height, max(2, width // 40))).astype(np.float32)
        texture = cv2.GaussianBlur(cv2.resize(grain, (width, height)), (0, 0), 1.2) * 14
    elif kind == 2:  # cloth
        y, x = np.mgrid[0:height, 0:width].astype(np.float32)
        period = rng.uniform(4, 9) * height / 900
        texture = 8 * (np.sin(2 * np.pi * x / period) + np.sin(2 * np.pi * y / period))
    elif kind == 3:  # speckled
        spots = rng.standard_normal((max(2, height // 12), max(2, width // 12)))
        texture = cv2.resize(spots.astype(np.float32), (width, height)) * 9
    if rng.random() < 0.5:
        texture = texture.T if height == width else texture
    light = np.linspace(rng.uniform(0.8, 1.1), rng.uniform(0.8, 1.1), width, dtype=np.float32)
    return np.asarray((colour + texture[..., None]) * light[None, :, None], dtype=np.float32)
