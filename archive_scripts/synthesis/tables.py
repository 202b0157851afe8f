"""Photographs of sheets that lie on something: a table, a cloth, another sheet, a scanner's lid."""

from __future__ import annotations

import cv2
import numpy as np

from archive_scripts.synthesis.photographs import Colour
from handlers.arrays import Field, border

KINDS = (
    *("dark", "light", "wood", "cloth", "speckled", "checked", "low contrast"),
    *("thin rim", "wide rim", "steep", "cut", "framed", "finger", "things", "shadow"),
)
"""What is special about a photograph: the surface, or how the sheet lies on it."""

_SURFACES = (
    *((38, 52, 70), (60, 95, 140), (95, 130, 165), (40, 40, 42), (70, 70, 75), (110, 110, 105)),
    *((60, 40, 30), (50, 80, 50), (45, 45, 110), (130, 150, 150), (10, 10, 10), (245, 245, 245)),
)
_SKIN = (130.0, 160, 205)
_MIN_DIFFERENCE = 45.0
"""Between the brightness of the sheet's edge and of what it lies on, 0-255."""


def lay_on_table(sheet: Colour, rng: np.random.Generator, kind: str | None = None) -> Colour:
    """Photographs a sheet from above on a surface.

    `sheet` is uint8 of shape (height, width, 3). It covers a third and more of the photograph,
    turned by up to 8 degrees and seen at an angle of up to 12 degrees. `kind`, one of `KINDS` and
    by default random, changes one of these or the surface. Returns uint8 of the shape of `sheet`.
    """
    kind = kind or KINDS[rng.integers(len(KINDS))]
    height, width = sheet.shape[:2]
    edge = border(sheet).astype(np.float32)
    table = _surface((height, width), np.median(edge, axis=0), rng, kind)
    corners = _corners(width, height, rng, kind)
    whole = np.array([[0, 0], [width, 0], [width, height], [0, height]], dtype=np.float32)
    matrix = cv2.getPerspectiveTransform(whole, corners)
    laid = cv2.warpPerspective(sheet, matrix, (width, height), flags=cv2.INTER_AREA)
    # What shades the edge of the sheet shades the surface beside it.
    light = cv2.blur(sheet, (width // 10, height // 10)).astype(np.float32).mean(axis=2)
    light = cv2.warpPerspective(
        light / edge.mean(), matrix, (width, height), borderMode=cv2.BORDER_REPLICATE
    )
    table = table * np.clip(light, 0.3, 1.5)[..., None]
    cover = _filled(corners, (height, width))
    # The sheet throws a soft shadow on the surface beside it.
    offset = rng.uniform(-0.02, 0.02, 2) * (width, height)
    moved = np.array([[1, 0, offset[0]], [0, 1, offset[1]]], dtype=np.float32)
    shadow = cv2.GaussianBlur(cv2.warpAffine(cover, moved, (width, height)), (0, 0), 0.01 * width)
    table = table * (1 - rng.uniform(0, 0.4) * shadow)[..., None]
    picture = laid * cover[..., None] + table * (1 - cover[..., None])
    if kind == "finger":
        picture = _covered(picture, corners[rng.integers(4)], rng)
    if kind == "shadow":
        picture = picture * _shadow((height, width), rng)[..., None]
    picture = picture + rng.normal(0, rng.uniform(1, 4), (height, width, 3))
    return np.clip(picture, 0, 255).astype(np.uint8)


def _corners(width: int, height: int, rng: np.random.Generator, kind: str) -> Field:
    """The corners of the sheet in the photograph, clockwise from the upper left one."""
    square = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]], dtype=np.float32) / 2
    sides = np.array([width, height])
    if kind == "thin rim":
        rims = rng.uniform(0.01, 0.04, (4, 2)) if rng.random() < 0.5 else rng.uniform(0.01, 0.04)
        return np.asarray((square * (1 - 2 * rims) + 0.5) * sides, dtype=np.float32)
    share = rng.uniform(0.35, 0.5) if kind == "wide rim" else rng.uniform(0.6, 0.9)
    corners = square * sides * share
    turn = np.deg2rad(rng.uniform(-8, 8))
    corners = corners @ np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    # A pinhole camera that is tilted about an axis in the plane of the sheet, two sides away.
    tilt = np.deg2rad(rng.uniform(20, 30) if kind == "steep" else rng.uniform(0, 12))
    axis = rng.uniform(0, np.pi)
    across = corners @ np.array([-np.sin(axis), np.cos(axis)])
    along = corners @ np.array([np.cos(axis), np.sin(axis)])
    depth = 1 + across * np.sin(tilt) / (1.2 * max(width, height))
    seen = np.stack([along / depth, across * np.cos(tilt) / depth], axis=1)
    corners = seen @ np.array([[np.cos(axis), np.sin(axis)], [-np.sin(axis), np.cos(axis)]])
    free = np.maximum(0, sides - np.ptp(corners, axis=0))
    if kind == "cut":  # a part of the sheet, at most 6 % beyond its tilt, lies outside
        away = rng.choice([[1, 0], [-1, 0], [0, 1], [0, -1], [1, 1], [-1, 1], [1, -1], [-1, -1]])
        corners = corners + away * (free / 2 + rng.uniform(0.01, 0.06) * sides)
    else:
        corners = corners + rng.uniform(-0.45, 0.45, 2) * free
    return np.asarray(corners + sides / 2, dtype=np.float32)


def _surface(shape: tuple[int, int], sheet: Field, rng: np.random.Generator, kind: str) -> Field:
    """The picture of a surface that is darker or lighter than `sheet`, a colour."""
    height, width = shape
    grey = float(sheet.mean())
    distant = [each for each in _SURFACES if abs(float(np.mean(each)) - grey) > _MIN_DIFFERENCE]
    colour = np.array(distant[rng.integers(len(distant))], dtype=np.float32)
    if kind == "dark":
        colour = rng.uniform(5, 60, 3).astype(np.float32)
    elif kind == "light" and grey < 200:
        colour = rng.uniform(235, 250, 3).astype(np.float32)
    elif kind == "low contrast":
        colour = sheet + rng.uniform(24, 40) * (1 if grey < 110 else -1)
    table = np.broadcast_to(colour, (height, width, 3)).astype(np.float32).copy()
    if kind == "wood":
        grain = rng.standard_normal((height, max(2, width // 40))).astype(np.float32)
        table += (cv2.GaussianBlur(cv2.resize(grain, (width, height)), (0, 0), 1.2) * 14)[..., None]
    elif kind == "cloth":
        y, x = np.mgrid[0:height, 0:width].astype(np.float32)
        period = rng.uniform(4, 9) * height / 900
        weave = np.sin(2 * np.pi * x / period) + np.sin(2 * np.pi * y / period)
        table += 8 * weave[..., None]
    elif kind == "speckled":
        spots = rng.standard_normal((max(2, height // 12), max(2, width // 12)))
        table += (cv2.resize(spots.astype(np.float32), (width, height)) * 9)[..., None]
    elif kind == "checked":
        side = rng.uniform(0.05, 0.15) * height
        y, x = np.mgrid[0:height, 0:width]
        squares = ((y // side + x // side) % 2).astype(np.float32)
        table += (rng.uniform(15, 40) * (1 if grey > 110 else -1) * (squares - 1))[..., None]
    elif kind == "framed":  # the frame of a board, and the wall around it
        inside = np.ones(shape, np.float32)
        cv2.rectangle(inside, (0, 0), (width - 1, height - 1), 0, round(0.02 * width))
        wall = np.array(distant[rng.integers(len(distant))], dtype=np.float32)
        table = table * inside[..., None] + wall * (1 - inside[..., None])
    elif kind == "things":
        for _ in range(rng.integers(1, 4)):
            centre = rng.uniform(0, 1, 2) * (width, height)
            box = (
                centre.tolist(),
                (rng.uniform(0.03, 0.3, 2) * width).tolist(),
                rng.uniform(0, 90),
            )
            thing = rng.uniform(20, 250, 3).tolist()
            cv2.fillConvexPoly(table, np.rint(cv2.boxPoints(box)).astype(int), thing)
    light = np.linspace(rng.uniform(0.85, 1.1), rng.uniform(0.85, 1.1), width, dtype=np.float32)
    return np.asarray(table * light[None, :, None], dtype=np.float32)


def _filled(corners: Field, shape: tuple[int, int]) -> Field:
    """1 inside, 0 outside, with a soft edge of a pixel."""
    inside = np.zeros(shape, np.uint8)
    cv2.fillConvexPoly(inside, np.rint(corners * 16).astype(int), 255, cv2.LINE_AA, 4)
    return np.asarray(inside / np.float32(255), dtype=np.float32)


def _covered(picture: Field, corner: Field, rng: np.random.Generator) -> Field:
    """With a finger that comes from outside and holds the sheet at a corner."""
    height, width = picture.shape[:2]
    outwards = corner - np.array([width, height]) / 2
    tip = corner - outwards * rng.uniform(0.05, 0.12)
    far = corner + outwards * 3
    finger = np.zeros((height, width), np.uint8)
    thickness = round(rng.uniform(0.05, 0.1) * width)
    cv2.line(finger, np.rint(tip).astype(int), np.rint(far).astype(int), 255, thickness)
    cover = cv2.GaussianBlur(finger, (0, 0), 1.5).astype(np.float32)[..., None] / 255
    skin = np.array(_SKIN, dtype=np.float32) * rng.uniform(0.5, 1.05)
    return np.asarray(picture * (1 - cover) + skin * cover, dtype=np.float32)


def _shadow(shape: tuple[int, int], rng: np.random.Generator) -> Field:
    """The light beside a shadow that lies across sheet and table; 0.45-1."""
    height, width = shape
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    angle = rng.uniform(0, 2 * np.pi)
    across = (x / width - 0.5) * np.cos(angle) + (y / height - 0.5) * np.sin(angle)
    edge = (across - rng.uniform(-0.2, 0.2)) / rng.uniform(0.004, 0.08)
    return np.asarray(1 - rng.uniform(0.25, 0.55) / (1 + np.exp(-np.clip(edge, -30, 30))))
