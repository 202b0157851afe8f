"""A new version reads its first picture, and is refused unless it answers as its model does."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import Any

from auth_api.errors import ApiError, Conflict, NotFound, Refused, Unavailable
from auth_api.models.archive_validation import ValidArchive, refused
from auth_api.practice.alphabets import ALPHABETS
from auth_api.settings import ROOT
from auth_api.torchserve.client import TorchServe

PICTURE = ROOT / "reference_images" / "class_0.png"
"""What a model is tried out with, and the next what is asked besides."""
OPTIONS = {"X-Target-Class": "0"}

_LOOK = 0.2
# So many processes may a worker end before it is seen that none will do.
_ATTEMPTS = 2


class NotReady(Exception):
    """Workers do not come up; the message is the end of a sentence that says why."""


async def start(torchserve: TorchServe, model: str, checked: ValidArchive, seconds: float) -> None:
    """Has TorchServe start the workers of an archive, which must read a picture.

    Nothing is left of it in TorchServe where that fails. Raises Conflict when its version is
    served already, BadRequest with the reason, or Unavailable.
    """
    try:
        await torchserve.register(model, checked.archive)
        await wait_until_ready(torchserve, model, checked.version, seconds)
        await _require_answer(torchserve, model, checked.version)
    except Conflict:
        raise
    except BaseException as error:
        with suppress(ApiError):  # it never was there, or TorchServe is away and forgets it
            await torchserve.unregister(model, checked.version)
        if isinstance(error, NotReady):
            raise refused(str(error)) from error
        if isinstance(error, NotFound):
            raise Unavailable("The model server was started anew. Please try again.") from error
        raise


async def wait_until_ready(
    torchserve: TorchServe, model: str, version: str, seconds: float
) -> None:
    """Waits until as many workers of a version are ready as there are to be.

    Raises NotReady when they do not start or take longer than `seconds`, NotFound or Unavailable.
    """
    deadline = time.monotonic() + seconds
    # TorchServe does not say that a worker has failed: it starts another process for it.
    processes: dict[str, set[int]] = {}
    while time.monotonic() < deadline:
        (served,) = await torchserve.versions(model, version)
        if served.states.count("READY") == len(served.states) == served.workers:
            return
        for worker, process in served.processes.items():
            processes.setdefault(worker, set()).add(process)
            if len(processes[worker]) > _ATTEMPTS:
                raise NotReady("no worker starts with it; TorchServe's log says why")
        await asyncio.sleep(_LOOK)
    raise NotReady(f"its workers were not ready within {seconds:g} seconds")


async def _require_answer(torchserve: TorchServe, model: str, version: str) -> None:
    try:
        answer = await torchserve.predict(
            model, PICTURE.read_bytes(), version, OPTIONS, patient=True
        )
    except Refused as error:
        raise refused(f"it does not read its first picture: {error.message}") from error
    except Unavailable as error:
        await torchserve.versions(model, version)  # raises if it is TorchServe that does not answer
        raise refused("it does not answer its first picture") from error
    if not _is_answer(answer, model, version):
        raise refused(f"it does not answer as {model} does")


def _is_answer(answer: Any, model: str, version: str) -> bool:
    if not isinstance(answer, dict) or answer.get("success") is not True:
        return False
    if answer.get("model") != {"name": model, "version": version}:
        return False
    if model in ALPHABETS:
        probabilities = answer.get("probabilities")
        return isinstance(probabilities, list) and len(probabilities) == len(ALPHABETS[model])
    return {"distance", "similarity_score", "regions", "blended_overlay"} <= answer.keys()
