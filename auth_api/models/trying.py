"""A new version reads its first picture, and is refused unless it answers as its model does."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from auth_api.alphabets import ALPHABETS
from auth_api.errors import ApiError, BadRequest, Refused, Unavailable
from auth_api.models.checking import Checked, refused
from auth_api.settings import ROOT
from auth_api.torchserve import TorchServe

_PICTURE = ROOT / "reference_images" / "class_0.png"
_OPTIONS = {"X-Target-Class": "0"}


async def start(torchserve: TorchServe, model: str, checked: Checked, seconds: float) -> None:
    """Has TorchServe start the workers of an archive, which must read a picture.

    Nothing is left of it in TorchServe where that fails. Raises Conflict when its version is
    served already, BadRequest with the reason, or Unavailable.
    """
    try:
        await torchserve.register(model, checked.archive, seconds)
        await _require_answer(torchserve, model, checked.version)
    except (BadRequest, Unavailable) as error:
        await _remove(torchserve, model, checked.version)
        if isinstance(error, BadRequest) and error.code == "workers_failed":
            raise refused("no worker starts with it; TorchServe's log says why") from error
        if isinstance(error, Unavailable) and await _is_there(torchserve, model):
            raise refused(f"it has not read a picture within {seconds:g} seconds") from error
        raise


async def _require_answer(torchserve: TorchServe, model: str, version: str) -> None:
    try:
        answer = await torchserve.predict(model, _PICTURE.read_bytes(), version, _OPTIONS)
    except Refused as error:
        raise refused(f"it does not read the first picture: {error.message}") from error
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


async def _remove(torchserve: TorchServe, model: str, version: str) -> None:
    with suppress(ApiError):  # it never was there, or TorchServe is away and forgets it
        await torchserve.unregister(model, version)


async def _is_there(torchserve: TorchServe, model: str) -> bool:
    """Whether TorchServe itself answers, so that it must be the new version that does not."""
    try:
        await torchserve.versions(model)
    except ApiError:
        return False
    return True
