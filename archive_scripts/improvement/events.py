"""What a training tells: one JSON object a line, on standard output and in `events.jsonl`."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

EVENTS = "events.jsonl"

_PROGRESS_SECONDS = 1.0
"""Between two events of progress at least."""

Event = dict[str, Any]


class Events:
    """Tells, and remembers across interruptions what was told."""

    def __init__(self, folder: Path) -> None:
        """Takes up `folder`/events.jsonl, without the half line that an interruption leaves."""
        self._path = folder / EVENTS
        self._next_progress = 0.0
        content = self._path.read_bytes() if self._path.exists() else b""
        whole = content[: content.rfind(b"\n") + 1]
        if whole != content:
            os.truncate(self._path, len(whole))
        self._past: list[Event] = [json.loads(line) for line in whole.splitlines()]

    def past(self, event: str) -> list[Event]:
        """The events of one kind, in order."""
        return [each for each in self._past if each["event"] == event]

    def tell(self, event: str, **what: Any) -> None:
        """Tells and remembers an event."""
        told = {"event": event, **what}
        with self._path.open("a", encoding="utf-8") as file:
            file.write(_line(told))
        self._past.append(told)
        self.repeat(told)

    def repeat(self, event: Event) -> None:
        """Tells what is already remembered."""
        sys.stdout.write(_line(event))
        sys.stdout.flush()

    def progress(self, share: float, loss: float) -> None:
        """Tells how far the training is, 0-1, unless it did so just before."""
        now = time.monotonic()
        if now >= self._next_progress:
            self._next_progress = now + _PROGRESS_SECONDS
            self.tell("progress", progress=round(share, 4), loss=round(loss, 4))


def _line(event: Event) -> str:
    return json.dumps(event, ensure_ascii=False) + "\n"
