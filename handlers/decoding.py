"""Decodes image bytes to an upright grey picture, of at most 512 pixels unless told."""

from __future__ import annotations

import warnings

import numpy as np
from PIL import ExifTags, Image

from handlers.arrays import Gray
from handlers.decoding_apart import apart
from handlers.decoding_cut import may_be_cut, read_damaged, require_whole_ink
from handlers.decoding_files import LONGEST_SIDE, load_small, open_file, shrink
from handlers.decoding_heif import HEIC, heif_format, load_heic, require_decoder
from handlers.decoding_work import check_work
from handlers.errors import DamagedImage
from handlers.transparency import on_paper

_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What turns a picture upright, by its EXIF orientation."""


def decode(data: bytes, longest: int = LONGEST_SIDE) -> Gray:
    """Decodes an image to grey: uint8 of shape (height, width), 0 black to 255 white.

    The longer side has at most `longest` pixels. Honours the orientation, lays transparency over
    paper that shows the ink, and stretches 16-bit values from the range they use. Of a file that is
    cut short, the rows that are there are read if no ink reaches the cut. Raises UnreadableImage,
    DamagedImage, ImageTooLarge or ImageTooComplex.
    """
    check_work(data)
    with warnings.catch_warnings():
        # Pillow warns about each odd thing in a file, and a file can have thousands.
        warnings.simplefilter("ignore")
        kind = heif_format(data)
        if kind is None:
            return _grey(*_read(data, longest), longest)
        require_decoder(kind)
        load = load_heic if kind == HEIC else _load
        return apart(lambda: _grey(load(data, longest), False, longest))


def _load(data: bytes, longest: int) -> Image.Image:
    return load_small(open_file(data), data, longest)


def _read(data: bytes, longest: int) -> tuple[Image.Image, bool]:
    """A picture, and whether rows below it are missing."""
    try:
        picture = _load(data, longest)
    except DamagedImage:
        return read_damaged(data, longest)
    return read_damaged(data, longest) if may_be_cut(data, picture) else (picture, False)


def _grey(picture: Image.Image, cut: bool, longest: int) -> Gray:
    if cut:
        require_whole_ink(np.asarray(on_paper(picture)))
    return shrink(np.asarray(on_paper(_upright(picture))), longest)


def _upright(picture: Image.Image) -> Image.Image:
    """Turns a picture as its EXIF orientation says, if that can be read."""
    try:
        turn = _TURNS.get(picture.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:  # the picture itself can still be good
        return picture
    return picture if turn is None else picture.transpose(turn)
