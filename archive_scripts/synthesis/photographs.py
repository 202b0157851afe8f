"""Photographs of ink on paper as a phone takes them, to measure and test preprocessing."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from handlers.arrays import Field, Gray

Colour = npt.NDArray[np.uint8]
"""Blue, green and red, shape (height, width, 3)."""

_INKS = ((40, 30, 30), (110, 40, 25), (35, 35, 110), (60, 60, 60), (30, 25, 60))
_PAPERS = ((235, 240, 242), (205, 225, 235), (225, 205, 225), (180, 205, 215), (250, 250, 250))
_RULES = ((220, 150, 130), (150, 130, 220), (190, 190, 190), (215, 175, 120))
_CHALKBOARDS = ((45, 70, 40), (50, 50, 50), (90, 60, 40))


def photograph(
    ink: Gray,
    rng: np.random.Generator,
    *,
    size: tuple[int, int] = (480, 360),
    rules: bool | None = None,
    chalk: bool | None = None,
) -> Colour:
    """Photographs a character on paper under uneven light.

    `ink` is uint8 of shape (height, width), 255 on 0, cropped or not. `size` is the photograph's
    (width, height) in pixels. `rules` draws ruled lines, by default on half of the papers; `chalk`
    draws light writing on a dark board, by default in an eighth of the photographs. Returns uint8
    of shape (height, width, 3), in the order blue, green, red.
    """
    width, height = size
    chalk = rng.random() < 0.125 if chalk is None else chalk
    rules = rng.random() < 0.5 if rules is None else rules
    paper = _pick(_CHALKBOARDS if chalk else _PAPERS, rng)
    pen = np.array([225.0, 230, 230]) if chalk else _pick(_INKS, rng)
    page = np.broadcast_to(paper, (height, width, 3)).astype(np.float32)
    page = page + _smooth(rng, (height, width), 60)[..., None] * 3
    if rules and not chalk:
        lines = _ruled(rng, (height, width))[..., None]
        page = page * (1 - lines) + _pick(_RULES, rng) * lines
    cover = _placed(ink, rng, (height, width))[..., None]
    # Ink is denser where the pen rests.
    cover = cover * np.clip(0.9 + 0.1 * _smooth(rng, (height, width), 24)[..., None], 0, 1)
    page = page * (1 - cover) + pen * cover
    page = page * _light(rng, (height, width))[..., None]
    page = cv2.GaussianBlur(page, (0, 0), float(rng.uniform(0.4, 1.3) * height / 360))
    page = page + rng.normal(0, rng.uniform(1, 6), page.shape)
    picture = np.clip(page, 0, 255).astype(np.uint8)
    quality = int(rng.integers(60, 96))
    _, encoded = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(encoded, cv2.IMREAD_COLOR), dtype=np.uint8)


def _pick(colours: tuple[tuple[int, int, int], ...], rng: np.random.Generator) -> Field:
    colour = np.array(colours[rng.integers(len(colours))], dtype=np.float32)
    return np.asarray(np.clip(colour + rng.normal(0, 6, 3), 0, 255), dtype=np.float32)


def _smooth(rng: np.random.Generator, shape: tuple[int, int], cell: int) -> Field:
    cells = (max(2, shape[0] // cell), max(2, shape[1] // cell))
    noise = rng.standard_normal(cells).astype(np.float32)
    return cv2.resize(noise, shape[::-1], interpolation=cv2.INTER_CUBIC).astype(np.float32)


def _placed(ink: Gray, rng: np.random.Generator, shape: tuple[int, int]) -> Field:
    """The character at a random place on the page, in perspective; 0-1."""
    height, width = shape
    x, y, w, h = cv2.boundingRect((ink >= 128).astype(np.uint8))
    side = rng.uniform(0.3, 0.75) * min(shape)
    scale = side / max(w, h)
    w_new, h_new = w * scale, h * scale
    left = rng.uniform(0.06 * width, 0.94 * width - w_new)
    top = rng.uniform(0.06 * height, 0.94 * height - h_new)
    source = np.array([[x, y], [x + w, y], [x + w, y + h], [x, y + h]], dtype=np.float32)
    target = np.array(
        [[left, top], [left + w_new, top], [left + w_new, top + h_new], [left, top + h_new]]
    )
    target = target + rng.normal(0, 0.025 * side, (4, 2))
    matrix = cv2.getPerspectiveTransform(source, target.astype(np.float32))
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    placed = cv2.warpPerspective(ink, matrix, (width, height), flags=method)
    return placed.astype(np.float32) / 255


def _ruled(rng: np.random.Generator, shape: tuple[int, int]) -> Field:
    """Parallel lines over the whole page, at most 12 degrees from horizontal; 0-1."""
    height, width = shape
    gap = rng.uniform(0.08, 0.25) * height
    thickness = max(1, round(rng.uniform(0.002, 0.006) * height))
    slope = np.tan(np.deg2rad(rng.uniform(-12, 12)))
    lines = np.zeros(shape, np.uint8)
    for start in np.arange(rng.uniform(-1, 0) * height, 2 * height, gap):
        left, right = (0, round(start)), (width, round(start + slope * width))
        cv2.line(lines, left, right, 255, thickness, cv2.LINE_AA)
    return (lines.astype(np.float32) / 255) * float(rng.uniform(0.3, 0.9))


def _light(rng: np.random.Generator, shape: tuple[int, int]) -> Field:
    """A gradient of light and, in a third of the pictures, the soft edge of a shadow; 0.35-1."""
    height, width = shape
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    angle = rng.uniform(0, 2 * np.pi)
    across = (x / width - 0.5) * np.cos(angle) + (y / height - 0.5) * np.sin(angle)
    light = 0.85 + across * rng.uniform(0, 0.35)
    if rng.random() < 0.33:
        edge = (across - rng.uniform(-0.3, 0.3)) / rng.uniform(0.03, 0.2)
        light = light * (1 - rng.uniform(0.2, 0.5) / (1 + np.exp(-np.clip(edge, -30, 30))))
    return np.asarray(np.clip(light, 0.35, 1.0), dtype=np.float32)
