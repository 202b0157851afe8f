"""Removes what is no longer wanted: history and jobs beyond their retention, sessions that have
ended, pictures of models that are no more, and files that a process that died left without a row.
Feedback that lacks the digest of its picture gets it.

Safe to run at any time, twice, and in several processes at once: whatever another one has
removed is simply not there any more.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from sqlalchemy import delete, select
from sqlmodel import col

from auth_api.audit import recording
from auth_api.corrections import picture_digests
from auth_api.database.columns import now
from auth_api.database.database import Database
from auth_api.database.tables.accounts import RefreshToken, Session
from auth_api.database.tables.history import Comparison, Prediction
from auth_api.database.tables.jobs import UNFINISHED, Job
from auth_api.database.tables.models import ModelVersion
from auth_api.history.pictures import PictureStore
from auth_api.jobs.input_files import InputFiles
from auth_api.jobs.work_folders import WorkFolders
from auth_api.models.evaluation_charts import EvaluationCharts
from auth_api.observability.metrics import Metrics
from auth_api.settings import Settings

logger = logging.getLogger(__name__)

ORPHAN_SECONDS = 3600.0
"""How old a picture without a row must be: a younger one may be about to get its row."""

_EVERY = 3600.0
_AT_A_TIME = 500


@dataclass
class Removed:
    """What a clean-up has removed."""

    entries: int = 0
    sessions: int = 0
    orphans: int = 0
    jobs: int = 0
    inputs: int = 0


@dataclass(frozen=True)
class CleanUp:
    """The clean-up of one service."""

    settings: Settings
    database: Database
    pictures: PictureStore
    inputs: InputFiles
    folders: WorkFolders
    charts: EvaluationCharts
    metrics: Metrics

    async def run(self, orphan_seconds: float = ORPHAN_SECONDS) -> Removed:
        """Cleans up once. Files without a row are removed once they are `orphan_seconds` old.

        Raises Unavailable.
        """
        settings, database, pictures = self.settings, self.database, self.pictures
        removed = Removed()
        if settings.retention_days:
            expiry = now() - timedelta(days=settings.retention_days)
            for table in (Prediction, Comparison):
                while medias := await _remove_entries(database, table, expiry):
                    await pictures.delete(medias)
                    removed.entries += len(medias)
        if removed.entries:
            await database.write(
                lambda transaction: recording.record(
                    transaction, "history_expired", None, entries=removed.entries
                )
            )
        removed.sessions = await _remove_sessions(settings, database)
        old = pictures.older_than(orphan_seconds)
        while names := await asyncio.to_thread(lambda: list(islice(old, _AT_A_TIME))):
            orphans = await _without_row(database, names)
            await pictures.delete(orphans)
            removed.orphans += len(orphans)
        await asyncio.to_thread(pictures.delete_empty_folders)
        if settings.job_retention_days:
            expiry = now() - timedelta(days=settings.job_retention_days)
            removed.jobs = await _remove_some(database, Job.id, col(Job.finished_at) < expiry)
        removed.inputs = await _remove_inputs(database, self.inputs, orphan_seconds)
        await _remove_folders(database, self.folders, orphan_seconds)
        await _remove_charts(database, self.charts)
        await picture_digests.fill(database, pictures)
        return removed

    async def run_regularly(self) -> None:
        """Cleans up now and every hour, until it is cancelled."""
        while True:
            try:
                removed = asdict(await self.run())
                logger.info("cleaned up", extra=removed)
                self.metrics.clean_ups.labels("succeeded").inc()
                for what, count in removed.items():
                    self.metrics.cleaned_up.labels(what).inc(count)
            except Exception:  # whatever it was, it may work in an hour
                self.metrics.clean_ups.labels("failed").inc()
                logger.exception("the clean-up failed")
            await asyncio.sleep(_EVERY)


async def _remove_entries(
    database: Database, table: type[Prediction] | type[Comparison], expiry: datetime
) -> Sequence[str]:
    """Removes some entries of before `expiry`; answers the names of their pictures."""
    expired = (
        select(col(table.id))
        .where(col(table.created_at) < expiry)
        .order_by(col(table.created_at))
        .limit(_AT_A_TIME)
    )
    removal = delete(table).where(col(table.id).in_(expired)).returning(col(table.media))
    return await database.write(lambda transaction: transaction.scalars(removal).all())


async def _remove_sessions(settings: Settings, database: Database) -> int:
    """Removes ended sessions, and of living ones the refresh tokens that have expired since."""
    moment = now()
    forgotten = moment - timedelta(seconds=settings.refresh_token_seconds)
    await _remove_some(database, RefreshToken.hash, col(RefreshToken.used_at) < forgotten)
    expired = await _remove_some(database, Session.id, col(Session.expires_at) < moment)
    revoked = await _remove_some(database, Session.id, col(Session.revoked_at).is_not(None))
    return expired + revoked


async def _remove_some(database: Database, key: Any, condition: Any) -> int:
    """Removes the rows that meet a condition, a few hundred a transaction."""
    some = select(col(key)).where(condition).limit(_AT_A_TIME)
    removal = delete(key.class_).where(col(key).in_(some)).returning(col(key))
    total = 0
    while removed := len(
        await database.write(lambda transaction: transaction.scalars(removal).all())
    ):
        total += removed
    return total


async def _remove_inputs(database: Database, inputs: InputFiles, orphan_seconds: float) -> int:
    """Removes the files of jobs that are not there, or are finished."""
    old = inputs.older_than(orphan_seconds)
    total = 0
    while names := await asyncio.to_thread(lambda: list(islice(old, _AT_A_TIME))):
        orphans = await _without_job(database, names)
        await inputs.delete(orphans)
        total += len(orphans)
    return total


async def _remove_folders(database: Database, folders: WorkFolders, orphan_seconds: float) -> None:
    """Removes the folders of jobs that are not there, or are finished."""
    old = await asyncio.to_thread(lambda: list(folders.older_than(orphan_seconds)))
    needed = select(col(Job.id)).where(col(Job.id).in_(old), col(Job.state).in_(UNFINISHED))
    known = await database.read(lambda session: set(session.scalars(needed)))
    await folders.delete([job for job in old if job not in known])


async def _remove_charts(database: Database, charts: EvaluationCharts) -> None:
    """Removes the pictures of the figures of versions that are no more."""
    served = select(col(ModelVersion.sha256)).where(col(ModelVersion.state) != "removed")
    known = await database.read(lambda session: set(session.scalars(served)))
    await asyncio.to_thread(charts.remove_stale, known)


async def _without_job(database: Database, names: Sequence[str]) -> list[str]:
    needed = select(col(Job.input)).where(col(Job.input).in_(names), col(Job.state).in_(UNFINISHED))
    known = await database.read(lambda session: set(session.scalars(needed)))
    return [name for name in names if name not in known]


async def _without_row(database: Database, names: Sequence[str]) -> list[str]:
    queries = [
        select(col(table.media)).where(col(table.media).in_(names))
        for table in (Prediction, Comparison)
    ]
    known = await database.read(
        lambda session: {media for query in queries for media in session.scalars(query)}
    )
    return [name for name in names if name not in known]
