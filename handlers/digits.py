"""The handler of the archive `digits`: which of the ten digits an image shows."""

from __future__ import annotations

from handlers.base import Answer
from handlers.characters import DIGITS
from handlers.framing import DIGIT_SIZE
from handlers.preprocessing import InkImage, preprocess_digit
from handlers.reading import Reader


class DigitsHandler(Reader):
    """Reads handwritten digits."""

    characters = DIGITS
    side = DIGIT_SIZE

    def preprocess(self, data: bytes, enhancement: int | None) -> InkImage:
        """The digit as MNIST's images show it."""
        return preprocess_digit(data, enhancement)

    def complete(self, answer: Answer) -> Answer:
        """Adds the digit, which is its class."""
        return {**answer, "digit": answer["predicted_class"]}
