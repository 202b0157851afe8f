"""Augmentation: what a camera, a threshold and low resolution do to ink.

Real handwriting passes through a phone's camera and a binarisation: strokes break, counters fill,
the crop cuts an end off, the character may be thirty pixels high. Each function takes and returns
uint8 of shape (height, width), ink 255 on 0.
"""

from __future__ import annotations

import cv2
import numpy as np

from handlers.arrays import Gray, gray


def augment(ink: Gray, rng: np.random.Generator, strength: float = 1.0) -> Gray:
    """Applies some of the functions below at random; `strength` multiplies their probabilities."""
    if rng.random() < 0.15 * strength:
        ink = fill_counters(ink, rng)
    if rng.random() < 0.25 * strength:
        ink = break_strokes(ink, rng)
    if rng.random() < 0.05 * strength:
        ink = keep_edges(ink, rng)
    if rng.random() < 0.20 * strength:
        ink = clip(ink, rng)
    if rng.random() < 0.15 * strength:
        ink = add_specks(ink, rng)
    if rng.random() < 0.35 * strength:
        ink = stretch_to_square(ink, rng)
    if rng.random() < 0.60 * strength:
        ink = lower_resolution(ink, rng)
    return ink


def fill_counters(ink: Gray, rng: np.random.Generator) -> Gray:
    """Closes narrow gaps, like a wet pen or a blurred photograph."""
    size = int(rng.integers(3, 9))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    return gray(cv2.morphologyEx(ink, cv2.MORPH_CLOSE, kernel))


def break_strokes(ink: Gray, rng: np.random.Generator) -> Gray:
    """Cuts one to four short gaps into the strokes."""
    broken = ink.copy()
    height, width = ink.shape
    for _ in range(rng.integers(1, 5)):
        centre = (int(rng.integers(width)), int(rng.integers(height)))
        axes = (int(rng.integers(1, 4)), int(rng.integers(2, 12)))
        cv2.ellipse(broken, centre, axes, float(rng.uniform(0, 180)), 0, 360, 0, -1)
    return broken


def keep_edges(ink: Gray, rng: np.random.Generator) -> Gray:
    """Hollows thick strokes, like an adaptive threshold with a small window."""
    size = int(rng.integers(5, 10))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    return gray(cv2.subtract(ink, cv2.erode(ink, kernel)))


def clip(ink: Gray, rng: np.random.Generator) -> Gray:
    """Cuts 2 to 13 % of the character off at one side."""
    x, y, width, height = cv2.boundingRect(ink)
    clipped = ink.copy()
    side, share = rng.integers(4), rng.uniform(0.02, 0.13)
    if side == 0:
        clipped[: y + round(height * share)] = 0
    elif side == 1:
        clipped[y + height - round(height * share) :] = 0
    elif side == 2:
        clipped[:, : x + round(width * share)] = 0
    else:
        clipped[:, x + width - round(width * share) :] = 0
    return clipped


def add_specks(ink: Gray, rng: np.random.Generator) -> Gray:
    """Adds one to four blots near the character."""
    x, y, width, height = cv2.boundingRect(ink)
    specked = ink.copy()
    for _ in range(rng.integers(1, 5)):
        centre = (
            int(x + rng.uniform(-0.1, 1.1) * width),
            int(y + rng.uniform(-0.1, 1.1) * height),
        )
        axes = (int(rng.integers(1, 4)), int(rng.integers(1, 4)))
        cv2.ellipse(specked, centre, axes, float(rng.uniform(0, 180)), 0, 360, 255, -1)
    return specked


def stretch_to_square(ink: Gray, rng: np.random.Generator) -> Gray:
    """Loses the aspect ratio, wholly or in part, like apps that resize the crop to a square."""
    x, y, width, height = cv2.boundingRect(ink)
    if min(width, height) < 8:
        return ink
    part = rng.uniform(0.5, 1.0)
    side = max(width, height)
    size = (round(width + (side - width) * part), round(height + (side - height) * part))
    crop = ink[y : y + height, x : x + width]
    return gray(cv2.resize(crop, size, interpolation=cv2.INTER_LINEAR))


def lower_resolution(ink: Gray, rng: np.random.Generator) -> Gray:
    """Shrinks the character to 22-64 pixels and thresholds it again."""
    x, y, width, height = cv2.boundingRect(ink)
    if min(width, height) < 8:
        return ink
    scale = rng.uniform(22, 64) / max(width, height)
    size = (max(6, round(width * scale)), max(6, round(height * scale)))
    crop = ink[y : y + height, x : x + width]
    small = cv2.resize(crop, size, interpolation=cv2.INTER_AREA).astype(np.float32)
    small += rng.normal(0, rng.uniform(0, 40), small.shape)
    return gray((small > rng.uniform(85, 165)).astype(np.uint8) * 255)
