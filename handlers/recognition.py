"""The handler of the archive `ranjana`: which character of the script an image shows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from handlers.base import Answer
from handlers.characters import CHARACTERS, CONSONANTS, Character
from handlers.classification import ClassificationHandler, candidate
from handlers.options import RecognitionOptions


class RecognitionHandler(ClassificationHandler):
    """Recognises Ranjana characters.

    The last class of the network is that of marks that are none of them. Confidence is always the
    probability among all classes, so that a vowel is no sure consonant.
    """

    characters = CHARACTERS

    def answered(self, options: RecognitionOptions) -> Sequence[Character]:
        """All characters, or the consonants."""
        return CHARACTERS if options.whole_script else CONSONANTS

    def doubted(self, probabilities: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """The doubt is that the ink is none of the characters."""
        none = np.eye(len(probabilities))[-1]
        return np.asarray((probabilities + none) / 2)

    def complete(
        self,
        answer: Answer,
        probabilities: npt.NDArray[np.float64],
        answered: Sequence[Character],
    ) -> Answer:
        """Adds `also`: the likeliest character, if it is none of those that were asked for."""
        best = int(probabilities[: len(CHARACTERS)].argmax())
        also = None
        if best >= len(answered):
            also = candidate(CHARACTERS[best], float(probabilities[best]))
        return {**answer, "also": also}
