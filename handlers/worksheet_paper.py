"""Takes a worksheet upright from a photograph, also if the paper is bent.

The marks are known on paper and found in the picture. A perspective map and a smooth bend, fitted
to them, tell where each point of the paper is.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from handlers.arrays import Gray, field, gray
from handlers.worksheet_layout import Layout
from handlers.worksheet_marks import FoundSheet

SCALE = 6.0
"""Pixels of the upright sheet per millimetre."""

Points = npt.NDArray[np.float64]

_STIFFNESS = 0.02
"""Weight of no bend against one corner of a mark."""
_GRID = 5.0
"""The map is computed at points that are so many millimetres apart."""


class PaperMap:
    """Maps points of the paper, in millimetres, to pixels of a picture."""

    def __init__(self, found: FoundSheet) -> None:
        self._size = np.array(found.sheet.layout.size)
        matrix, _ = cv2.findHomography(found.on_paper, found.in_picture)
        self._matrix = np.asarray(matrix, dtype=np.float64)
        terms = self._terms(found.on_paper)
        away = found.in_picture - self._flat(found.on_paper)
        stiff = _STIFFNESS * np.eye(terms.shape[1])
        self._bend = np.linalg.solve(terms.T @ terms + stiff, terms.T @ away)

    def __call__(self, points: Points) -> Points:
        """Maps points of shape (n, 2)."""
        return np.asarray(self._flat(points) + self._terms(points) @ self._bend)

    def _flat(self, points: Points) -> Points:
        return np.asarray(cv2.perspectiveTransform(points[None], self._matrix)[0])

    def _terms(self, points: Points) -> Points:
        u, v = (2 * points / self._size - 1).T
        one = np.ones(len(u))
        return np.stack(
            [one, u, v, u * u, u * v, v * v, u**3, u * u * v, u * v * v, v**3, u * u * v * v],
            axis=1,
        )


def upright(picture: Gray, layout: Layout, paper: PaperMap) -> Gray:
    """The whole sheet seen from above: uint8, `SCALE` pixels per millimetre."""
    width, height = (round(SCALE * side) for side in layout.size)
    columns, rows = (round(side / _GRID) + 1 for side in layout.size)
    x, y = np.meshgrid(
        np.linspace(0.5, width - 0.5, columns) / SCALE, np.linspace(0.5, height - 0.5, rows) / SCALE
    )
    there = paper(np.stack([x.ravel(), y.ravel()], axis=1)).reshape(rows, columns, 2)
    # The first and the last points of the grid are the middles of pixels.
    column = np.linspace(0, columns - 1, width, dtype=np.float32)[None].repeat(height, axis=0)
    row = np.linspace(0, rows - 1, height, dtype=np.float32)[:, None].repeat(width, axis=1)
    map_x, map_y = (
        cv2.remap(field(there[..., axis]), column, row, cv2.INTER_LINEAR) for axis in range(2)
    )
    method, edge = cv2.INTER_LINEAR, cv2.BORDER_REPLICATE
    return gray(cv2.remap(picture, map_x, map_y, method, borderMode=edge))
