"""A folder of backups, each named after its time: the newest is found, the oldest are removed."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from prometheus_client import Metric
from prometheus_client.metrics_core import GaugeMetricFamily

# Names in the order of time.
_NAME = "ranjana-%Y%m%dT%H%M%SZ.tar"
_PATTERN = "ranjana-????????T??????Z.tar"


def new_name(moment: datetime) -> str:
    """The file name of a backup that is made at a time in UTC."""
    return moment.strftime(_NAME)


def backups(folder: Path) -> Sequence[Path]:
    """The backups of a folder, oldest first."""
    return sorted(folder.glob(_PATTERN))


def newest_seconds(folder: Path) -> float:
    """When the newest backup of a folder was finished, in seconds since 1970; 0 without one."""
    return max((path.stat().st_mtime for path in backups(folder)), default=0)


async def backup_metrics(folder: Path | None) -> list[Metric]:
    """The metric of the newest backup, without a value if there is no `folder` of backups."""
    seconds = await asyncio.to_thread(newest_seconds, folder) if folder else None
    text = "When the newest backup was finished, in seconds since 1970; 0 without one."
    return [GaugeMetricFamily("last_backup_timestamp_seconds", text, seconds)]


def remove_old(folder: Path, keep: int) -> None:
    """Removes all but the newest `keep` backups."""
    for path in backups(folder)[:-keep]:
        path.unlink()
