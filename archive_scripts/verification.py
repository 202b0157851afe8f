"""How well an embedding tells the same character from a different one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from archive_scripts.evaluation import LabelledInks, Numbers, outputs
from archive_scripts.export import Comparer
from handlers.distance import FARTHEST, THRESHOLD


@dataclass(frozen=True)
class Verification:
    """Every picture compared with every reference; a refused one is different from them all."""

    labels: npt.NDArray[np.int64]
    """True classes, shape (n,)."""
    distances: Numbers
    """Of each picture to the reference of each class, 0-2, shape (n, 36)."""
    threshold: float = THRESHOLD

    def pairs(self) -> tuple[Numbers, Numbers]:
        """The distances of pairs of one character, and those of pairs of two."""
        same = self.labels[:, None] == np.arange(self.distances.shape[1])
        return self.distances[same], self.distances[~same]

    def same(self) -> float:
        """Share of same pairs called the same."""
        return float((self.pairs()[0] < self.threshold).mean())

    def different(self) -> float:
        """Share of different pairs called different."""
        return float((self.pairs()[1] >= self.threshold).mean())

    def accuracy(self) -> float:
        """Share of right answers when same and different pairs are equally many."""
        return (self.same() + self.different()) / 2

    def curve(self) -> tuple[Numbers, Numbers]:
        """The receiver operating characteristic: shares of different and of same pairs that
        are called the same, at every threshold.
        """
        same, different = (np.sort(distances) for distances in self.pairs())
        thresholds = np.concatenate([[0.0], np.sort(self.distances.ravel()), [2.1]])
        false = np.searchsorted(different, thresholds) / len(different)
        return false, np.searchsorted(same, thresholds) / len(same)

    def area(self) -> float:
        """Area under that curve."""
        false, true = self.curve()
        return float(np.trapezoid(true, false))

    def best_threshold(self) -> float:
        """The threshold that tells same from different best, the middle one where several do.

        Half of the different pairs' weight is on the nearest wrong reference of each picture:
        that a character is not one of 34 others says little.
        """
        same, different = self.pairs()
        own = self.labels[:, None] == np.arange(self.distances.shape[1])
        hardest = np.where(own, np.inf, self.distances).min(axis=1)
        tried = np.linspace(0.05, 1.5, 146)
        found = np.array(
            [
                2 * (same < at).mean() + (different >= at).mean() + (hardest >= at).mean()
                for at in tried
            ]
        )
        return float(np.median(tried[found >= found.max() - 1e-9]))

    def nearest(self) -> float:
        """Share of pictures whose nearest reference is that of their class."""
        known = (self.distances < FARTHEST).any(axis=1)
        return float(((self.distances.argmin(axis=1) == self.labels) & known).mean())

    def as_json(self) -> dict[str, Any]:
        """All figures, rounded."""
        return {
            "pictures": len(self.labels),
            "threshold": self.threshold,
            "accuracy": round(self.accuracy(), 4),
            "same": round(self.same(), 4),
            "different": round(self.different(), 4),
            "area_under_curve": round(self.area(), 5),
            "best_threshold": round(self.best_threshold(), 3),
            "nearest_reference": round(self.nearest(), 4),
        }


def verify(
    network: nn.Module, references: torch.Tensor, scale: float, data: LabelledInks
) -> Verification:
    """Compares labelled pictures with `references`, float32 (classes, 1, 64, 64), as serving does.

    A picture that preprocessing refused is at distance 2 from all of them.
    """
    distances = np.full((len(data.inks), len(references)), FARTHEST)
    comparer = Comparer(network, references, scale).eval()
    found = outputs(lambda images: comparer(images)[1], data.readable())
    distances[data.places()] = found.double().numpy()
    return Verification(data.labels, distances)


def fit_scale(network: nn.Module, references: torch.Tensor, data: LabelledInks) -> float:
    """The scale of distances, at most 1, that puts the best threshold at `THRESHOLD`."""
    return min(1.0, THRESHOLD / verify(network, references, 1.0, data).best_threshold())
