"""The forms that learners are compared with, as the archive carries them."""

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
    """Writes the forms of each class, `[class][form]`, as JSON."""
    path.write_text(json.dumps([[_described(form) for form in own] for own in forms]))


def load_forms(path: Path) -> list[list[Form]]:
    """Reads what `save_forms` wrote."""
    return [[_form(form) for form in own] for own in json.loads(path.read_text())]


def _described(form: Form) -> dict[str, object]:
    _, encoded = cv2.imencode(".png", form.picture)
    return {
        "source": form.source,
        "picture": base64.b64encode(encoded.tobytes()).decode("ascii"),
        "parts": [
            {"name": part.name, "points": part.points.round(1).tolist()} for part in form.parts
        ],
    }


def _form(described: dict[str, object]) -> Form:
    encoded = np.frombuffer(base64.b64decode(str(described["picture"])), np.uint8)
    picture = gray(cv2.imdecode(encoded, cv2.IMREAD_GRAYSCALE))
    parts = described["parts"]
    assert isinstance(parts, list)
    return Form(
        str(described["source"]),
        picture,
        tuple(Part(part["name"], np.array(part["points"], dtype=np.float64)) for part in parts),
    )
