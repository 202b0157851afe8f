"""Models without an archive, which are trained while the others are served (`TRAIN_MISSING`).

The launcher trains each one in a folder that exists until the model is served. The events in that
folder tell clients how far the training is.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from auth_api.errors import ModelMissing
from auth_api.settings import Settings
from auth_api.training.training_process import EVENTS, Event, parse_event, tail

# Read from the end of the events: enough for the last ones.
_TAIL_BYTES = 64 * 1024
_RETRY_SECONDS = 30


class MissingModels:
    """The training folders of the missing models."""

    def __init__(self, settings: Settings) -> None:
        self._expected = settings.train_missing
        self._folder = settings.data_dir / "training"

    def folder(self, model: str) -> Path:
        """The training folder of a model, which exists only while the model is missing."""
        return self._folder / f"missing-{model}"

    def note(self, model: str, event: Event) -> None:
        """Appends an event to those of the training process; blocks."""
        folder = self.folder(model)
        folder.mkdir(0o700, parents=True, exist_ok=True)
        with (folder / EVENTS).open("a") as file:
            file.write(f"{json.dumps(event)}\n")

    def answer(self, model: str) -> ModelMissing | None:
        """The error for clients of a missing model, None if the model is not missing.

        Reads a file, so ask only for a model that TorchServe does not know.
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
        f"The model {model} is being trained: {progress:.0%} done.",
        "model_training",
        retry_after=_RETRY_SECONDS,
        details={"progress": round(progress, 4)},
    )


def _latest(path: Path) -> Iterator[Event]:
    """The last events, newest first."""
    with suppress(FileNotFoundError):
        # A line may be incomplete: still being written, or cut off by the tail.
        lines = tail(path, _TAIL_BYTES).splitlines()
        yield from filter(None, map(parse_event, reversed(lines)))
