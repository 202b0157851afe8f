"""The evaluation figures in the archive of a version, as answers of the API."""

from __future__ import annotations

from itertools import combinations
from typing import Any

from auth_api.database.tables.models import ModelVersion
from auth_api.errors import NotFound
from auth_api.models.archives import Archives

# Figures with a route of their own, and fields that `measured` adds.
_EXCLUDED = frozenset({"confusion", "roc", "model", "version", "data", "pictures"})
_PAIRS = 12


async def evaluated(archives: Archives, row: ModelVersion) -> dict[str, Any]:
    """Returns all figures of a version. Raises `NotFound`."""
    found = await archives.figures(row.archive)
    if found is None:
        raise not_measured(row)
    return found


def metrics(row: ModelVersion, figures: dict[str, Any]) -> dict[str, Any]:
    """Returns a `MetricsAnswer`: all figures but the confusion matrix and the ROC curves."""
    shown = {name: value for name, value in figures.items() if name not in _EXCLUDED}
    return {**shown, **measured(row, figures)}


def measured(row: ModelVersion, figures: dict[str, Any]) -> dict[str, Any]:
    """The fields that all answers with figures share: the version and the test data."""
    return {
        "success": True,
        "model": row.model,
        "version": row.version,
        "data": figures.get("data"),
        "pictures": figures.get("pictures"),
    }


def confused_pairs(figures: dict[str, Any]) -> list[dict[str, Any]]:
    """The pairs of classes that were taken for each other most often, as `ConfusedPair`s."""
    matrix: list[list[int]] = figures.get("confusion") or []
    pictures = [sum(row) for row in matrix]
    shares = {
        (one, other): (matrix[one][other] + matrix[other][one]) / (pictures[one] + pictures[other])
        for one, other in combinations(range(len(matrix)), 2)
        if matrix[one][other] + matrix[other][one]
    }
    most = sorted(shares, key=lambda pair: -shares[pair])[:_PAIRS]
    return [{"classes": list(pair), "share": shares[pair]} for pair in most]


def not_measured(row: ModelVersion) -> NotFound:
    """The error for an archive without these figures."""
    return NotFound(
        f"The archive of version {row.version} of {row.model} has no such figures.",
        "figures_not_found",
    )
