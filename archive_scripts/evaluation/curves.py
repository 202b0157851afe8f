"""Receiver operating characteristics: true positive rate by false positive rate.

A curve has one point per threshold, from the threshold that nothing reaches to the one that
everything reaches.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from handlers.characters import Character

Numbers = npt.NDArray[np.float64]
Curve = tuple[Numbers, Numbers]
"""False positive rates and true positive rates, ascending from 0 to 1, shape (n,) each."""

POINTS = 60
"""Most points of a curve that are kept for drawing; its area is computed from all points."""


def curve(scores: Numbers, positive: npt.NDArray[np.bool_]) -> Curve:
    """The curve of `scores`, shape (n,), which should be high where `positive`.

    Equal scores share one threshold. Raises ValueError unless there are positives and negatives.
    """
    if positive.all() or not positive.any():
        raise ValueError("a curve needs positives and negatives")
    order = np.argsort(-scores, kind="stable")
    hits, scores = positive[order], scores[order]
    last_of_equals = np.append(scores[1:] != scores[:-1], True)
    true = np.cumsum(hits)[last_of_equals] / hits.sum()
    false = np.cumsum(~hits)[last_of_equals] / (~hits).sum()
    return np.append(0.0, false), np.append(0.0, true)


def area(roc: Curve) -> float:
    """Area under a curve, 0-1; 0.5 is chance."""
    return float(np.trapezoid(roc[1], roc[0]))


def average(curves: Sequence[Curve]) -> Curve:
    """The mean true positive rate at each false positive rate (Fawcett 2006, section 8)."""
    false = np.unique(np.concatenate([each[0] for each in curves]))
    true = np.mean([np.interp(false, *each) for each in curves], axis=0)
    return np.append(0.0, false), np.append(0.0, true)


def points(roc: Curve) -> list[list[float]]:
    """The corners of a curve, or `POINTS` points evenly along it if it has more corners.

    Both ends are included. Rates are rounded to four digits.
    """
    false, true = roc
    steps = np.diff(false), np.diff(true)
    turns = np.abs(steps[0][:-1] * steps[1][1:] - steps[0][1:] * steps[1][:-1]) > 1e-12
    corners = np.concatenate([[True], turns, [True]])
    false, true = false[corners], true[corners]
    if len(false) <= POINTS:
        return _pairs(false, true)
    length = np.append(0.0, np.cumsum(np.abs(np.diff(false)) + np.abs(np.diff(true))))
    kept = np.unique(np.searchsorted(length, np.linspace(0, length[-1], POINTS)))
    return _pairs(false[kept], true[kept])


def _pairs(false: Numbers, true: Numbers) -> list[list[float]]:
    return [[round(float(x), 4), round(float(y), 4)] for x, y in zip(false, true, strict=True)]


def one_vs_rest(
    labels: npt.NDArray[np.int64], probabilities: Numbers, characters: Sequence[Character]
) -> dict[str, Any]:
    """The curve of each class against all others, and their average.

    `labels` has shape (n,), `probabilities` (n, classes). A class without pictures, or without
    pictures of other classes, has the area None and no points, and is not in the average.
    """
    classes, curves = [], []
    for character in characters:
        row: dict[str, Any] = {"class": character.index, "name": character.name}
        positive = labels == character.index
        if positive.any() and not positive.all():
            roc = curve(probabilities[:, character.index], positive)
            curves.append(roc)
            row |= {"auc": round(area(roc), 5), "points": points(roc)}
        else:
            row |= {"auc": None, "points": []}
        classes.append(row)
    macro: dict[str, Any] = {"auc": None, "points": []}
    if curves:
        mean = float(np.mean([area(each) for each in curves]))
        macro = {"auc": round(mean, 5), "points": points(average(curves))}
    return {"macro": macro, "classes": classes}
