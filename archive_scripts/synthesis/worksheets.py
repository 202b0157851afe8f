"""Photographs of worksheets: written on, bent, on a table, at an angle, in uneven light."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from handlers.arrays import Field, Gray, gray
from handlers.worksheet_layout import Layout, Place

Points = npt.NDArray[np.float64]

_GRID = 3.0
"""Distance of the points at which the paper is bent, in millimetres."""
_STEPS = 12
_INK_SHARE = 0.86
"""Of a cell, that the longer side of a letter covers."""


@dataclass(frozen=True)
class Camera:
    """How a sheet is photographed."""

    tilt: float = 0.0
    """Angle between the paper and the picture, in degrees; `axis` is that of the tilt."""
    axis: float = 0.0
    turn: float = 0.0
    """Of the sheet in the picture, in degrees clockwise."""
    bend: float = 0.0
    """How far the middle of the paper stands out from its edges, in millimetres: a cylinder."""
    bend_axis: float = 90.0
    """Direction of the cylinder's axis in degrees: 0 is that of the rows."""
    shadow: float = 0.0
    """How much darker it is in the shadow that covers a part of the sheet, 0-1."""
    light: float = 0.0
    """How much the light falls from one side to the other, 0-1."""
    blur: float = 0.0
    """Standard deviation in pixels."""
    noise: float = 2.0
    quality: int = 85
    """Of the JPEG."""
    share: float = 0.88
    """Of the picture, that the sheet covers."""
    size: tuple[int, int] = (1800, 2400)
    """Width and height of the picture."""
    table: float = 90.0
    """Brightness of what the sheet lies on."""


def random_camera(rng: np.random.Generator) -> Camera:
    """As learners photograph: up to 35 degrees, any way up, bent and shaded."""
    return Camera(
        tilt=float(rng.uniform(0, 35)),
        axis=float(rng.uniform(0, 360)),
        turn=float(rng.choice([0, 0, 0, 90, 180, 270]) + rng.uniform(-12, 12)),
        bend=float(rng.choice([0, 1]) * rng.uniform(-8, 8)),
        bend_axis=float(rng.choice([0, 90]) + rng.uniform(-15, 15)),
        shadow=float(rng.choice([0, 1]) * rng.uniform(0.2, 0.5)),
        light=float(rng.uniform(0, 0.4)),
        blur=float(rng.uniform(0.3, 1.4)),
        noise=float(rng.uniform(1, 5)),
        quality=int(rng.integers(60, 95)),
        share=float(rng.uniform(0.75, 0.95)),
        table=float(rng.choice([30, 90, 150, 215])),
    )


def write_in_cells(
    sheet: Gray,
    layout: Layout,
    inks: Mapping[tuple[int, int], Gray],
    rng: np.random.Generator,
    darkness: float = 0.8,
) -> Gray:
    """A printed sheet with letters in its cells.

    `sheet` is a grey picture of the whole paper. `inks` are letters by row and column, uint8 of
    any shape, 255 on 0. They fill their cells, hardly displaced.
    """
    scale = sheet.shape[1] / layout.size[0]
    paper = sheet.astype(np.float32)
    for (row, column), ink in inks.items():
        paper = _written(paper, layout.cell(row, column), scale, ink, rng, darkness)
    return gray(paper.round())


def _written(
    paper: Field, cell: Place, scale: float, ink: Gray, rng: np.random.Generator, darkness: float
) -> Field:
    x, y, width, height = cv2.boundingRect(gray(ink >= 128))
    crop = ink[y : y + height, x : x + width]
    size = _INK_SHARE * cell.width * scale * float(rng.uniform(0.93, 1.0))
    factor = size / max(width, height)
    shape = (max(1, round(width * factor)), max(1, round(height * factor)))
    method = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
    resized = cv2.resize(crop, shape, interpolation=method).astype(np.float32) / 255
    middle = np.array([cell.x + cell.width / 2, cell.y + cell.height / 2]) * scale
    middle += rng.uniform(-0.02, 0.02, 2) * cell.width * scale
    left, top = (round(float(each)) for each in middle - np.array(shape) / 2)
    part = paper[top : top + shape[1], left : left + shape[0]]
    part *= 1 - darkness * np.clip(resized, 0, 1)
    return paper


def photograph_sheet(
    sheet: Gray, layout: Layout, camera: Camera, rng: np.random.Generator
) -> tuple[Gray, Points]:
    """Photographs a grey picture of the whole paper.

    Returns the photograph, and where it shows the middle of each cell: (rows, columns, 2), pixels.
    """
    width, height = camera.size
    project = _projection(layout, camera)
    cells = np.array(
        [
            [_middle(layout.cell(row, column)) for column in range(layout.columns)]
            for row in range(layout.rows)
        ]
    )
    scale = sheet.shape[1] / layout.size[0]
    to_paper = _inverse(project, layout, camera)
    maps = to_paper * np.float32(scale) - np.float32(0.5)
    # The picture is smaller than the sheet.
    softened = cv2.GaussianBlur(sheet, (0, 0), 0.6)
    seen = cv2.remap(
        softened, maps[..., 0], maps[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    ).astype(np.float32)
    edge = np.array(layout.size, dtype=np.float32)
    inside = ((to_paper >= 0) & (to_paper <= edge)).all(axis=2)
    cover = cv2.GaussianBlur(inside.astype(np.float32), (0, 0), 1.0)
    spots = rng.standard_normal((height // 40, width // 40), dtype=np.float32)
    grain = cv2.resize(spots, (width, height))
    table = camera.table + 12 * grain
    picture = seen * 0.93 * cover + table * (1 - cover)
    picture = picture * _light((height, width), camera, rng)
    if camera.blur:
        picture = cv2.GaussianBlur(picture, (0, 0), camera.blur)
    noise = rng.standard_normal(picture.shape, dtype=np.float32)
    picture = picture + np.float32(camera.noise) * noise
    photograph = gray(np.clip(picture, 0, 255))
    _, encoded = cv2.imencode(".jpg", photograph, [cv2.IMWRITE_JPEG_QUALITY, camera.quality])
    decoded = gray(cv2.imdecode(encoded, cv2.IMREAD_GRAYSCALE))
    return decoded, project(cells.reshape(-1, 2)).reshape(cells.shape)


def _middle(cell: Place) -> tuple[float, float]:
    return cell.x + cell.width / 2, cell.y + cell.height / 2


class _projection:  # noqa: N801 - a function with the camera's numbers
    """Maps points of the paper, (n, 2) in millimetres, to pixels."""

    def __init__(self, layout: Layout, camera: Camera) -> None:
        self._camera = camera
        self._middle = np.array(layout.size) / 2
        self._length = float(np.hypot(*layout.size))
        self._scale, self._offset = 1.0, np.zeros(2)
        corners = np.array([(0, 0), (1, 0), (1, 1), (0, 1)]) * np.array(layout.size)
        seen = self(corners)
        size = np.array(camera.size)
        self._scale = float((camera.share * size / np.ptp(seen, axis=0)).min())
        seen = self(corners)
        self._offset = size / 2 - (seen.min(axis=0) + seen.max(axis=0)) / 2

    def __call__(self, points: Points) -> Points:
        camera, half = self._camera, self._length / 2
        flat = points - self._middle
        along, across = _rotated(flat, camera.bend_axis).T
        depth = np.zeros(len(flat))
        if camera.bend:
            radius = half**2 / (2 * camera.bend)
            across, depth = radius * np.sin(across / radius), radius * (1 - np.cos(across / radius))
        flat = _rotated(np.stack([along, across], axis=1), -camera.bend_axis)
        along, across = _rotated(flat, camera.axis).T
        tilt = np.deg2rad(camera.tilt)
        down, away = (
            across * np.cos(tilt) - depth * np.sin(tilt),
            across * np.sin(tilt) + depth * np.cos(tilt),
        )
        distance = 1.25 * self._length
        seen = np.stack([along, down], axis=1) * (distance / (distance + away))[:, None]
        seen = _rotated(seen, -camera.axis - camera.turn)
        return np.asarray(seen * self._scale + self._offset)


def _rotated(points: Points, degrees: float) -> Points:
    """In axes that are turned clockwise by an angle."""
    turn = np.deg2rad(degrees)
    x, y = points.T
    return np.stack(
        [x * np.cos(turn) + y * np.sin(turn), y * np.cos(turn) - x * np.sin(turn)], axis=1
    )


def _inverse(project: _projection, layout: Layout, camera: Camera) -> Field:
    """The point of the paper that each pixel shows, (height, width, 2): outside it, about."""
    columns, rows = (round(side / _GRID) for side in layout.size)
    x, y = np.meshgrid(
        np.linspace(0, layout.size[0], columns), np.linspace(0, layout.size[1], rows)
    )
    paper = np.stack([x.ravel(), y.ravel()], axis=1)
    matrix, _ = cv2.findHomography(project(paper), paper)
    width, height = camera.size
    grid_x, grid_y = np.meshgrid(np.arange(0, width + 8, 8.0), np.arange(0, height + 8, 8.0))
    pixels = np.stack([grid_x.ravel(), grid_y.ravel()], axis=1)
    found = cv2.perspectiveTransform(pixels[None], matrix)[0]
    low, high = -np.array(layout.size) * 0.1, np.array(layout.size) * 1.1
    for _ in range(_STEPS):
        inside = np.clip(found, low, high)
        back = cv2.perspectiveTransform(inside[None], np.linalg.inv(matrix))[0]
        shifted = pixels - (project(inside) - back)
        found = cv2.perspectiveTransform(shifted[None], matrix)[0]
    coarse = found.reshape(*grid_x.shape, 2).astype(np.float32)
    # Pixel (8 i, 8 j) is at a corner of the grid.
    yy, xx = np.mgrid[0:height, 0:width].astype(np.float32) / 8
    return np.asarray(cv2.remap(coarse, xx, yy, cv2.INTER_LINEAR), dtype=np.float32)


def _light(shape: tuple[int, int], camera: Camera, rng: np.random.Generator) -> Field:
    height, width = shape
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    angle = rng.uniform(0, 2 * np.pi)
    across = (x / width - 0.5) * np.cos(angle) + (y / height - 0.5) * np.sin(angle)
    light = 1 - camera.light * (across + 0.7) / 1.4
    if camera.shadow:
        angle = rng.uniform(0, 2 * np.pi)
        across = (x / width - 0.5) * np.cos(angle) + (y / height - 0.5) * np.sin(angle)
        edge = (across - rng.uniform(-0.3, 0.3)) / rng.uniform(0.015, 0.1)
        light = light * (1 - camera.shadow / (1 + np.exp(-np.clip(edge, -30, 30))))
    return np.asarray(light, dtype=np.float32)
