"""Turns the events of a training process into the progress and outcome of its job."""

from __future__ import annotations

from typing import Any

from auth_api.training.training_process import Event

_EPOCH = ("epoch", "epochs", "loss", "validation_loss", "accuracy", "seconds")
_TRIAL = ("trial", "trials", "state", "parameters", "accuracy")
_DONE = ("archive", "sha256", "before", "after", "parameters")


class Outcome:
    """The outcome so far. Events may come again after a restart; repeated ones count once."""

    def __init__(self, version: str) -> None:
        self.progress = 0.0
        """0-1."""
        self._version = version
        self._epochs: dict[int, dict[str, Any]] = {}
        self._trials: dict[int, dict[str, Any]] = {}
        self.done: dict[str, Any] = {}
        """The fields of the event that ends the training. Empty before that."""

    def add(self, event: Event) -> None:
        """Adds one event."""
        progress = event.get("progress")
        if isinstance(progress, int | float):
            self.progress = min(1.0, max(self.progress, progress))
        kind = event["event"]
        if kind == "epoch":
            self._epochs[event["epoch"]] = {name: event.get(name) for name in _EPOCH}
        elif kind == "trial":
            self._trials[event["trial"]] = {name: event.get(name) for name in _TRIAL}
        elif kind == "done":
            self.done = {name: event.get(name) for name in _DONE}

    def shown(self) -> dict[str, Any]:
        """As `TrainingOutcome`."""
        return {
            "version": self._version,
            "epochs": [self._epochs[number] for number in sorted(self._epochs)],
            "trials": [self._trials[number] for number in sorted(self._trials)],
            **self.done,
        }
