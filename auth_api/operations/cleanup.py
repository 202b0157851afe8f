"""Removes data that is no longer needed, and adds missing digests to feedback.

This is expired history and jobs, ended sessions, unused devices, charts of removed model versions,
and files that a crashed process left without a row. Clean-ups may run at any time and in several
processes at once, because each ignores what another one has already removed.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, select
from sqlmodel import col

from auth_api.accounts import devices
from auth_api.audit import recording
from auth_api.corrections import picture_digests
from auth_api.database.columns import now
from auth_api.database.database import Database
from auth_api.database.tables.accounts import KnownDevice, RefreshToken, Session
from auth_api.database.tables.history import Comparison, Prediction
from auth_api.database.tables.jobs import UNFINISHED, Job, UploadReservation
from auth_api.database.tables.models import ModelVersion
from auth_api.history.pictures import PictureStore
from auth_api.jobs.input_files import InputFiles
from auth_api.jobs.work_folders import WorkFolders
from auth_api.models.evaluation_charts import EvaluationCharts
from auth_api.observability.metrics import Metrics
from auth_api.settings import Settings

logger = logging.getLogger(__name__)

ORPHAN_SECONDS = 3600.0
"""Minimum age of a file without a row, because the row of a younger one may still be written."""

_INTERVAL_SECONDS = 3600.0
_BATCH_SIZE = 500


@dataclass
class Removed:
    """How many of each a clean-up removed."""

    entries: int = 0
    sessions: int = 0
    orphans: int = 0
    jobs: int = 0
    inputs: int = 0


@dataclass(frozen=True)
class CleanUp:
    """Cleans up one service."""

    settings: Settings
    database: Database
    pictures: PictureStore
    job_inputs: InputFiles
    work_folders: WorkFolders
    charts: EvaluationCharts
    metrics: Metrics

    async def run(self, orphan_seconds: float = ORPHAN_SECONDS, *, whole: bool = True) -> Removed:
        """Cleans up once. Files without a row are removed once they are `orphan_seconds` old.

        `whole` as in `PictureStore.older_than`. Raises `Unavailable`.
        """
        removed = Removed()
        removed.entries = await self._remove_expired_entries()
        removed.sessions = await self._remove_sessions()
        await self._remove_rows(KnownDevice.hash, devices.forgettable(now()))
        async for names in self.pictures.older_than(orphan_seconds, whole=whole):
            orphans = await self._without_entry(names)
            await self.pictures.delete(orphans)
            removed.orphans += len(orphans)
        await self.pictures.tidy()
        if self.settings.job_retention_days:
            expiry = now() - timedelta(days=self.settings.job_retention_days)
            removed.jobs = await self._remove_rows(Job.id, col(Job.finished_at) < expiry)
        async for names in self.job_inputs.older_than(orphan_seconds):
            orphans = await self._without_unfinished_job(names)
            await self.job_inputs.delete(orphans)
            removed.inputs += len(orphans)
        await self._remove_rows(UploadReservation.id, col(UploadReservation.held_until) < now())
        await self._remove_work_folders(orphan_seconds)
        await self._remove_charts()
        await picture_digests.fill(self.database, self.pictures)
        return removed

    async def run_regularly(self) -> None:
        """Cleans up now and every hour, until it is cancelled."""
        while True:
            try:
                removed = asdict(await self.run(whole=False))
                logger.info("cleaned up", extra=removed)
                self.metrics.clean_ups.labels("succeeded").inc()
                for kind, count in removed.items():
                    self.metrics.cleaned_up.labels(kind).inc(count)
            except Exception:  # any error may be gone in an hour
                self.metrics.clean_ups.labels("failed").inc()
                logger.exception("the clean-up failed")
            await asyncio.sleep(_INTERVAL_SECONDS)

    async def _remove_expired_entries(self) -> int:
        """Removes history entries after their retention; returns how many."""
        if not self.settings.retention_days:
            return 0
        expiry = now() - timedelta(days=self.settings.retention_days)
        total = 0
        for table in (Prediction, Comparison):
            while medias := await self._remove_entries(table, expiry):
                await self.pictures.delete(medias)
                total += len(medias)
        if total:
            await self.database.write(
                lambda transaction: recording.record(
                    transaction, "history_expired", None, entries=total
                )
            )
        return total

    async def _remove_entries(
        self, table: type[Prediction] | type[Comparison], expiry: datetime
    ) -> Sequence[str]:
        """Removes one batch of entries older than `expiry`; returns the names of their images."""
        expired = (
            select(col(table.id))
            .where(col(table.created_at) < expiry)
            .order_by(col(table.created_at))
            .limit(_BATCH_SIZE)
        )
        removal = delete(table).where(col(table.id).in_(expired)).returning(col(table.media))
        return await self.database.write(lambda transaction: transaction.scalars(removal).all())

    async def _remove_sessions(self) -> int:
        """Removes ended sessions, and used refresh tokens of running ones after their lifetime."""
        moment = now()
        expiry = moment - timedelta(seconds=self.settings.refresh_token_seconds)
        await self._remove_rows(RefreshToken.hash, col(RefreshToken.used_at) < expiry)
        expired = await self._remove_rows(Session.id, col(Session.expires_at) < moment)
        revoked = await self._remove_rows(Session.id, col(Session.revoked_at).is_not(None))
        return expired + revoked

    async def _remove_rows(self, key: Any, condition: Any) -> int:
        """Removes the rows that meet `condition`, one batch per transaction; returns how many."""
        batch = select(col(key)).where(condition).limit(_BATCH_SIZE)
        removal = delete(key.class_).where(col(key).in_(batch)).returning(col(key))
        total = 0
        while removed := len(
            await self.database.write(lambda transaction: transaction.scalars(removal).all())
        ):
            total += removed
        return total

    async def _remove_work_folders(self, orphan_seconds: float) -> None:
        """Removes the folders of jobs that are finished or gone."""
        old = await asyncio.to_thread(lambda: list(self.work_folders.older_than(orphan_seconds)))
        needed = select(col(Job.id)).where(col(Job.id).in_(old), col(Job.state).in_(UNFINISHED))
        known = await self.database.read(lambda session: set(session.scalars(needed)))
        await self.work_folders.delete([job for job in old if job not in known])

    async def _remove_charts(self) -> None:
        """Removes the charts of removed model versions."""
        served = select(col(ModelVersion.sha256)).where(col(ModelVersion.state) != "removed")
        known = await self.database.read(lambda session: set(session.scalars(served)))
        await asyncio.to_thread(self.charts.remove_stale, known)

    async def _without_unfinished_job(self, names: Sequence[str]) -> list[str]:
        query = select(col(Job.input)).where(
            col(Job.input).in_(names), col(Job.state).in_(UNFINISHED)
        )
        known = await self.database.read(lambda session: set(session.scalars(query)))
        return [name for name in names if name not in known]

    async def _without_entry(self, names: Sequence[str]) -> list[str]:
        queries = [
            select(col(table.media)).where(col(table.media).in_(names))
            for table in (Prediction, Comparison)
        ]
        known = await self.database.read(
            lambda session: {media for query in queries for media in session.scalars(query)}
        )
        return [name for name in names if name not in known]
