"""Models that have no archive, and are trained while the others are served (`TRAIN_MISSING`).

Whoever trains one, the launcher, does so in a folder that is there until the model is served:
from what is in it, those who ask for the model are told how far it is.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from auth_api.errors import ModelMissing
from auth_api.settings import Settings
from auth_api.training.training_process import EVENTS, Event

_TAIL = 64 * 1024
_RETRY_SECONDS = 30


class MissingModels:
    """The folders of such models."""

    def __init__(self, settings: Settings) -> None:
        self._expected = settings.train_missing
        self._folder = settings.data_dir / "training"

    def folder(self, model: str) -> Path:
        """Where a model is trained, if it is missing."""
        return self._folder / f"missing-{model}"

    def note(self, model: str, event: Event) -> None:
        """Adds an event to those of the training itself; blocks."""
        folder = self.folder(model)
        folder.mkdir(0o700, parents=True, exist_ok=True)
        with (folder / EVENTS).open("a") as file:
            file.write(f"{json.dumps(event)}\n")

    def answer(self, model: str) -> ModelMissing | None:
        """What to say to those who ask for a model, None if it is not missing.

        Reads the end of a file, so it is for those alone that TorchServe does not know.
        """
        folder = self.folder(model)
        if not (self._expected and folder.exists()):
            return None
        for event in _latest(folder / EVENTS):
            if event.get("event") == "error":
                message = f"The model {model} is missing. {event.get('message')}"
                return ModelMissing(message, "model_missing", retry_after=_RETRY_SECONDS)
            if isinstance(event.get("progress"), int | float):
                return _training(model, float(event["progress"]))
        return _training(model, 0.0)


def _training(model: str, progress: float) -> ModelMissing:
    return ModelMissing(
        f"The model {model} is being trained: {progress:.0%} of that is done.",
        "model_training",
        retry_after=_RETRY_SECONDS,
        details={"progress": round(progress, 4)},
    )


def _latest(path: Path) -> Iterator[Event]:
    """The last events, the latest first."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - _TAIL))
            lines = file.read().splitlines()
    except FileNotFoundError:
        return
    for line in reversed(lines):
        try:
            event = json.loads(line)
        except ValueError:
            continue  # it is being written, or is cut off at its beginning
        if isinstance(event, dict):
            yield event
