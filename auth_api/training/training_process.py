"""One training process: start it, read its events, limit its memory, stop it.

It works in a folder. `spec.json` there says what to train, and its checkpoints there let a process
that is started again resume.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

from auth_api.errors import BadRequest
from auth_api.process.children import Child, Interrupted, bare_environment
from auth_api.process.confinement import Confinement, private_paths
from auth_api.settings import ROOT, Settings

logger = logging.getLogger(__name__)

Event = dict[str, Any]

EVENTS = "events.jsonl"
"""File in the folder with all events of the training so far, one JSON object a line."""

_ERRORS = "errors.log"
_SPEC = "spec.json"
_WEIGHTS = "weights.safetensors"
_MAX_LINE_BYTES = 1024 * 1024
_MEMORY_POLL_SECONDS = 0.5
# The process is killed if it does not stop by itself within this time.
_STOP_SECONDS = 5.0
_LOGGED_ERROR_BYTES = 4000
# The exit status of a process that stops itself on SIGTERM.
_TERMINATED = 128 + signal.SIGTERM


def prepared(folder: Path) -> bool:
    """Whether a folder is ready for `improve`; blocks."""
    return (folder / _SPEC).exists()


def prepare(folder: Path, spec: dict[str, Any]) -> None:
    """Makes a folder ready for `improve`, atomically; blocks. Call it after filling the folder."""
    folder.mkdir(0o700, parents=True, exist_ok=True)
    partial = folder / f"{_SPEC}.partial"
    partial.write_text(json.dumps(spec))
    os.replace(partial, folder / _SPEC)


async def improve(folder: Path, settings: Settings, on_event: Callable[[Event], None]) -> Event:
    """Runs the training of a folder to its end. Returns the last event, with the new archive.

    `settings` limit its memory and its priority, and say what is hidden from it. `on_event` gets
    every event. Cancelling it stops the process.
    Raises `BadRequest` with a sentence if the training fails or needs more memory, `Interrupted`.
    """
    # Temporary files lie in the folder, because a killed process does not delete them.
    temporary = folder / "tmp"
    await asyncio.to_thread(shutil.rmtree, temporary, ignore_errors=True)
    temporary.mkdir()
    with (folder / _ERRORS).open("wb") as errors:
        child = await Child.start(
            [sys.executable, "-m", "archive_scripts", "improve", str(folder)],
            environment=bare_environment(temporary),
            directory=ROOT,
            output=subprocess.PIPE,
            errors=errors,
            niceness=settings.training_niceness,
            confinement=Confinement(
                private_paths(settings), writable=(folder, settings.model_store)
            ),
            longest_line=_MAX_LINE_BYTES,
        )
    reading = asyncio.create_task(_read(child, on_event))
    watching = asyncio.create_task(_watch(child, settings.training_memory_mb))
    stop_seconds = _STOP_SECONDS
    try:
        await asyncio.wait({reading, watching}, return_when=asyncio.FIRST_COMPLETED)
        if watching.done():
            stop_seconds = 0  # it uses too much memory
            watching.result()
        last = await reading
        status = await child.wait()
    finally:
        reading.cancel()
        watching.cancel()
        await child.stop(stop_seconds)
    return _verdict(folder, last, status)


def published(folder: Path) -> bool:
    """Whether the training may have written to the model store, after its weights; blocks."""
    return (folder / _WEIGHTS).exists()


def past_events(folder: Path) -> Iterator[Event]:
    """The events of earlier processes in a folder, in order; blocks."""
    with suppress(FileNotFoundError), (folder / EVENTS).open("rb") as file:
        while line := file.readline(_MAX_LINE_BYTES):
            if event := parse_event(line):
                yield event


async def _read(child: Child, on_event: Callable[[Event], None]) -> Event:
    """Passes the events on. Returns the last one."""
    last: Event = {}
    while True:
        try:
            line = await child.output.readline()
        except ValueError:
            continue  # the line is too long for an event
        if not line:
            return last
        if event := parse_event(line):
            last = event
            on_event(event)


def parse_event(line: bytes) -> Event | None:
    """The event in a line of output, or None: the line is incomplete or no event."""
    try:
        # JSON has no NaN and Infinity: a loss that diverged becomes None.
        event = json.loads(line, parse_constant=lambda _: None)
    except ValueError:
        return None
    return event if isinstance(event, dict) and "event" in event else None


async def _watch(child: Child, megabytes: int) -> None:
    """Waits until the process has ended. Raises `BadRequest` if it uses too much memory."""
    while child.running:
        if await asyncio.to_thread(_resident_bytes, child.pid) > megabytes * 1024 * 1024:
            raise BadRequest(
                f"The training took more than {megabytes} MB of memory, its limit: try smaller "
                "batches or fewer pictures.",
                "training_memory",
            )
        await asyncio.sleep(_MEMORY_POLL_SECONDS)


def _resident_bytes(pid: int) -> int:
    """Memory of a process and its descendants; 0 if the process has ended."""
    total = 0
    with suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        for each in (process, *process.children(recursive=True)):
            with suppress(psutil.NoSuchProcess):
                total += each.memory_info().rss
    return total


def _verdict(folder: Path, last: Event, status: int) -> Event:
    if status == 0 and last.get("event") == "done":
        return last
    if last.get("event") == "error":
        raise BadRequest(str(last.get("message")), "training_failed")
    if status < 0 or status == _TERMINATED:
        raise Interrupted(f"ended by signal {-status if status < 0 else signal.SIGTERM}")
    said = tail(folder / _ERRORS, _LOGGED_ERROR_BYTES)
    logger.error(
        "a training failed", extra={"status": status, "said": said.decode(errors="replace")}
    )
    raise BadRequest("Something went wrong in the training.", "training_failed")


def tail(path: Path, length: int) -> bytes:
    """The last `length` bytes of a file, or all of a shorter one; blocks."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - length))
        return file.read()
