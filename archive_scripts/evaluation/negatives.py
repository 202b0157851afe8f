"""Evaluates how confident a network is on pictures that show no character, or no digit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import nn

from archive_scripts.evaluation.curves import Numbers
from archive_scripts.evaluation.recognition import outputs
from archive_scripts.synthesis.digit_negatives import font_glyphs, print_glyph
from archive_scripts.training.labelled import ink_or_none, pictures_in
from handlers.arrays import Gray, gray
from handlers.errors import NoCharacterFound
from handlers.preprocessing import InkImage, digit_image, find_ink, preprocess

_PRINTED_PIXELS = 120
"""Size of printed negatives: pixels to the em."""


@dataclass(frozen=True)
class NegativeEvaluation:
    refused: int
    """Number of pictures that preprocessing refused."""
    confidences: Numbers
    """Confidence in the likeliest class of each other picture, 0-1."""

    def share_above(self, confidence: float) -> float:
        """Share of all pictures with a higher confidence."""
        count = int((self.confidences > confidence).sum())
        return count / max(1, self.refused + len(self.confidences))

    def as_json(self) -> dict[str, float]:
        """All figures, rounded."""
        return {
            "pictures": self.refused + len(self.confidences),
            "refused": self.refused,
            "above_half": round(self.share_above(0.5), 4),
            "above_four_fifths": round(self.share_above(0.8), 4),
        }


def evaluate_negatives(
    network: nn.Module, temperature: float, images: Sequence[Gray | None], classes: int
) -> NegativeEvaluation:
    """Evaluates ink images; None stands for a picture that preprocessing refused.

    The first `classes` outputs are those of characters; one more is that of none of them.
    """
    readable = [image for image in images if image is not None]
    refused = len(images) - len(readable)
    if not readable:
        return NegativeEvaluation(refused, np.zeros(0))
    logits = outputs(network, readable).double()
    confidences = torch.softmax(logits / temperature, dim=1)[:, :classes].amax(dim=1).numpy()
    return NegativeEvaluation(refused, confidences)


def negatives_in(
    folder: Path, preprocess: Callable[[bytes], InkImage] = preprocess
) -> list[Gray | None]:
    """Preprocesses every picture of `folder`. Raises ValueError if there is none."""
    images = [ink_or_none(path.read_bytes(), preprocess) for path in pictures_in(folder)]
    if not images:
        raise ValueError(f"{folder} has no picture")
    return images


def printed_negatives(fonts: Sequence[Path]) -> dict[str, list[Gray | None]]:
    """Prints the letters and signs of `fonts`, which are no digits, black on white.

    Returns the ink images by kind. Raises OSError for a file that is no font.
    """
    printed: dict[str, list[Gray | None]] = {}
    for font in fonts:
        for kind, glyphs in font_glyphs(font).items():
            printed.setdefault(kind, []).extend(_printed(font, glyph) for glyph in glyphs)
    return {f"printed {kind}": images for kind, images in printed.items() if images}


def _printed(font: Path, glyph: str) -> Gray | None:
    page = cv2.copyMakeBorder(
        255 - print_glyph(font, glyph, _PRINTED_PIXELS),
        *[_PRINTED_PIXELS // 4] * 4,
        cv2.BORDER_CONSTANT,
        value=255,
    )
    try:
        return digit_image(find_ink(gray(page)))
    except NoCharacterFound:
        return None
