"""Events of a training: one JSON object per line, on standard output and in `events.jsonl`."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

EVENTS = "events.jsonl"

_PROGRESS_SECONDS = 1.0
"""Least time between two progress events."""

Event = dict[str, Any]


class Events:
    """Emits events, and reads those from before an interruption."""

    def __init__(self, folder: Path) -> None:
        """Reads `folder`/events.jsonl and removes an incomplete last line."""
        self._path = folder / EVENTS
        self._next_progress = 0.0
        content = self._path.read_bytes() if self._path.exists() else b""
        whole = content[: content.rfind(b"\n") + 1]
        if whole != content:
            os.truncate(self._path, len(whole))
        self._past: list[Event] = [json.loads(line) for line in whole.splitlines()]

    def past(self, event: str) -> list[Event]:
        """The emitted events of one kind, in order."""
        return [each for each in self._past if each["event"] == event]

    def emit(self, event: str, **fields: Any) -> None:
        """Appends an event to the file and prints it."""
        emitted = {"event": event, **fields}
        with self._path.open("a", encoding="utf-8") as file:
            file.write(_line(emitted))
        self._past.append(emitted)
        self.emit_again(emitted)

    def emit_again(self, event: Event) -> None:
        """Prints an event that is already in the file."""
        sys.stdout.write(_line(event))
        sys.stdout.flush()

    def progress(self, share: float, loss: float) -> None:
        """Emits the progress, 0-1, and the loss, at most once per second."""
        now = time.monotonic()
        if now >= self._next_progress:
            self._next_progress = now + _PROGRESS_SECONDS
            self.emit("progress", progress=round(share, 4), loss=round(loss, 4))


def _line(event: Event) -> str:
    return json.dumps(event, ensure_ascii=False) + "\n"
