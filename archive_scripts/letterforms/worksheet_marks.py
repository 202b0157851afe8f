"""Writes the pictures of the marks of worksheets for who draws sheets without OpenCV."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from cv2 import aruco

from handlers.worksheet_layout import MARKS
from handlers.worksheet_marks import DICTIONARY, MODULES


def write_marks(output: Path) -> None:
    """Writes one line for each mark: its modules without the black border, row by row, as a number
    in base 16 of which the first bit is the upper left one; 1 is white.
    """
    lines = []
    for number in range(MARKS):
        picture = aruco.generateImageMarker(DICTIONARY, number, MODULES)
        bits = np.packbits(picture[1:-1, 1:-1].ravel() > 0)
        lines.append(bits.tobytes().hex())
    output.write_text("\n".join(lines) + "\n", encoding="ascii")
