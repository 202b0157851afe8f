"""Evaluates a recognition network on labelled pictures after preprocessing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from archive_scripts.evaluation.curves import Numbers, one_vs_rest
from archive_scripts.synthesis.tensors import to_tensor
from archive_scripts.training.datasets import NEGATIVE
from archive_scripts.training.labelled import LabelledInkImages
from handlers.arrays import Gray
from handlers.characters import CHARACTERS, Character

Labels = npt.NDArray[np.int64]
"""Classes, shape (n,)."""

BINS = 10
"""Number of equal intervals of confidence in which calibration is measured."""


def outputs(
    network: Callable[[torch.Tensor], torch.Tensor], images: Sequence[Gray]
) -> torch.Tensor:
    """Runs `network` on ink images in batches: float32 of shape (n, outputs).

    Raises ValueError if there is no image.
    """
    if not images:
        raise ValueError("none of the pictures could be read")
    batches = (images[at : at + 128] for at in range(0, len(images), 128))
    with torch.inference_mode():
        return torch.cat([network(to_tensor(batch)) for batch in batches])


def probabilities(network: nn.Module, temperature: float, data: LabelledInkImages) -> Numbers:
    """Calibrated probabilities, shape (n, classes); rows of refused pictures are 0."""
    logits = outputs(network, data.readable()).double()
    result = np.zeros((len(data.images), logits.shape[1]))
    result[data.readable_indices()] = torch.softmax(logits / temperature, dim=1).numpy()
    return result


def confusion_matrix(labels: Labels, predicted: Labels, classes: int) -> npt.NDArray[np.int64]:
    """Counts by true (row) and predicted class (column), without refused pictures (-1)."""
    matrix = np.zeros((classes, classes), np.int64)
    read = predicted >= 0
    np.add.at(matrix, (labels[read], predicted[read]), 1)
    return matrix


@dataclass(frozen=True)
class Evaluation:
    """The figures of a recognition network.

    Shares are of all labelled pictures. A refused picture is a miss; it is in no interval of
    confidence and in no column of the confusion matrix.
    """

    labels: Labels
    """True classes, shape (n,)."""
    probabilities: Numbers
    """Shape (n, outputs): one for each of `characters`, and maybe one more for none of them; rows
    of refused pictures are 0."""
    characters: Sequence[Character] = CHARACTERS

    @property
    def answered(self) -> Numbers:
        """The probabilities of the characters, shape (n, classes). An answer is one of them."""
        return self.probabilities[:, : len(self.characters)]

    @property
    def predicted(self) -> Labels:
        """The likeliest class of each picture; -1 if it was refused."""
        best = self.answered.argmax(axis=1)
        return np.where(self.probabilities.any(axis=1), best, -1)

    def top(self, count: int) -> float:
        """Share of pictures whose class is among the `count` likeliest."""
        ranked = np.argsort(-self.answered, axis=1, kind="stable")[:, :count]
        hits = (ranked == self.labels[:, None]).any(axis=1) & (self.predicted >= 0)
        return float(hits.mean())

    def confusion(self) -> npt.NDArray[np.int64]:
        """Pictures by true class (row) and predicted class (column), a square."""
        return confusion_matrix(self.labels, self.predicted, len(self.characters))

    def per_class(self) -> list[dict[str, Any]]:
        """Precision, recall, F1 and the number of pictures of each class."""
        matrix = self.confusion()
        rows = []
        for character in self.characters:
            index = character.index
            support = int((self.labels == index).sum())
            hits = float(matrix[index, index])
            precision = hits / max(1.0, float(matrix[:, index].sum()))
            recall = hits / max(1, support)
            f1 = 2 * precision * recall / max(1e-12, precision + recall)
            rows.append(
                {
                    "class": index,
                    "name": character.name,
                    "precision": round(precision, 4),
                    "recall": round(recall, 4),
                    "f1": round(f1, 4),
                    "pictures": support,
                }
            )
        return rows

    def calibration(self) -> list[dict[str, float]]:
        """Mean confidence and share of hits in each of ten intervals of confidence."""
        confidence = self.answered.max(axis=1)
        hits = self.predicted == self.labels
        bins = []
        for low in np.arange(BINS) / BINS:
            within = (confidence > low) & (confidence <= low + 1 / BINS)
            count = int(within.sum())
            bins.append(
                {
                    "from": round(float(low), 2),
                    "pictures": count,
                    "confidence": float(confidence[within].mean()) if count else 0.0,
                    "hits": float(hits[within].mean()) if count else 0.0,
                }
            )
        return bins

    def calibration_error(self) -> float:
        """Expected calibration error in ten equal bins (Guo et al. 2017, arXiv:1706.04599)."""
        gaps = [
            each["pictures"] * abs(each["confidence"] - each["hits"]) for each in self.calibration()
        ]
        return float(sum(gaps) / len(self.labels))

    def mistakes(self) -> list[tuple[int, int]]:
        """True and predicted class of each misread picture; -1 if it was refused."""
        wrong = self.predicted != self.labels
        return list(zip(self.labels[wrong].tolist(), self.predicted[wrong].tolist(), strict=True))

    def as_json(self) -> dict[str, Any]:
        """All figures, rounded. Each class has the area under its curve, or None."""
        curves = one_vs_rest(self.labels, self.probabilities, self.characters)
        per_class = [
            {**row, "auc": of_class["auc"]}
            for row, of_class in zip(self.per_class(), curves["classes"], strict=True)
        ]
        return {
            "kind": "recognition",
            "pictures": len(self.labels),
            "top1": round(self.top(1), 4),
            "top3": round(self.top(3), 4),
            "expected_calibration_error": round(self.calibration_error(), 4),
            "calibration": self.calibration(),
            "per_class": per_class,
            "confusion": self.confusion().tolist(),
            "roc": curves,
            "mistakes": self.mistakes(),
        }


def fit_temperature(network: nn.Module, data: LabelledInkImages) -> float:
    """The temperature that minimises the negative log likelihood of the labels.

    The target of images with the label `NEGATIVE` is the uniform distribution, as in training.
    Searches from 0.2 to 5 in 100 equal steps of the logarithm.
    """
    logits = outputs(network, data.readable()).double()
    labels = torch.from_numpy(data.labels[data.readable_indices()])
    targets = nn.functional.one_hot(labels.clamp(min=0), logits.shape[1]).double()
    targets[labels == NEGATIVE] = 1 / logits.shape[1]
    candidates = np.geomspace(0.2, 5, 101)
    losses = [float(nn.functional.cross_entropy(logits / value, targets)) for value in candidates]
    return float(candidates[int(np.argmin(losses))])
