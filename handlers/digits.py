"""The handler of the archive `digits`: which of the ten digits an image shows."""

from __future__ import annotations

from handlers.base import Answer
from handlers.characters import DIGITS
from handlers.classification import ClassificationHandler
from handlers.framing import DIGIT_SIZE
from handlers.preprocessing import InkImage, preprocess_digit


class DigitsHandler(ClassificationHandler):
    """Recognises handwritten digits."""

    characters = DIGITS
    side = DIGIT_SIZE

    def preprocess(self, data: bytes, enhancement: int | None) -> InkImage:
        """Finds the digit and draws it in the form of MNIST's images."""
        return preprocess_digit(data, enhancement)

    def complete(self, answer: Answer) -> Answer:
        """Adds the digit, which equals its class."""
        return {**answer, "digit": answer["predicted_class"]}
