"""Waits at the start for the database and the bucket of pictures, and logs which other
dependencies are not available yet.

The service cannot start without its folders, its database, and its bucket if it has one. It does
start without TorchServe and the rate limit store: accounts and histories work, and `/ready` says
what is missing.
"""

from __future__ import annotations

import asyncio
import logging
import os
import tempfile
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

from auth_api.database.database import Database
from auth_api.errors import Unavailable
from auth_api.http.rate_limits import RateLimits
from auth_api.models.presenting import ModelPresenter
from auth_api.process.waiting import WaitLog
from auth_api.settings import Settings
from auth_api.storage.opening import open_bucket

logger = logging.getLogger(__name__)

_POLL_SECONDS = 1.0
_TIMEOUT_SECONDS = 30


def require_folders(settings: Settings) -> None:
    """Raises `OSError`, with its name, for a folder that cannot be written to."""
    for folder in (settings.data_dir, settings.media_dir):
        try:
            folder.mkdir(0o700, parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder):
                pass
        except OSError as error:
            raise OSError(error.errno, error.strerror, str(folder)) from error


async def migrate_when_reachable(database: Database) -> None:
    """Waits for the database, then migrates it. Raises `Unavailable` or `NewerDatabase`."""
    await _when_reachable("the database", database.migrate, "database_unavailable")


async def wait_for_bucket(settings: Settings) -> None:
    """Waits for the bucket, if the settings name one. Raises `Unavailable` or `UnusableBucket`."""
    if bucket := open_bucket(settings):
        await _when_reachable(f"the store {bucket.url}", bucket.check, "storage_unavailable")


async def _when_reachable(what: str, call: Callable[[], Awaitable[None]], code: str) -> None:
    waiting, deadline = WaitLog(what), time.monotonic() + _TIMEOUT_SECONDS
    while True:
        try:
            await call()
            return waiting.done()
        except Unavailable as error:
            reason = str(error.__cause__)
            if time.monotonic() > deadline:
                raise Unavailable(
                    f"{what[0].upper()}{what[1:]} did not answer for {_TIMEOUT_SECONDS} seconds: "
                    f"{reason}.",
                    code,
                ) from error
            waiting.still_waiting(reason)
            await asyncio.sleep(_POLL_SECONDS)


async def wait_for_dependencies(
    settings: Settings, limits: RateLimits, presenter: ModelPresenter
) -> None:
    """Checks each dependency every second until it was available once, and logs the wait."""
    waits = [_wait_for("the store of the rate limits", partial(_check_limits, limits))]
    if (keys := settings.torchserve_key_file) is not None:
        waits.append(_wait_for(f"TorchServe's keys in {keys}", partial(_check_file, keys)))
    for model in settings.models:
        waits.append(_wait_for(f"the model {model}", partial(_check_model, presenter, model)))
    await asyncio.gather(*waits)


async def _wait_for(what: str, check: Callable[[], Awaitable[str | None]]) -> None:
    """`check` returns why a dependency is not available, None if it is."""
    waiting = WaitLog(what)
    while True:
        try:
            reason = await check()
        except Exception:  # the check only logs, so no error in it may end the service
            logger.exception("cannot check %s", what)
            return
        if reason is None:
            waiting.done()
            return
        waiting.still_waiting(reason)
        await asyncio.sleep(_POLL_SECONDS)


async def _check_limits(limits: RateLimits) -> str | None:
    return None if await limits.reachable() else "it does not answer"


async def _check_file(file: Path) -> str | None:
    if os.access(file, os.R_OK):
        return None
    return "it cannot be read" if file.exists() else "there is no such file"


async def _check_model(presenter: ModelPresenter, model: str) -> str | None:
    state = await presenter.readiness(model)
    return None if state == "ready" else state
