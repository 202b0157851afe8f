"""The handler of the archive `ranjana`: which of the 36 characters an image shows."""

from __future__ import annotations

from handlers.characters import CHARACTERS
from handlers.reading import Reader


class RecognitionHandler(Reader):
    """Reads Ranjana characters."""

    characters = CHARACTERS
