"""Which of the 62 characters an answer may have, and what it says of the others."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from handlers.arrays import gray
from handlers.base import PreparedImage
from handlers.options import RecognitionOptions
from handlers.preprocessing import InkImage
from handlers.recognition import RecognitionHandler
from tests.handlers.test_handlers import Context

NONE = 62
"""The output of ink that is no character."""


@pytest.mark.parametrize(
    ("likeliest", "characters", "answer", "also"),
    [
        (40, "all", 40, None),
        (40, "", 3, 40),
        (61, "consonants", 3, 61),
        (3, "", 3, None),
        (NONE, "", 3, None),
        (NONE, "all", 3, None),
    ],
)
def test_also_is_a_likelier_character_that_was_not_asked_for(
    likeliest: int, characters: str, answer: int, also: int | None
) -> None:
    handler = RecognitionHandler()
    handler.description = {}
    output = torch.full((1, 63), 1e-4)
    output[0, 3], output[0, likeliest] = 0.2, 0.7
    image = InkImage(gray(np.zeros((64, 64))), True)
    options = RecognitionOptions.read({"x-characters": characters})
    (found,) = handler.postprocess([PreparedImage(0, 0, image, options, "")], output, Context([{}]))
    assert found["predicted_class"] == answer
    assert (found["also"] and found["also"]["class"]) == also
    assert len(found["probabilities"]) == (62 if characters == "all" else 36)
    assert found["confidence"] == (70 if answer == likeliest else 20)
