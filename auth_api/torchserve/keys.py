"""TorchServe's tokens: reads them from its key file and renews them before they expire.

TorchServe writes `key_file.json` into its working directory: a key for inference and one for
management, each with an expiry, and an API key that authorises renewals. A renewal invalidates the
old key at once and rewrites the file in place. After a rejection a process therefore reads the file
again. Only the process that holds a lock on the file next to it requests a new key.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Literal, NamedTuple, get_args

from auth_api.errors import Unavailable, Unreachable
from auth_api.observability.metrics import Metrics
from auth_api.torchserve.endpoint import Endpoint

logger = logging.getLogger(__name__)

Kind = Literal["inference", "management"]

_RENEW_BEFORE = timedelta(minutes=2)
# Seconds between checks of the expiry, and between attempts to read a half-written file.
_CHECK_SECONDS = 5.0
_READ_RETRY_SECONDS = 0.02
_READ_ATTEMPTS = 50


class Key(NamedTuple):
    token: str
    expires: datetime


class KeyFile:
    """The keys of one TorchServe. Several processes may share one key file."""

    def __init__(self, path: Path, management: Endpoint, metrics: Metrics) -> None:
        self._path = path
        self._management = management
        self._renewals = metrics.key_renewals
        self._keys: dict[Kind, Key] = {}
        self._api_key = ""
        self._checked_at = 0.0
        self._lock = asyncio.Lock()

    async def token(self, kind: Kind) -> str:
        """Returns the current token; renews it if it expires within two minutes.

        Raises `Unavailable` if the file cannot be read, because TorchServe is not running then.
        """
        if kind not in self._keys:
            await self._read()
        now = time.monotonic()
        if now - self._checked_at > _CHECK_SECONDS:
            self._checked_at = now
            if self._keys[kind].expires - datetime.now(UTC) < _RENEW_BEFORE:
                return await self.renew(kind, self._keys[kind].token)
        return self._keys[kind].token

    async def renew(self, kind: Kind, rejected: str) -> str:
        """Returns a token other than `rejected`: the one in the file if another process renewed it
        already, else a new one.

        Raises `Unavailable`.
        """
        async with self._lock:
            if self._keys[kind].token != rejected:
                return self._keys[kind].token
            async with self._renewal_lock(kind):
                await self._read()
                if self._keys[kind].token == rejected:
                    await self._request_key(kind)
                    await self._read()
            return self._keys[kind].token

    async def _request_key(self, kind: Kind) -> None:
        logger.info("renewing TorchServe's %s key", kind)
        headers = {"Authorization": f"Bearer {self._api_key}"}
        try:
            response = await self._management.request("GET", f"/token?type={kind}", headers)
            if response.status != HTTPStatus.OK:
                raise Unavailable("The model server gave no new key. Please try again.")
        except Unavailable:
            self._renewals.labels(kind, "failed").inc()
            raise
        self._renewals.labels(kind, "succeeded").inc()

    async def _read(self) -> None:
        for _ in range(_READ_ATTEMPTS):
            try:
                content = json.loads(self._path.read_text())
                keys = {kind: _key(content[kind]) for kind in get_args(Kind)}
                self._keys, self._api_key = keys, content["API"]["key"]
                return
            except OSError:
                break  # the file does not exist yet, or is not readable for us
            except (ValueError, KeyError):  # TorchServe is writing it
                await asyncio.sleep(_READ_RETRY_SECONDS)
        raise Unreachable("The model server is starting. Please try again in a moment.")

    @asynccontextmanager
    async def _renewal_lock(self, kind: Kind) -> AsyncIterator[None]:
        """Locks out the other processes while this one requests a key."""
        try:
            file = self._path.with_suffix(".lock").open("w")
        except OSError as error:
            self._renewals.labels(kind, "failed").inc()
            raise Unavailable("The model server's keys cannot be renewed at the moment.") from error
        with file:
            await asyncio.to_thread(fcntl.flock, file, fcntl.LOCK_EX)
            yield


def _key(entry: dict[str, str]) -> Key:
    return Key(entry["key"], datetime.fromisoformat(entry["expiration time"]))
