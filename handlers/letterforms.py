"""Reads and writes the letterforms that an archive carries to compare learners with."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from handlers.arrays import gray
from handlers.comparison import Form, Part


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
