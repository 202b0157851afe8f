"""Letterforms that learners are compared with, and the file of them that an archive carries."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from handlers.arrays import Field, Gray, Mask, gray
from handlers.drawing import png_data_uri
from handlers.lines import (
    SIDE,
    Line,
    Points,
    depth,
    distance_to,
    half_width,
    line_of_strokes,
    middle_of_ink,
    values_at,
)
from handlers.offsets import clearance, tells


@dataclass(frozen=True)
class Part:
    """A named stroke of a letterform, such as "top bar"."""

    name: str
    points: Points
    """Along the middle of the stroke, in the order of writing, (n, 2)."""


@dataclass(frozen=True)
class Form:
    """A letterform: one way to write a character."""

    source: str
    """The writing tradition."""
    picture: Gray
    """uint8 of shape (256, 256), 255 on 0: the inverted reference picture or one like it."""
    parts: tuple[Part, ...]

    @cached_property
    def picture_uri(self) -> str:
        """The picture in black on white, as a `data:` URI."""
        return png_data_uri(255 - self.picture)

    @cached_property
    def ink(self) -> Gray:
        """The picture on the canvas: uint8 of shape (128, 128)."""
        return gray(cv2.resize(self.picture, (SIDE, SIDE), interpolation=cv2.INTER_AREA))

    @cached_property
    def half_width(self) -> float:
        """Half the width of most strokes, in pixels of the canvas."""
        return half_width(self.ink)

    @cached_property
    def distance(self) -> Field:
        """Distance of every pixel of the canvas to the ink."""
        return distance_to(self.ink >= 128)

    @cached_property
    def middle(self) -> Line:
        """The middle of its ink."""
        return middle_of_ink(self.ink)

    @cached_property
    def strokes(self) -> Line:
        """The lines of its parts."""
        return line_of_strokes([part.points for part in self.parts])

    @cached_property
    def depth(self) -> npt.NDArray[np.float64]:
        """How far each point of `strokes` is inside the ink, in pixels."""
        return values_at(depth(self.ink), self.strokes.points)

    @cached_property
    def owners(self) -> npt.NDArray[np.intp]:
        """The part nearest to each pixel of the canvas."""
        lines = (line_of_strokes([part.points]).distance for part in self.parts)
        return np.asarray(np.stack(list(lines)).argmin(axis=0))

    @cached_property
    def clearance(self) -> npt.NDArray[np.float64]:
        """How far each point of `strokes` is from other parts, in pixels."""
        return clearance(self.strokes)

    @cached_property
    def told(self) -> Mask:
        """Where ink tells which part is written, one value per point of `strokes`."""
        return tells(self.strokes)


def save_forms(forms: Sequence[Sequence[Form]], path: Path) -> None:
    """Writes the letterforms of each class, `[class][form]`, as JSON."""
    path.write_text(json.dumps([[_encode(form) for form in own] for own in forms]))


def load_forms(path: Path) -> list[list[Form]]:
    """Reads a file of `save_forms`."""
    return [[_decode(form) for form in own] for own in json.loads(path.read_text())]


def _encode(form: Form) -> dict[str, object]:
    _, png = cv2.imencode(".png", form.picture)
    return {
        "source": form.source,
        "picture": base64.b64encode(png.tobytes()).decode("ascii"),
        "parts": [
            {"name": part.name, "points": part.points.round(1).tolist()} for part in form.parts
        ],
    }


def _decode(encoded: dict[str, object]) -> Form:
    png = np.frombuffer(base64.b64decode(str(encoded["picture"])), np.uint8)
    picture = gray(cv2.imdecode(png, cv2.IMREAD_GRAYSCALE))
    parts = encoded["parts"]
    assert isinstance(parts, list)
    return Form(
        str(encoded["source"]),
        picture,
        tuple(Part(part["name"], np.array(part["points"], dtype=np.float64)) for part in parts),
    )
