"""Tests a new version with one picture before any client gets it."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import Any

from auth_api.errors import ApiError, Conflict, NotFound, Refused, Unavailable
from auth_api.models.archive_validation import ValidArchive, refused
from auth_api.practice.alphabets import ANSWER_SIZES
from auth_api.settings import ROOT
from auth_api.torchserve.client import TorchServe

PICTURE = ROOT / "reference_images" / "class_0.png"
"""The test image."""
OPTIONS = {"X-Target-Class": "0", "X-Characters": "all"}
"""The request headers that are sent with it."""

_POLL_SECONDS = 0.2
# A version whose worker has lost so many processes counts as unable to start.
_MAX_LOST_PROCESSES = 2


class NotReady(Exception):
    """The workers do not start. The message completes "The archive is refused: ..."."""


async def start_and_test(
    torchserve: TorchServe, model: str, archive: ValidArchive, seconds: float
) -> None:
    """Starts the workers of an archive within `seconds` and has them read the test image.

    Removes the version from TorchServe again if that fails. Raises `Conflict` if the version is
    served already, `BadRequest` with the reason, `Unavailable`.
    """
    try:
        await _register(torchserve, model, archive)
        await wait_until_ready(torchserve, model, archive.version, seconds)
        await _require_answer(torchserve, model, archive.version)
    except Conflict:
        raise
    except BaseException as error:
        with suppress(ApiError):  # TorchServe has not got it, or is down and forgets it
            await torchserve.unregister(model, archive.version)
        if isinstance(error, NotReady):
            raise refused(str(error)) from error
        if isinstance(error, NotFound):
            raise Unavailable("The model server has restarted. Please try again.") from error
        raise


async def _register(torchserve: TorchServe, model: str, archive: ValidArchive) -> None:
    try:
        await torchserve.register(model, archive.file)
    except NotFound as error:
        raise NotReady("TorchServe does not find it in its own model store") from error


async def wait_until_ready(
    torchserve: TorchServe, model: str, version: str, seconds: float
) -> None:
    """Waits until all workers of a version are ready.

    Raises `NotReady` if they do not start within `seconds`, `NotFound`, `Unavailable`.
    """
    deadline = time.monotonic() + seconds
    # TorchServe does not report a failed worker. It starts another process for the worker.
    processes: dict[str, set[int]] = {}
    while time.monotonic() < deadline:
        (served,) = await torchserve.versions(model, version)
        if served.states.count("READY") == len(served.states) == served.workers:
            return
        for worker, process in served.processes.items():
            processes.setdefault(worker, set()).add(process)
            if len(processes[worker]) > _MAX_LOST_PROCESSES:
                raise NotReady("no worker starts with it; TorchServe's log says why")
        await asyncio.sleep(_POLL_SECONDS)
    raise NotReady(f"its workers were not ready within {seconds:g} seconds")


async def _require_answer(torchserve: TorchServe, model: str, version: str) -> None:
    try:
        answer = await torchserve.predict(model, PICTURE.read_bytes(), version, OPTIONS, shed=False)
    except Refused as error:
        raise refused(f"it does not read its first picture: {error.message}") from error
    except Unavailable as error:
        await torchserve.versions(model, version)  # raises if TorchServe itself is down
        raise refused("it does not answer its first picture") from error
    if not _is_answer(answer, model, version):
        raise refused(f"it does not answer as {model} does")


def _is_answer(answer: Any, model: str, version: str) -> bool:
    if not isinstance(answer, dict) or answer.get("success") is not True:
        return False
    if answer.get("model") != {"name": model, "version": version}:
        return False
    if model in ANSWER_SIZES:
        probabilities = answer.get("probabilities")
        return isinstance(probabilities, list) and len(probabilities) in ANSWER_SIZES[model]
    return {"distance", "score", "faults", "regions", "blended_overlay"} <= answer.keys()
