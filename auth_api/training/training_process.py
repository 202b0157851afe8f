"""One training as a process: it has a folder, says how far it is, and takes no more than it may.

The folder has `spec.json`, which says what is to be done; what the process keeps there lets it
go on where it was when it is started again.
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
from auth_api.settings import ROOT

logger = logging.getLogger(__name__)

Event = dict[str, Any]

EVENTS = "events.jsonl"
"""All events of a training so far, in its folder."""

_ERRORS = "errors.log"
_SPEC = "spec.json"
_WEIGHTS = "weights.safetensors"
_NICENESS = 10
_LONGEST_LINE = 1024 * 1024
# Seconds: between looks at its memory; until it is killed when it does not stop by itself.
_LOOK = 0.5
_PATIENCE = 5.0
_TAIL = 4000
# Its exit status after SIGTERM, when it has cleared up.
_TERMINATED = 128 + signal.SIGTERM


def usable_cores() -> int:
    """Cores this process may run on, which in a container are fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def prepared(folder: Path) -> bool:
    """Whether a folder says already what is to be done."""
    return (folder / _SPEC).exists()


def prepare(folder: Path, spec: dict[str, Any]) -> None:
    """Says in a folder what is to be done; blocks. Whole or not at all, and after all the rest."""
    folder.mkdir(0o700, parents=True, exist_ok=True)
    partial = folder / f"{_SPEC}.partial"
    partial.write_text(json.dumps(spec))
    os.replace(partial, folder / _SPEC)


async def improve(folder: Path, megabytes: int, hear: Callable[[Event], None]) -> Event:
    """Does what a folder says, to the end; answers the last event, with the new archive.

    Every event goes to `hear`. Raises BadRequest, with a sentence, when it cannot be done or
    takes more memory than so many megabytes; Interrupted. Cancelled, it stops the process.
    """
    # What it leaves behind when it is killed goes with its folder.
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
            niceness=_NICENESS,
            longest_line=_LONGEST_LINE,
        )
    reading = asyncio.create_task(_read(child, hear))
    watching = asyncio.create_task(_watch(child, megabytes))
    patience = _PATIENCE
    try:
        await asyncio.wait({reading, watching}, return_when=asyncio.FIRST_COMPLETED)
        if watching.done():
            patience = 0  # what takes too much is not waited for
            watching.result()
        last = await reading
        status = await child.wait()
    finally:
        reading.cancel()
        watching.cancel()
        await child.stop(patience)
    return _verdict(folder, last, status)


def published(folder: Path) -> bool:
    """Whether something of the training may be in the model store; blocks. Only then do weights
    lie in its folder.
    """
    return (folder / _WEIGHTS).exists()


def past_events(folder: Path) -> Iterator[Event]:
    """The events of earlier, in order; blocks."""
    with suppress(FileNotFoundError), (folder / EVENTS).open("rb") as file:
        while line := file.readline(_LONGEST_LINE):
            if event := _event(line):
                yield event


async def _read(child: Child, hear: Callable[[Event], None]) -> Event:
    """Passes the events on; answers the last."""
    last: Event = {}
    while True:
        try:
            line = await child.output.readline()
        except ValueError:
            continue  # a line of such length is no event
        if not line:
            return last
        if event := _event(line):
            last = event
            hear(event)


def _event(line: bytes) -> Event | None:
    try:
        # A loss that is no number any more is none.
        event = json.loads(line, parse_constant=lambda _: None)
    except ValueError:
        return None
    return event if isinstance(event, dict) and "event" in event else None


async def _watch(child: Child, megabytes: int) -> None:
    """Waits until the process has ended. Raises BadRequest when it takes too much memory."""
    while child.running:
        if await asyncio.to_thread(_resident, child.pid) > megabytes * 1024 * 1024:
            raise BadRequest(
                f"The training took more than {megabytes} MB of memory, which is all it may: "
                "try smaller batches or fewer pictures.",
                "training_memory",
            )
        await asyncio.sleep(_LOOK)


def _resident(number: int) -> int:
    """Bytes of memory of a process and all that it started; 0 when it is no more."""
    total = 0
    with suppress(psutil.NoSuchProcess):
        process = psutil.Process(number)
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
    logger.error("a training failed", extra={"status": status, "said": _tail(folder / _ERRORS)})
    raise BadRequest("Something went wrong in the training.", "training_failed")


def _tail(path: Path) -> str:
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - _TAIL))
        return file.read().decode(errors="replace")
