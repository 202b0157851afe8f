"""The figures of a version on one fixed set of pictures, the same for all versions of a model.

The evaluation of a version is on pictures that its own training never saw, which are others for
every version. These figures compare versions: a version that is worse here should not replace
another unseen.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from torch import nn

from archive_scripts.evaluation.figures import Figures
from archive_scripts.improvement.validation import Validator, summary, synthetic_ink_images
from archive_scripts.training.labelled import LabelledInkImages, ink_or_none
from archive_scripts.training.networks import Weights
from handlers.arrays import gray
from handlers.characters import CHARACTERS, DIGITS
from handlers.preprocessing import preprocess_digit

SET = 1
"""Number of the set. It must grow when the pictures change, because figures compare no longer."""

DIGITS_SHEET = Path(__file__).with_name("fixed_digits.png")
"""Two hundred digits of MNIST (LeCun, Cortes and Burges; from NIST's public-domain databases), one
row of twenty per digit, from the last five thousand training images, which `train digits` holds
out. White on black, each of 28x28."""

_PER_CHARACTER = 4
"""Photographs of synthetic handwriting, which no training draws."""
_SIDE = 28


def fixed_figures(handler: str, network: nn.Module, weights: Weights) -> Figures:
    """The main figures on the fixed set, and its number as `set`. `handler` as in `Validator`."""
    nothing = LabelledInkImages([], np.array([], np.int64))
    digits = handler == "digits"
    pictures = _digits() if digits else synthetic_ink_images(_PER_CHARACTER * len(CHARACTERS))
    return {"set": SET, **summary(Validator(handler, nothing, pictures).figures(network, weights))}


def _digits() -> LabelledInkImages:
    sheet = gray(cv2.imread(str(DIGITS_SHEET), cv2.IMREAD_GRAYSCALE))
    rows, columns = (length // _SIDE for length in sheet.shape)
    images = []
    for top in range(rows):
        for left in range(columns):
            digit = sheet[top * _SIDE : (top + 1) * _SIDE, left * _SIDE : (left + 1) * _SIDE]
            _, encoded = cv2.imencode(".png", digit)
            images.append(ink_or_none(encoded.tobytes(), preprocess_digit))
    return LabelledInkImages(images, np.arange(len(DIGITS)).repeat(columns))
