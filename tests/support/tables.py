"""Photographs of sheets on tables: other tables than those of `archive_scripts.synthesis`."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import numpy.typing as npt

from handlers.arrays import Field, Gray, gray

Rng = np.random.Generator

FLAT = ((0.1, 0.08), (0.88, 0.1), (0.9, 0.9), (0.09, 0.92))
"""Corners of a sheet, clockwise from the upper left one, as shares of width and height."""
SMALL = ((0.42, 0.3), (0.8, 0.32), (0.79, 0.78), (0.4, 0.77))
STEEP = ((0.24, 0.2), (0.78, 0.14), (0.95, 0.88), (0.06, 0.93))
CUT = ((-0.07, -0.05), (0.87, -0.02), (0.9, 0.86), (-0.04, 0.9))
RIM = ((0.01, 0.01), (0.99, 0.01), (0.99, 0.99), (0.01, 0.99))


def planks(height: int, width: int, rng: Rng) -> Field:
    """Four boards with dark joints."""
    table = np.full((height, width), 70, np.float32)
    board = height // 4
    for top in range(0, height, board):
        table[top : top + board] += rng.uniform(-14, 14)
        table[top : top + 2] = 25
    grain = rng.standard_normal((height, 1)).astype(np.float32)
    return table + cv2.GaussianBlur(grain, (1, 5), 1.5) * 6


def gingham(height: int, width: int, rng: Rng) -> Field:
    """A cloth of crossed stripes."""
    x, y = np.arange(width) // (width // 18) % 2, np.arange(height) // (height // 14) % 2
    return np.asarray(30 + 25 * (x[None] + y[:, None]), dtype=np.float32)


def cork(height: int, width: int, rng: Rng) -> Field:
    """Grains of different sizes."""
    grains = cv2.GaussianBlur(rng.standard_normal((height, width)).astype(np.float32), (0, 0), 2.5)
    return np.asarray(70 + grains * 90, dtype=np.float32)


def even(brightness: float) -> Callable[[int, int, Rng], Field]:
    """A surface of one brightness, 0-255."""

    def table(height: int, width: int, rng: Rng) -> Field:
        return np.full((height, width), brightness, np.float32)

    return table


def lid(height: int, width: int, rng: Rng) -> Field:
    """A dark lid with a bright wall around it."""
    table = np.full((height, width), 45, np.float32)
    cv2.rectangle(table, (0, 0), (width - 1, height - 1), 205, width // 20)
    return table


def cluttered(height: int, width: int, rng: Rng) -> Field:
    """A table with a round cup and two pens."""
    table = np.full((height, width), 70, np.float32)
    cv2.circle(table, (0, height // 5), width // 10, 230, -1)
    cv2.line(table, (width, height // 3), (width * 93 // 100, height), 180, width // 60)
    cv2.line(table, (0, height * 96 // 100), (width // 2, height), 20, width // 80)
    return table


def lay(
    sheet: Gray,
    table: Callable[[int, int, Rng], Field],
    corners: tuple[tuple[float, float], ...] = FLAT,
    *,
    thumb: bool = False,
    shadow: bool = False,
    seed: int = 1,
) -> Gray:
    """Photographs a sheet on a table; uint8 of the shape of `sheet`.

    `thumb` covers a corner; `shadow` darkens one side of sheet and table.
    """
    height, width = sheet.shape
    rng = np.random.default_rng(seed)
    target = np.array(corners, np.float32) * np.array([width, height], np.float32)
    source = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    matrix = cv2.getPerspectiveTransform(source, target)
    laid = cv2.warpPerspective(sheet.astype(np.float32), matrix, (width, height))
    cover = cv2.warpPerspective(np.ones_like(laid), matrix, (width, height))
    picture = table(height, width, rng) * (1 - cover) + laid * cover
    if thumb:
        tip = target[2] * 0.93 + target[0] * 0.07
        centre = (float(tip[0]), float(tip[1]))
        cv2.ellipse(picture, (centre, (0.16 * width, 0.34 * height), -40.0), 140, -1)
    if shadow:
        picture *= np.linspace(0.6, 1.4, width, dtype=np.float32).clip(0.75, 1)
    picture = cv2.GaussianBlur(picture, (0, 0), 0.8) + rng.normal(0, 2, picture.shape)
    return gray(np.clip(picture, 0, 255))


def stripes(height: int, width: int) -> npt.NDArray[np.float32]:
    """The light that falls through blinds, 0.5-1, shape (height, width)."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    wave = np.sin((x * 0.8 + y * 0.6) * 2 * np.pi / (0.22 * width))
    return np.asarray(0.75 + 0.25 * np.clip(wave * 4, -1, 1), dtype=np.float32)
