"""TorchServe's tokens: read from its key file, renewed before they expire, shared politely.

TorchServe writes `key_file.json` into its working directory: a key for inference and one for
management, each with an expiry, and an API key that buys new ones. A renewal kills the old
key at once and rewrites the file in place. So whoever finds a key refused reads the file
again, and only the holder of a lock on the file next to it asks for a new key.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Literal

import aiohttp

from auth_api.errors import Unavailable, Unreachable
from auth_api.observability.metrics import Metrics

logger = logging.getLogger(__name__)

Kind = Literal["inference", "management"]

_RENEW_BEFORE = timedelta(minutes=2)
# How often, in seconds, expiry is looked at, and a half-written file read again.
_CHECK_EVERY = 5.0
_READ_AGAIN_AFTER = 0.02
_READ_ATTEMPTS = 50


@dataclass(frozen=True)
class Key:
    """One token and when it dies."""

    token: str
    expires: datetime


class KeyFile:
    """The keys of one TorchServe, as its key file has them."""

    def __init__(self, path: Path, management: aiohttp.ClientSession, metrics: Metrics) -> None:
        self._path = path
        self._management = management
        self._renewals = metrics.key_renewals
        self._keys: dict[Kind, Key] = {}
        self._buys_keys = ""
        self._checked = 0.0
        self._lock = asyncio.Lock()

    async def token(self, kind: Kind) -> str:
        """The current token, renewed first when it is about to expire.

        Raises Unavailable when the file cannot be read: TorchServe is not up.
        """
        if kind not in self._keys:
            await self._read()
        now = time.monotonic()
        if now - self._checked > _CHECK_EVERY:
            self._checked = now
            if self._keys[kind].expires - datetime.now(timezone.utc) < _RENEW_BEFORE:
                return await self.renewed(kind, self._keys[kind].token)
        return self._keys[kind].token

    async def renewed(self, kind: Kind, refused: str) -> str:
        """A token other than `refused`: what the file has by now, else a new one.

        Raises Unavailable.
        """
        async with self._lock:
            if self._keys[kind].token != refused:
                return self._keys[kind].token
            async with self._owning(kind):
                await self._read()
                if self._keys[kind].token == refused:
                    await self._ask_for_new(kind)
                    await self._read()
            return self._keys[kind].token

    async def _ask_for_new(self, kind: Kind) -> None:
        logger.info("renewing TorchServe's %s key", kind)
        try:
            async with self._management.get(
                "/token",
                params={"type": kind},
                headers={"Authorization": f"Bearer {self._buys_keys}"},
            ) as response:
                response.raise_for_status()
        except (aiohttp.ClientError, asyncio.TimeoutError) as error:
            self._renewals.labels(kind, "failed").inc()
            raise Unavailable("The model server gave no new key. Please try again.") from error
        self._renewals.labels(kind, "succeeded").inc()

    async def _read(self) -> None:
        for attempt in range(_READ_ATTEMPTS):
            if attempt:
                await asyncio.sleep(_READ_AGAIN_AFTER)
            try:
                content = json.loads(self._path.read_text())
                self._keys, self._buys_keys = (
                    {
                        "inference": _key(content["inference"]),
                        "management": _key(content["management"]),
                    },
                    content["API"]["key"],
                )
                return
            except OSError:
                break  # it is not there yet, or not for us to read
            except (ValueError, KeyError):
                continue  # TorchServe is writing it
        raise Unreachable("The model server is starting. Please try again in a moment.")

    @asynccontextmanager
    async def _owning(self, kind: Kind) -> AsyncIterator[None]:
        """Holds, across processes, the right to ask for new keys."""
        try:
            file = self._path.with_suffix(".lock").open("w")
        except OSError as error:
            self._renewals.labels(kind, "failed").inc()
            raise Unavailable("The model server's keys cannot be renewed at the moment.") from error
        with file:
            await asyncio.to_thread(fcntl.flock, file, fcntl.LOCK_EX)
            yield


def _key(entry: dict[str, str]) -> Key:
    # Nine digits of fraction, which fromisoformat does not read on Python 3.10.
    whole_seconds = entry["expiration time"].rstrip("Z").partition(".")[0]
    expires = datetime.fromisoformat(whole_seconds).replace(tzinfo=timezone.utc)
    return Key(entry["key"], expires)
