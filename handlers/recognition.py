"""The handler of the archive `ranjana`: which character of the script an image shows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from handlers.base import Answer
from handlers.characters import CHARACTERS, CONSONANTS, Character
from handlers.classification import ClassificationHandler, Probabilities, candidate
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

    def doubt(self, outputs: int) -> Probabilities:
        """The ink is none of the characters."""
        return np.asarray(np.eye(outputs)[-1])

    def likeliest(self, probabilities: Probabilities, answered: Sequence[Character]) -> Answer:
        """Adds `also`: the likeliest character, if it is none of those that were asked for."""
        best = int(probabilities[: len(CHARACTERS)].argmax())
        also = None
        if best >= len(answered):
            also = candidate(CHARACTERS[best], float(probabilities[best]))
        return {**super().likeliest(probabilities, answered), "also": also}
