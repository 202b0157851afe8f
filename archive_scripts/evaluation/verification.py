"""Evaluates how well embeddings tell the same character from a different one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from archive_scripts.archives.export import Comparer
from archive_scripts.evaluation.curves import Curve, Numbers, area, points
from archive_scripts.evaluation.recognition import confusion_matrix, outputs
from archive_scripts.training.labelled import LabelledInkImages
from handlers.characters import CHARACTERS
from handlers.distance import FARTHEST, THRESHOLD


@dataclass(frozen=True)
class Verification:
    """The figures of a similarity network: every picture is compared with every reference.

    A refused picture is different from all references.
    """

    labels: npt.NDArray[np.int64]
    """True classes, shape (n,)."""
    distances: Numbers
    """Distance of each picture to the reference of each class, 0-2, shape (n, classes)."""
    threshold: float = THRESHOLD

    def pairs(self) -> tuple[Numbers, Numbers]:
        """The distances of pairs of the same character, and of pairs of different ones."""
        same = self.labels[:, None] == np.arange(self.distances.shape[1])
        return self.distances[same], self.distances[~same]

    def same(self) -> float:
        """Share of same pairs called the same."""
        return float((self.pairs()[0] < self.threshold).mean())

    def different(self) -> float:
        """Share of different pairs called different."""
        return float((self.pairs()[1] >= self.threshold).mean())

    def accuracy(self) -> float:
        """Share of right answers; same and different pairs have equal weight."""
        return (self.same() + self.different()) / 2

    def curve(self) -> Curve:
        """The receiver operating characteristic; a pair called the same is positive."""
        same, different = (np.sort(distances) for distances in self.pairs())
        thresholds = np.concatenate([[0.0], np.sort(self.distances.ravel()), [2.1]])
        false = np.searchsorted(different, thresholds) / len(different)
        return false, np.searchsorted(same, thresholds) / len(same)

    def area(self) -> float:
        """Area under the curve."""
        return area(self.curve())

    def best_threshold(self) -> float:
        """The threshold that separates same from different pairs best; the median of equal ones.

        The nearest wrong reference of each picture has half of the weight of the different pairs,
        because the other references are easy to tell apart.
        """
        same, different = self.pairs()
        own = self.labels[:, None] == np.arange(self.distances.shape[1])
        hardest = np.where(own, np.inf, self.distances).min(axis=1)
        candidates = np.linspace(0.05, 1.5, 146)
        scores = np.array(
            [
                2 * (same < at).mean() + (different >= at).mean() + (hardest >= at).mean()
                for at in candidates
            ]
        )
        return float(np.median(candidates[scores >= scores.max() - 1e-9]))

    @property
    def predicted(self) -> npt.NDArray[np.int64]:
        """The class of the reference nearest to each picture; -1 if the picture was refused."""
        known = (self.distances < FARTHEST).any(axis=1)
        return np.where(known, self.distances.argmin(axis=1), -1)

    def nearest(self) -> float:
        """Share of pictures that are nearest to the reference of their class."""
        return float((self.predicted == self.labels).mean())

    def confusion(self) -> npt.NDArray[np.int64]:
        """Pictures by true class (row) and nearest reference (column), a square."""
        return confusion_matrix(self.labels, self.predicted, self.distances.shape[1])

    def per_class(self) -> list[dict[str, Any]]:
        """Shares of right answers for the pictures of each class, against their own reference and
        against the others. None for a class without pictures.
        """
        rows = []
        for character in CHARACTERS[: self.distances.shape[1]]:
            own = self.distances[self.labels == character.index]
            others = np.delete(own, character.index, axis=1)
            row: dict[str, Any] = {"class": character.index, "name": character.name}
            same = (own[:, character.index] < self.threshold).mean() if len(own) else None
            different = (others >= self.threshold).mean() if len(own) else None
            row["same"] = same if same is None else round(float(same), 4)
            row["different"] = different if different is None else round(float(different), 4)
            rows.append({**row, "pictures": len(own)})
        return rows

    def histogram(self) -> dict[str, Any]:
        """Numbers of same and of different pairs in each interval of 0.05."""
        edges = np.linspace(0, FARTHEST, 41)
        same, different = (np.histogram(pairs, edges)[0].tolist() for pairs in self.pairs())
        return {"edges": edges.round(2).tolist(), "same": same, "different": different}

    def as_json(self) -> dict[str, Any]:
        """All figures, rounded."""
        return {
            "kind": "verification",
            "pictures": len(self.labels),
            "threshold": self.threshold,
            "accuracy": round(self.accuracy(), 4),
            "same": round(self.same(), 4),
            "different": round(self.different(), 4),
            "area_under_curve": round(self.area(), 5),
            "best_threshold": round(self.best_threshold(), 3),
            "nearest_reference": round(self.nearest(), 4),
            "per_class": self.per_class(),
            "confusion": self.confusion().tolist(),
            "roc": {"verification": {"auc": round(self.area(), 5), "points": points(self.curve())}},
            "distances": self.histogram(),
        }


def verify(
    network: nn.Module, references: torch.Tensor, scale: float, data: LabelledInkImages
) -> Verification:
    """Compares labelled pictures with `references`, float32 (classes, 1, 64, 64), as serving does.

    A picture that preprocessing refused has the distance 2 to all references.
    """
    distances = np.full((len(data.images), len(references)), FARTHEST)
    comparer = Comparer(network, references, scale).eval()
    measured = outputs(lambda images: comparer(images)[1], data.readable())
    distances[data.readable_indices()] = measured.double().numpy()
    return Verification(data.labels, distances)


def fit_scale(network: nn.Module, references: torch.Tensor, data: LabelledInkImages) -> float:
    """The scale of distances (at most 1) that moves the best threshold to `THRESHOLD`."""
    return min(1.0, THRESHOLD / verify(network, references, 1.0, data).best_threshold())
