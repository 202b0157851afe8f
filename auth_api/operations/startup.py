"""Says after a start which neighbours are not there yet, until all have been there once.

The service does without them meanwhile: it keeps accounts and histories, and `/ready` says why it
is not ready. What it cannot be without, the database and its folders, is waited for, or refused,
before it listens (`auth_api.__main__`).
"""

from __future__ import annotations

import asyncio
import logging
import os
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from auth_api.database.database import Database
from auth_api.errors import Unavailable
from auth_api.http.rate_limits import RateLimits
from auth_api.models.presenting import ModelPresenter
from auth_api.process.waiting import Waiting
from auth_api.settings import Settings

logger = logging.getLogger(__name__)

_LOOK = 1.0
_DATABASE_SECONDS = 30


def require_folders(settings: Settings) -> None:
    """Raises OSError, with its name, for a folder that cannot be written to."""
    for folder in (settings.data_dir, settings.media_dir):
        try:
            folder.mkdir(0o700, parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder):
                pass
        except OSError as error:
            raise OSError(error.errno, error.strerror, str(folder)) from error


async def migrated(database: Database) -> None:
    """Waits for the database and migrates it. Raises Unavailable or NewerDatabase."""
    waiting, deadline = Waiting("the database"), time.monotonic() + _DATABASE_SECONDS
    while True:
        try:
            await database.migrate()
            return waiting.over()
        except Unavailable as error:
            reason = str(error.__cause__)
            if time.monotonic() > deadline:
                raise Unavailable(
                    f"The database did not answer for {_DATABASE_SECONDS} seconds: {reason}.",
                    "database_unavailable",
                ) from error
            waiting.still(reason)
            await asyncio.sleep(1)


async def wait_for_neighbours(
    settings: Settings, limits: RateLimits, presenter: ModelPresenter
) -> None:
    """Looks for all of them, every second, until they are there."""
    looks = [_until_there("the store of the rate limits", _limits(limits))]
    if (keys := settings.torchserve_key_file) is not None:
        looks.append(_until_there(f"TorchServe's keys in {keys}", _readable(keys)))
    for model in settings.models:
        looks.append(_until_there(f"the model {model}", _model(presenter, model)))
    await asyncio.gather(*looks)


Look = Callable[[], Awaitable[str | None]]
"""Answers why something is not there, None if it is."""


async def _until_there(what: str, look: Look) -> None:
    waiting = Waiting(what)
    while True:
        try:
            reason = await look()
        except Exception:  # whatever it was, it must not end the service
            logger.exception("cannot look for %s", what)
            return
        if reason is None:
            waiting.over()
            return
        waiting.still(reason)
        await asyncio.sleep(_LOOK)


def _limits(limits: RateLimits) -> Look:
    async def look() -> str | None:
        return None if await limits.reachable() else "it does not answer"

    return look


def _readable(file: Path) -> Look:
    async def look() -> str | None:
        if os.access(file, os.R_OK):
            return None
        return "it cannot be read" if file.exists() else "there is no such file"

    return look


def _model(presenter: ModelPresenter, model: str) -> Look:
    async def look() -> str | None:
        state = await presenter.readiness(model)
        return None if state == "ready" else state

    return look
