"""Trains the models that have no archive, one after the other, and then serves them."""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from auth_api.configuration.cores import usable_cores
from auth_api.process.children import Interrupted
from auth_api.training.missing_models import MissingModels
from auth_api.training.training_process import Event, improve, prepare, prepared
from launcher.model_server import ModelServer
from launcher.settings import LauncherSettings

logger = logging.getLogger(__name__)

_VERSION = "1.0"
# As for the models in the repository.
_BATCH_SIZE = 128
_LEARNING_RATE = 2e-3
_ATTEMPTS = 5
_NEEDS_PICTURES = (
    "It cannot be trained without pictures of digits: put its weights in place, or train it on "
    "labelled ones elsewhere."
)


class MissingTrainer:
    """Trains the missing models of one launcher."""

    def __init__(self, settings: LauncherSettings, model_server: ModelServer) -> None:
        self._settings = settings
        self._model_server = model_server
        self._missing = MissingModels(settings)

    def prepare(self) -> None:
        """Creates the training folders, by which the API knows missing models, before it starts."""
        for model in self._settings.models:
            if model not in self._model_server.missing:
                shutil.rmtree(self._missing.folder(model), ignore_errors=True)
            elif model == "digits":
                logger.error("the model digits is missing: %s", _NEEDS_PICTURES)
                self._missing.note(model, {"event": "error", "message": _NEEDS_PICTURES})
            elif not prepared(folder := self._missing.folder(model)):
                prepare(folder, self._spec(model))

    async def train(self) -> None:
        """Trains all that can be trained. After a cancellation the next call continues."""
        for model in [*self._model_server.missing]:
            if not prepared(self._missing.folder(model)):
                continue
            try:
                await self._train(model)
            except Exception as error:  # it must not stop the other models
                logger.exception("training failed", extra={"model": model})
                reason = str(error) or "something went wrong on our side."
                event = {"event": "error", "message": f"Its training failed: {reason}"}
                with suppress(OSError):
                    await asyncio.to_thread(self._missing.note, model, event)

    async def _train(self, model: str) -> None:
        logger.info("training", extra={"model": model})
        folder = self._missing.folder(model)
        for attempt in range(_ATTEMPTS):
            try:
                result = await improve(folder, self._settings, _log(model))
                break
            except Interrupted as error:
                if attempt == _ATTEMPTS - 1:
                    raise
                logger.warning("interrupted", extra={"model": model, "reason": str(error)})
        await asyncio.to_thread(_adopt, self._settings.model_store, model, result)
        await self._model_server.add(model)
        logger.info("trained and served", extra={"model": model})
        await asyncio.to_thread(shutil.rmtree, folder)

    def _spec(self, model: str) -> dict[str, object]:
        settings = self._settings
        return {
            "model": model,
            "version": _VERSION,
            "job": None,
            "mode": "train",
            "epochs": settings.train_missing_epochs,
            "images_per_epoch": settings.train_missing_images,
            "batch_size": _BATCH_SIZE,
            "learning_rate": _LEARNING_RATE,
            "augmentation": 1.0,
            "start": None,
            "network": "small" if settings.train_missing_network == "small" else None,
            "synthesis": True,
            "labelled": None,
            "corrections": None,
            "seed": 0,
            "model_store": str(settings.model_store.resolve()),
            "workers": usable_cores(),
        }


def _log(model: str) -> Callable[[Event], None]:
    def log(event: Event) -> None:
        if event["event"] == "epoch":
            logger.info("epoch finished", extra={"model": model, **event})

    return log


def _adopt(store: Path, model: str, result: Event) -> None:
    """Gives a new archive the name that TorchServe loads at its start."""
    archive = store / result["archive"]
    checksum = archive.with_name(f"{archive.name}.sha256")
    checksum.unlink(missing_ok=True)
    # With these files the archive can be rebuilt when the handlers change.
    weights = store / f"{model}-{_VERSION}.safetensors"
    with zipfile.ZipFile(archive) as members:
        weights.with_suffix(".md").write_bytes(members.read("card.md"))
        weights.with_suffix(".json").write_bytes(members.read("evaluation.json"))
    served = store / f"{model}.mar"
    served.with_name(f"{served.name}.sha256").write_text(f"{result['sha256']}  {served.name}\n")
    os.replace(archive, served)
