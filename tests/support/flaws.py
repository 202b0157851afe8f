"""Plants flaws into reference pictures, 256x256, black ink on white."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt
from skimage.morphology import skeletonize

Picture = npt.NDArray[np.uint8]
Place = tuple[int, int]
"""Row and column of one of the nine regions."""

BOUNDS = (0, 85, 171, 256)


def region(row: int, column: int) -> tuple[slice, slice]:
    return slice(BOUNDS[row], BOUNDS[row + 1]), slice(BOUNDS[column], BOUNDS[column + 1])


def inked_regions(picture: Picture) -> list[Place]:
    """Regions with enough ink for a visible flaw."""
    ink = picture < 128
    places = [(row, column) for row in range(3) for column in range(3)]
    return [place for place in places if ink[region(*place)].sum() > 0.09 * ink.sum()]


def erase(picture: Picture, rng: np.random.Generator) -> tuple[Picture, Place]:
    places = inked_regions(picture)
    place = places[rng.integers(len(places))]
    flawed = picture.copy()
    flawed[region(*place)] = 255
    return flawed, place


def shift(picture: Picture, rng: np.random.Generator) -> tuple[Picture, Place]:
    places = inked_regions(picture)
    place = places[rng.integers(len(places))]
    part = np.full_like(picture, 255)
    part[region(*place)] = picture[region(*place)]
    flawed = picture.copy()
    flawed[region(*place)] = 255
    offset = ((0, 30), (30, 0), (0, -30), (-30, 0))[rng.integers(4)]
    return np.minimum(flawed, np.roll(part, offset, axis=(0, 1))), place


def add(picture: Picture, rng: np.random.Generator) -> tuple[Picture, Place]:
    """A stroke of 64 pixels, most of it where there was paper."""
    while True:
        centre, angle = rng.uniform(40, 216, 2), rng.uniform(0, np.pi)
        half = 32 * np.array([np.cos(angle), np.sin(angle)])
        ends = [tuple(np.rint(centre + side * half).astype(int).tolist()) for side in (-1, 1)]
        flawed = picture.copy()
        cv2.line(flawed, ends[0], ends[1], 0, 16)
        new = (picture >= 128) & (flawed < 128)
        if new.sum() > 500:
            row, column = np.argwhere(new).mean(axis=0)
            return flawed, (int(3 * row / 256), int(3 * column / 256))


def thin(picture: Picture) -> Picture:
    line = skeletonize(picture < 128).astype(np.uint8) * 255
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (7, 7))
    return 255 - np.asarray(cv2.dilate(line, disc), dtype=np.uint8)


def thick(picture: Picture) -> Picture:
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (13, 13))
    return np.asarray(cv2.erode(picture, disc), dtype=np.uint8)
