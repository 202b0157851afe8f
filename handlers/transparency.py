"""Lays pictures with transparency over a paper that shows their ink."""

from __future__ import annotations

from itertools import accumulate

import numpy as np
from PIL import Image

# Pixels with at least this share of the largest opacity tell the colours. Edges are less opaque,
# and some programs darken them.
_SOLID_SHARE = 0.9
# A sheet fills at least this share of its box; strokes do not.
_SHEET_SHARE = 0.45
# A sheet is written on if this share of its pixels differs by so much, of 255, from the rest.
_WRITTEN_SHARE, _WRITTEN_CONTRAST = 0.01, 40
_MIDDLE = 128


def on_paper(picture: Image.Image) -> Image.Image:
    """Lays a picture in the mode `RGBA` over black, grey or white paper. One in the mode `L` stays
    as it is. Returns the mode `L`.

    Ink that lies on nothing gets the paper from which it differs more. A sheet of paper with ink
    on it, such as a photograph with round corners, gets paper of its own brightness.
    """
    if picture.mode == "L":
        return picture
    ink, opacity = picture.convert("L"), picture.getchannel("A")
    if np.asarray(opacity).min() == 255:
        return ink
    paper = Image.new("L", picture.size, _paper(ink, opacity))
    paper.paste(ink, mask=opacity)
    return paper


def _paper(ink: Image.Image, opacity: Image.Image) -> int:
    """The brightness of the paper. Transparent pixels have colours too, which nobody sees."""
    least = max(1, round(int(np.asarray(opacity).max()) * _SOLID_SHARE))
    solid = opacity.point([255 * (level >= least) for level in range(256)])
    counts = ink.histogram(solid)
    total, box = sum(counts), solid.getbbox()
    if box is None:
        return 255
    usual = next(level for level, count in enumerate(accumulate(counts)) if 2 * count >= total)
    if total > _SHEET_SHARE * (box[2] - box[0]) * (box[3] - box[1]):
        others = counts[: max(0, usual - _WRITTEN_CONTRAST)] + counts[usual + _WRITTEN_CONTRAST :]
        if sum(others) > _WRITTEN_SHARE * total:
            return usual
    return 0 if usual >= _MIDDLE else 255
