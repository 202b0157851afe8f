"""Evaluates how confident a recognition network is on pictures that show no character."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from archive_scripts.evaluation.curves import Numbers
from archive_scripts.evaluation.recognition import outputs
from archive_scripts.training.labelled import ink_or_none, pictures_in


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


def evaluate_negatives(network: nn.Module, temperature: float, folder: Path) -> NegativeEvaluation:
    """Evaluates every picture of `folder`. Raises ValueError if there is none."""
    images = [ink_or_none(path.read_bytes()) for path in pictures_in(folder)]
    readable = [image for image in images if image is not None]
    refused = len(images) - len(readable)
    if not images:
        raise ValueError(f"{folder} has no picture")
    if not readable:
        return NegativeEvaluation(refused, np.zeros(0))
    logits = outputs(network, readable).double()
    confidences = torch.softmax(logits / temperature, dim=1).amax(dim=1).numpy()
    return NegativeEvaluation(refused, confidences)
