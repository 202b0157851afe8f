"""What the handler of each archive loads, by the name of the handler's module."""

from __future__ import annotations

from pathlib import Path

from archive_scripts.archives.export import export_comparer, export_recogniser
from archive_scripts.letterforms.reference_forms import reference_forms
from handlers.framing import DIGIT_SIZE
from handlers.letterforms import save_forms

_REFERENCES = Path(__file__).resolve().parents[2] / "reference_images"


def recognition(weights: Path, model: Path, folder: Path) -> None:
    """Writes `model`; the handler needs nothing else in the archive's `folder`."""
    export_recogniser(weights, model)


def digits(weights: Path, model: Path, folder: Path) -> None:
    """Writes `model`; the handler needs nothing else in the archive's `folder`."""
    export_recogniser(weights, model, DIGIT_SIZE)


def similarity(weights: Path, model: Path, folder: Path) -> None:
    """Writes `model`, with the embeddings of the references, and the forms to compare with."""
    export_comparer(weights, _REFERENCES, model)
    save_forms(reference_forms(_REFERENCES), folder / "forms.json")
