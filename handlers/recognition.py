"""The handler of the archive `ranjana`: which of the 36 characters an image shows."""

from __future__ import annotations

from handlers.characters import CHARACTERS
from handlers.classification import ClassificationHandler


class RecognitionHandler(ClassificationHandler):
    """Recognises Ranjana characters."""

    characters = CHARACTERS
