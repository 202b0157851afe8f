"""The handler of the archive `digits`: which of the ten Western digits an image shows.

The model learned to find all ten equally likely where an image shows none of them, so that no digit
is sure.
"""

from __future__ import annotations

from collections.abc import Sequence

from handlers.arrays import Gray
from handlers.base import Answer
from handlers.characters import DIGITS, Character
from handlers.classification import ClassificationHandler, Probabilities
from handlers.framing import DIGIT_SIZE
from handlers.preprocessing import FoundInk, digit_image


class DigitsHandler(ClassificationHandler):
    """Recognises handwritten digits, 0 to 9."""

    characters = DIGITS
    side = DIGIT_SIZE

    @staticmethod
    def draw(found: FoundInk) -> Gray:
        """Draws a digit in the form of MNIST's images."""
        return digit_image(found)

    def likeliest(self, probabilities: Probabilities, answered: Sequence[Character]) -> Answer:
        """Adds the digit, which equals its class."""
        found = super().likeliest(probabilities, answered)
        return {**found, "digit": found["predicted_class"]}
