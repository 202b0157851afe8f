"""How sure a recognition network is of pictures that show no character."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from archive_scripts.evaluation.recognition import Numbers, outputs
from archive_scripts.training.labelled import pictures_in
from handlers.errors import ImageRefused
from handlers.preprocessing import preprocess


@dataclass(frozen=True)
class NegativeEvaluation:
    """What a recogniser says of pictures that show no character."""

    refused: int
    """Pictures in which preprocessing already found nothing to read."""
    confidences: Numbers
    """Of the likeliest class in each of the others, 0-1."""

    def share_above(self, confidence: float) -> float:
        """Share of all pictures that are called some character with more confidence."""
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
    """Reads every picture of `folder`, whatever its name. Raises ValueError where there is none."""
    inks, refused = [], 0
    for path in pictures_in(folder):
        try:
            inks.append(preprocess(path.read_bytes()).ink)
        except ImageRefused:
            refused += 1
    if not inks and not refused:
        raise ValueError(f"{folder} has no picture")
    if not inks:
        return NegativeEvaluation(refused, np.zeros(0))
    logits = outputs(network, inks).double()
    confidences = torch.softmax(logits / temperature, dim=1).amax(dim=1).numpy()
    return NegativeEvaluation(refused, confidences)
