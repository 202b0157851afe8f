"""What a version was found to be worth when it was evaluated, by the figures in its archive."""

from __future__ import annotations

from typing import Any

from auth_api.database.tables.models import ModelVersion
from auth_api.errors import NotFound
from auth_api.models.archives import Archives

_ELSEWHERE = frozenset({"confusion", "roc", "model", "version", "data", "pictures"})


async def evaluated(archives: Archives, row: ModelVersion) -> dict[str, Any]:
    """All figures of a version. Raises NotFound."""
    found = await archives.figures(row.archive)
    if found is None:
        raise not_measured(row)
    return found


def metrics(row: ModelVersion, figures: dict[str, Any]) -> dict[str, Any]:
    """As `MetricsAnswer`: all but the matrix and the curves."""
    shown = {name: value for name, value in figures.items() if name not in _ELSEWHERE}
    return {**shown, **measured(row, figures)}


def measured(row: ModelVersion, figures: dict[str, Any]) -> dict[str, Any]:
    """Of which version, and measured on what: what all answers with figures share."""
    return {
        "success": True,
        "model": row.model,
        "version": row.version,
        "data": figures.get("data"),
        "pictures": figures.get("pictures"),
    }


def not_measured(row: ModelVersion) -> NotFound:
    """The error for figures that an archive has not."""
    return NotFound(
        f"The archive of version {row.version} of {row.model} has no such figures.",
        "figures_not_found",
    )
