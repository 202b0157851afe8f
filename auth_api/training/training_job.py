"""The kinds of jobs that train a model (`train`) or tune its parameters (`tune`).

`training_process` runs the training. This module prepares its folder and registers the result.
"""

from __future__ import annotations

import asyncio
import logging
import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, Any

from auth_api.configuration.cores import usable_cores
from auth_api.corrections.data_set import CorrectionDataSet
from auth_api.database.tables.jobs import Job
from auth_api.errors import ApiError, BadRequest, Forbidden, Unavailable
from auth_api.jobs.input_files import InputFiles
from auth_api.jobs.owners import BY_OPERATOR, require_entitled
from auth_api.jobs.queue import JobQueue
from auth_api.jobs.retries import MAX_ATTEMPTS
from auth_api.jobs.upload_forms import Limits
from auth_api.jobs.work_folders import WorkFolders
from auth_api.models.model_store import ModelStore
from auth_api.models.registration import Registry
from auth_api.models.releases import Releases
from auth_api.practice.alphabets import ALPHABETS
from auth_api.process.children import Interrupted
from auth_api.settings import Settings
from auth_api.training.labelled_uploads import unpack_labelled
from auth_api.training.outcome import Outcome
from auth_api.training.planning import corrected_model
from auth_api.training.training_process import (
    improve,
    past_events,
    prepare,
    prepared,
    published,
)

logger = logging.getLogger(__name__)

_LABELLED, _CORRECTIONS = "labelled", "corrections"
_REPORT_INTERVAL_SECONDS = 1.0
_RETRY_SECONDS = 5.0


@dataclass(frozen=True)
class TrainingJobs:
    """Runs each training as a process, in the work folder of its job."""

    settings: Settings
    queue: JobQueue
    inputs: InputFiles
    folders: WorkFolders
    store: ModelStore
    corrections: CorrectionDataSet
    releases: Releases
    registry: Registry

    async def work(self, job: Job) -> dict[str, Any]:
        """Trains, or resumes.

        Raises `LeaseLost`, `Interrupted`, `ApiError`: `Forbidden` if its owner may not train any
        more.
        """
        assert job.id is not None
        try:
            return await self._train(job, job.id)
        except asyncio.CancelledError:
            with suppress(Unavailable):
                if await self.queue.is_cancelled_or_gone(job.id):
                    await self._remove_version(job, job.id)
            raise
        except Forbidden:
            with suppress(Unavailable):
                await self._remove_version(job, job.id)
            raise

    async def _train(self, job: Job, job_id: int) -> dict[str, Any]:
        folder = self.folders.of(job_id)
        model = corrected_model(job.parameters["model"])
        # Corrections that no longer count are deleted before a training resumes. If all are
        # deleted, it starts again.
        if not prepared(folder) or await self.corrections.prune(model, folder / _CORRECTIONS):
            await self._prepare(job, folder)
        outcome = Outcome(job.parameters["version"])
        for event in await asyncio.to_thread(lambda: list(past_events(folder))):
            outcome.add(event)
        try:
            if not outcome.done:
                await self._improve(job_id, folder, outcome)
        except Forbidden:
            raise
        except ApiError:
            # The owner sees the outcome up to the failure.
            await self.queue.report(job_id, outcome.progress, outcome.shown())
            raise
        return {**outcome.shown(), **await self._register(job, outcome.done)}

    async def _improve(self, job_id: int, folder: Path, outcome: Outcome) -> None:
        improving = asyncio.create_task(improve(folder, self.settings, outcome.add))
        reporting = asyncio.create_task(self._report(job_id, outcome))
        tasks = {improving, reporting}
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            if reporting.done():
                reporting.result()
            await improving
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)

    async def _report(self, job_id: int, outcome: Outcome) -> None:
        """Reports every change until it is cancelled. Raises `LeaseLost`."""
        reported: tuple[float, dict[str, Any]] | None = None
        while True:
            now = outcome.progress, outcome.shown()
            if now != reported:
                with suppress(Unavailable):  # training continues without the database
                    await self.queue.report(job_id, *now)
                    reported = now
            await asyncio.sleep(_REPORT_INTERVAL_SECONDS)

    async def _register(self, job: Job, done: Mapping[str, Any]) -> dict[str, Any]:
        """Registers the new version. Returns whether it is registered, as fields of the outcome.

        Raises `Interrupted` if TorchServe or the database is unreachable (it may be restarting)
        and the job has attempts left, `Forbidden` if its owner may not train any more.
        """
        model, version = job.parameters["model"], job.parameters["version"]
        try:
            await self.registry.register_trained(
                model,
                version,
                done["archive"],
                done["sha256"],
                job.user_id,
                partial(require_entitled, job=job),
            )
        except Forbidden:
            raise
        except ApiError as error:
            if isinstance(error, Unavailable) and job.attempts < MAX_ATTEMPTS:
                # The next attempt only registers.
                await asyncio.sleep(_RETRY_SECONDS)
                raise Interrupted(error.message) from error
            details = {"job": job.id, "reason": error.message}
            logger.warning("cannot register a trained version", extra=details)
            return {"registered": False, "not_registered": error.message}
        return {"registered": True}

    async def _remove_version(self, job: Job, job_id: int) -> None:
        """Removes the files of a cancelled training from the model store, unless its version is
        registered. Raises `Unavailable`.
        """
        model, version = job.parameters["model"], job.parameters["version"]
        await self.releases.refresh()
        row = self.releases.state(model).versions.get(version)
        if row is not None and row.state != "removed":
            return

        def work() -> None:
            if published(self.folders.of(job_id)):
                self.store.remove(model, version)

        try:
            await asyncio.to_thread(work)
        except OSError:
            logger.exception("cannot remove a cancelled training's files", extra={"job": job_id})

    async def _prepare(self, job: Job, folder: Path) -> None:
        """Empties the folder and fills it. Raises `ApiError`, `Interrupted`."""
        parameters = {name: job.parameters[name] for name in job.parameters if name != BY_OPERATOR}
        model = parameters["model"]
        try:
            await asyncio.to_thread(_make_empty, folder)
            if job.input:
                async with self.inputs.opened(job.input) as source:
                    await asyncio.to_thread(self._unpack, source.file, model, folder)
            corrected = parameters["corrections"] and await self._export(model, folder)
            spec = {
                **parameters,
                "mode": job.kind,
                "job": job.id,
                "start": self._weights(model, parameters["start"]),
                "labelled": _LABELLED if job.input else None,
                "corrections": _CORRECTIONS if corrected else None,
                "model_store": str(self.settings.model_store.resolve()),
                "workers": min(usable_cores(), self.settings.max_workers),
            }
            await asyncio.to_thread(prepare, folder, spec)
        except OSError as error:
            logger.exception("cannot prepare a training")
            raise Unavailable(
                "The pictures to train on cannot be kept.", "storage_unavailable"
            ) from error

    def _unpack(self, file: IO[bytes], model: str, folder: Path) -> None:
        limits = Limits(self.settings.max_body_bytes, self.settings.max_job_bytes)
        alphabet = ALPHABETS[corrected_model(model)]
        unpack_labelled(file, folder / _LABELLED, limits, alphabet)

    async def _export(self, model: str, folder: Path) -> bool:
        """Returns whether there are any: users may have withdrawn their consent meanwhile."""
        target = folder / _CORRECTIONS
        try:
            exported = await self.corrections.export_to(corrected_model(model), target)
        except Unavailable as error:
            if error.code != "storage_unavailable":
                raise
            await asyncio.sleep(_RETRY_SECONDS)
            raise Interrupted(error.message) from error
        return bool(exported["pictures"])

    def _weights(self, model: str, version: str | None) -> str | None:
        if version is None:
            return None
        weights = self.store.weights(model, version)
        if weights is None:
            raise BadRequest(
                f"The weights of version {version} of {model} are gone.", "weights_missing"
            )
        return str(weights)


def _make_empty(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(0o700, parents=True, exist_ok=True)
    folder.mkdir(0o700)
