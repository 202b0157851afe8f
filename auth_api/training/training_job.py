"""The kinds of jobs that train a model, and that look for what to train it with."""

from __future__ import annotations

import asyncio
import logging
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any

from auth_api.corrections.review import Corrections
from auth_api.database.tables.jobs import Job
from auth_api.errors import ApiError, BadRequest, Unavailable
from auth_api.jobs.input_files import InputFiles
from auth_api.jobs.queue import MOST_ATTEMPTS, JobQueue
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
    Event,
    improve,
    past_events,
    prepare,
    prepared,
    published,
    usable_cores,
)

logger = logging.getLogger(__name__)

_LABELLED, _CORRECTIONS = "labelled", "corrections"
# Seconds between reports of how far a training is.
_REPORT = 1.0
# Seconds until a version is registered once more after that could not be done.
_AGAIN = 5.0
# What the process takes as the job has it.
_AS_ASKED = (
    "model",
    "version",
    "epochs",
    "images_per_epoch",
    "batch_size",
    "learning_rate",
    "augmentation",
    "synthesis",
    "seed",
)


class TrainingJobs:
    """Trains in a process of its own, in the folder of the job."""

    def __init__(
        self,
        settings: Settings,
        queue: JobQueue,
        inputs: InputFiles,
        folders: WorkFolders,
        store: ModelStore,
        corrections: Corrections,
        releases: Releases,
        registry: Registry,
    ) -> None:
        self._settings = settings
        self._queue = queue
        self._inputs = inputs
        self._folders = folders
        self._store = store
        self._corrections = corrections
        self._releases = releases
        self._registry = registry

    async def work(self, job: Job) -> dict[str, Any]:
        """Trains, or goes on where it was. Raises LeaseLost, Interrupted or ApiError."""
        assert job.id is not None
        try:
            return await self._train(job, job.id)
        except asyncio.CancelledError:
            with suppress(Unavailable):
                if await self._queue.is_over(job.id):
                    await self._discard(job, job.id)
            raise

    async def _train(self, job: Job, number: int) -> dict[str, Any]:
        folder = self._folders.of(number)
        if not prepared(folder) or await self._emptied(job, folder):
            await self._prepare(job, folder)
        outcome = Outcome(job.parameters["version"])
        for event in await asyncio.to_thread(lambda: list(past_events(folder))):
            outcome.add(event)
        try:
            done = await self._improve(number, folder, outcome)
        except ApiError:
            # What there was until it failed is worth seeing.
            await self._queue.report(number, outcome.progress, outcome.shown())
            raise
        return {**outcome.shown(), **await self._registered(job, done)}

    async def _improve(self, number: int, folder: Path, outcome: Outcome) -> Event:
        megabytes = self._settings.training_memory_mb
        improving = asyncio.create_task(improve(folder, megabytes, outcome.add))
        reporting = asyncio.create_task(self._report(number, outcome))
        tasks = {improving, reporting}
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            if reporting.done():
                reporting.result()
            return await improving
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)

    async def _report(self, number: int, outcome: Outcome) -> None:
        """Reports how far it is, until it is cancelled. Raises LeaseLost."""
        told: tuple[float, dict[str, Any]] | None = None
        while True:
            now = outcome.progress, outcome.shown()
            if now != told:
                with suppress(Unavailable):  # training continues without the database
                    await self._queue.report(number, *now)
                    told = now
            await asyncio.sleep(_REPORT)

    async def _registered(self, job: Job, done: Event) -> dict[str, Any]:
        """What became of the new version. Raises Interrupted while TorchServe or the database is
        away, as it is when it is started anew, and there are attempts left.
        """
        asked = job.parameters
        try:
            await self._registry.register_trained(
                asked["model"], asked["version"], done["archive"], done["sha256"], job.user_id
            )
        except Unavailable as error:
            if job.attempts < MOST_ATTEMPTS:
                # What is trained is remembered: the next attempt only says it again.
                await asyncio.sleep(_AGAIN)
                raise Interrupted(error.message) from error
            return _unregistered(job, error)
        except ApiError as error:
            return _unregistered(job, error)
        return {"registered": True}

    async def _discard(self, job: Job, number: int) -> None:
        """Removes what a training that is not wanted any more has put into the model store, unless
        it is a version already. Raises Unavailable.
        """
        model, version = job.parameters["model"], job.parameters["version"]
        await self._releases.refresh()
        row = self._releases.state(model).versions.get(version)
        if row is not None and row.state != "removed":
            return

        def work() -> None:
            if published(self._folders.of(number)):
                self._store.remove(model, version)

        try:
            await asyncio.to_thread(work)
        except OSError:
            logger.exception("what a training left stays in the model store", extra={"job": number})

    async def _prepare(self, job: Job, folder: Path) -> None:
        """Fills the folder, anew if that was interrupted. Raises ApiError."""
        asked = job.parameters
        try:
            await asyncio.to_thread(_make_empty, folder)
            if job.input:
                await asyncio.to_thread(self._unpack, job.input, asked["model"], folder)
            corrected = asked["corrections"] and await self._export(asked["model"], folder)
            spec = {
                **{name: asked[name] for name in _AS_ASKED},
                "mode": job.kind,
                "job": job.id,
                "start": self._weights(asked["model"], asked["start"]),
                "labelled": _LABELLED if job.input else None,
                "corrections": _CORRECTIONS if corrected else None,
                "model_store": str(self._settings.model_store.resolve()),
                "workers": min(usable_cores(), self._settings.max_workers),
            }
            if asked["network"]:
                spec["network"] = asked["network"]
            if job.kind == "tune":
                spec |= {"trials": asked["trials"], "search": asked["search"]}
            await asyncio.to_thread(prepare, folder, spec)
        except OSError as error:
            logger.exception("a training cannot be prepared")
            raise Unavailable(
                "The pictures to train on cannot be kept.", "storage_unavailable"
            ) from error

    def _unpack(self, name: str, model: str, folder: Path) -> None:
        limits = Limits(self._settings.max_body_bytes, self._settings.max_job_bytes)
        alphabet = ALPHABETS[corrected_model(model)]
        unpack_labelled(self._inputs.path_of(name), folder / _LABELLED, limits, alphabet)

    async def _export(self, model: str, folder: Path) -> bool:
        """Whether there are corrections; consent may have been withdrawn meanwhile."""
        place = folder / _CORRECTIONS
        return bool((await self._corrections.export_to(corrected_model(model), place))["pictures"])

    async def _emptied(self, job: Job, folder: Path) -> bool:
        """Takes what counts no more from the corrections of a training that is to go on; answers
        whether that were all of them.
        """
        model = corrected_model(job.parameters["model"])
        return await self._corrections.prune(model, folder / _CORRECTIONS)

    def _weights(self, model: str, version: str | None) -> str | None:
        if version is None:
            return None
        weights = self._store.weights(model, version)
        if weights is None:
            raise BadRequest(
                f"The weights of version {version} of {model} are gone.", "weights_missing"
            )
        return str(weights)


def _unregistered(job: Job, error: ApiError) -> dict[str, Any]:
    logger.warning("not registered", extra={"job": job.id, "reason": error.message})
    return {"registered": False, "not_registered": error.message}


def _make_empty(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(0o700, parents=True, exist_ok=True)
    folder.mkdir(0o700)
