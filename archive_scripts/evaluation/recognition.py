"""How well a recognition network reads labelled pictures, through the whole preprocessing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch import nn

from archive_scripts.evaluation.curves import one_against_rest
from archive_scripts.synthesis.photographs import photograph
from archive_scripts.synthesis.tensors import to_tensor
from archive_scripts.training.labelled import Labelled, labelled_pictures
from handlers.arrays import Gray, gray
from handlers.characters import CHARACTERS, Character
from handlers.errors import ImageRefused
from handlers.preprocessing import preprocess

Numbers = npt.NDArray[np.float64]

BINS = 10
"""Equal intervals of confidence that calibration is measured in."""


@dataclass(frozen=True)
class LabelledInks:
    """Pictures after preprocessing."""

    inks: list[Gray | None]
    """Ink images, None where preprocessing refused the picture."""
    labels: npt.NDArray[np.int64]
    """The class of each, shape (n,)."""

    def readable(self) -> list[Gray]:
        """The ink images there are."""
        return [ink for ink in self.inks if ink is not None]

    def places(self) -> list[int]:
        """Where among all pictures those are."""
        return [index for index, ink in enumerate(self.inks) if ink is not None]


def load_inks(folders: Sequence[Path], photographs: int = 0) -> LabelledInks:
    """Preprocesses every labelled picture of `folders`.

    With `photographs`, each picture (white ink on black) is laid on paper and photographed so
    many times, always the same way, and the photographs are taken instead. Raises ValueError
    where a folder has no labelled picture.
    """
    inks: list[Gray | None] = []
    labels = []
    for folder in folders:
        for data, label in _pictures(labelled_pictures(folder), photographs):
            try:
                inks.append(preprocess(data).ink)
            except ImageRefused:
                inks.append(None)
            labels.append(label)
    return LabelledInks(inks, np.array(labels))


def _pictures(labelled: list[Labelled], photographs: int) -> Iterator[tuple[bytes, int]]:
    for path, label in labelled:
        if not photographs:
            yield path.read_bytes(), label
            continue
        ink = gray(np.asarray(Image.open(path).convert("L")))
        for number in range(photographs):
            _, encoded = cv2.imencode(
                ".jpg", photograph(ink, np.random.default_rng((label, number)))
            )
            yield encoded.tobytes(), label


def outputs(network: Callable[[torch.Tensor], torch.Tensor], inks: Sequence[Gray]) -> torch.Tensor:
    """What `network` answers for ink images, in batches: float32 of shape (n, outputs).

    Raises ValueError where there is none.
    """
    if not inks:
        raise ValueError("none of the pictures could be read")
    with torch.inference_mode():
        return torch.cat(
            [network(to_tensor(inks[at : at + 128])) for at in range(0, len(inks), 128)]
        )


def probabilities(network: nn.Module, temperature: float, data: LabelledInks) -> Numbers:
    """One probability a class and picture, shape (n, classes); rows of 0 for refused pictures."""
    logits = outputs(network, data.readable()).double()
    found = np.zeros((len(data.inks), logits.shape[1]))
    found[data.places()] = torch.softmax(logits / temperature, dim=1).numpy()
    return found


@dataclass(frozen=True)
class Evaluation:
    """Shares are of all labelled pictures, also of those that preprocessing refused: they are
    misses, and in no interval of confidence and no column of the confusion matrix.
    """

    labels: npt.NDArray[np.int64]
    """True classes, shape (n,)."""
    probabilities: Numbers
    """Shape (n, classes), rows of 0 for refused pictures."""
    characters: Sequence[Character] = CHARACTERS
    """The classes."""

    @property
    def predicted(self) -> npt.NDArray[np.int64]:
        """The likeliest class of each picture, -1 where it was refused."""
        best = self.probabilities.argmax(axis=1)
        return np.where(self.probabilities.any(axis=1), best, -1)

    def top(self, count: int) -> float:
        """Share of pictures whose class is among the `count` likeliest."""
        ranked = np.argsort(-self.probabilities, axis=1, kind="stable")[:, :count]
        hits = (ranked == self.labels[:, None]).any(axis=1) & (self.predicted >= 0)
        return float(hits.mean())

    def confusion(self) -> npt.NDArray[np.int64]:
        """Pictures by true class (row) and predicted class (column), a square."""
        matrix = np.zeros((len(self.characters), len(self.characters)), np.int64)
        read = self.predicted >= 0
        np.add.at(matrix, (self.labels[read], self.predicted[read]), 1)
        return matrix

    def curves(self) -> dict[str, Any]:
        """The receiver operating characteristics, see `curves.one_against_rest`."""
        return one_against_rest(self.labels, self.probabilities, self.characters)

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
        confidence = self.probabilities.max(axis=1)
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
        """True and predicted class of each picture read wrongly, -1 where it was refused."""
        wrong = self.predicted != self.labels
        return list(zip(self.labels[wrong].tolist(), self.predicted[wrong].tolist(), strict=True))

    def as_json(self) -> dict[str, Any]:
        """All figures, rounded; the area under its curve, or None, is with each class too."""
        curves = self.curves()
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


def fit_temperature(network: nn.Module, data: LabelledInks) -> float:
    """The temperature under which `network` finds the labels least surprising.

    Minimises the negative log likelihood over 0.2 to 5, in steps of a hundredth of their
    logarithms' range.
    """
    logits = outputs(network, data.readable()).double()
    labels = torch.from_numpy(data.labels[data.places()])
    tried = np.geomspace(0.2, 5, 101)
    losses = [float(nn.functional.cross_entropy(logits / value, labels)) for value in tried]
    return float(tried[int(np.argmin(losses))])
