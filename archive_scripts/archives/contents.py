"""Writes the files that each handler loads; one function per module of `handlers`."""

from __future__ import annotations

from pathlib import Path

from archive_scripts.archives.export import export_comparer, export_recogniser
from archive_scripts.letterforms.reference_forms import reference_forms
from handlers.framing import DIGIT_SIZE
from handlers.letterforms import save_forms

_REFERENCES = Path(__file__).resolve().parents[2] / "reference_images"


def recognition(weights: Path, model: Path, folder: Path) -> None:
    """Writes `model`. The handler needs no other file in `folder`."""
    export_recogniser(weights, model)


def digits(weights: Path, model: Path, folder: Path) -> None:
    """Writes `model`. The handler needs no other file in `folder`."""
    export_recogniser(weights, model, DIGIT_SIZE)


def similarity(weights: Path, model: Path, folder: Path) -> None:
    """Writes `model`, which holds the embeddings of the references, and `folder`/forms.json."""
    export_comparer(weights, _REFERENCES, model)
    save_forms(reference_forms(_REFERENCES), folder / "forms.json")
