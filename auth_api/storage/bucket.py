"""A bucket of an S3-compatible store, with a time limit on every call.

Objects are private: nothing here gives anybody a URL. Names are relative to the prefix of
`STORAGE_URL`.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING, TypeVar

import obstore
from obstore.exceptions import BaseError
from obstore.store import S3Store

from auth_api.database.columns import now
from auth_api.errors import Unavailable
from auth_api.settings import Settings
from auth_api.storage.failures import reason_of, sentence_of
from auth_api.storage.opening import UnusableBucket

if TYPE_CHECKING:
    from obstore.store import S3Config

Result = TypeVar("Result")

logger = logging.getLogger(__name__)

SECONDS = 5.0
"""A call takes no longer, with its retries and its wait for a connection."""

_CONNECT_SECONDS = 2
# One request: a list of names, a part of a large object.
_REQUEST_SECONDS = 15
_RETRIES = timedelta(seconds=10)
# Requests at a time of each process; large objects do not take the place of pictures.
_MAX_REQUESTS, _MAX_LARGE = 64, 8
# A part of a large object is in memory at a time, two of an upload.
_PART_BYTES = 8 * 1024 * 1024
_PARTS_AT_ONCE = 2
# Names in one request; S3 allows 1000.
_LISTED_AT_ONCE, _DELETED_AT_ONCE = 1000, 100
_COPIES_AT_ONCE = 16

_CODE_OF_ERRORS = "storage_unavailable"
_FAILURES = (BaseError, FileNotFoundError, TimeoutError)


class Bucket:
    """The part of a bucket that is below a prefix. All methods raise `Unavailable`."""

    def __init__(self, settings: Settings) -> None:
        self.url = settings.storage_url
        """`s3://bucket/prefix`."""
        name, _, prefix = settings.storage_url.removeprefix("s3://").partition("/")
        self._name = name
        secret = settings.aws_secret_access_key
        given = {
            "endpoint": settings.aws_endpoint_url,
            "region": settings.aws_region,
            "access_key_id": settings.aws_access_key_id,
            "secret_access_key": secret.get_secret_value() if secret else "",
        }
        # obstore looks for what is not given where Amazon's tools do.
        config: S3Config = {key: value for key, value in given.items() if value}  # type: ignore[assignment]
        self._store = S3Store(
            name,
            prefix=prefix or None,
            config=config,
            client_options={
                "allow_http": settings.aws_endpoint_url.startswith("http://"),
                "connect_timeout": timedelta(seconds=_CONNECT_SECONDS),
                "timeout": timedelta(seconds=_REQUEST_SECONDS),
            },
            retry_config={"max_retries": 3, "retry_timeout": _RETRIES},
        )
        self._slots = asyncio.Semaphore(_MAX_REQUESTS)
        self._large = asyncio.Semaphore(_MAX_LARGE)

    async def put(self, name: str, content: bytes) -> None:
        """Writes an object, whole or not at all."""
        await self._call("kept", partial(obstore.put_async, self._store, name, content))

    async def get(self, name: str) -> bytes | None:
        """An object, None if it does not exist."""

        async def read() -> bytes:
            answer = await obstore.get_async(self._store, name)
            return (await answer.bytes_async()).to_bytes()

        try:
            return await self._call("read", read)
        except FileNotFoundError:
            return None

    async def delete(self, names: Sequence[str]) -> None:
        """Deletes objects that may or may not exist."""
        for start in range(0, len(names), _DELETED_AT_ONCE):
            part = names[start : start + _DELETED_AT_ONCE]
            await self._call("deleted", partial(obstore.delete_async, self._store, part))

    async def listed(self, folder: str) -> AsyncIterator[list[tuple[str, float]]]:
        """Name and age in seconds of all objects of a folder, in order of their names."""
        objects = aiter(obstore.list(self._store, folder, chunk_size=_LISTED_AT_ONCE))
        while True:
            try:
                page = await self._call("listed", objects.__anext__, seconds=_REQUEST_SECONDS)
            except StopAsyncIteration:
                return
            moment = now()
            yield [
                (each["path"], (moment - each["last_modified"]).total_seconds()) for each in page
            ]

    async def folders(self, folder: str) -> list[str]:
        """The folders in a folder, in order of their names."""
        ask = partial(obstore.list_with_delimiter_async, self._store, folder)
        found = await self._call("listed", ask, seconds=_REQUEST_SECONDS)
        return sorted(found["common_prefixes"])

    async def is_empty(self, folder: str) -> bool:
        """Whether there is no object in a folder."""
        async for page in self.listed(folder):
            if page:
                return False
        return True

    async def upload(self, name: str, path: Path) -> None:
        """Writes an object with the content of a file of any size."""
        write = partial(
            obstore.put_async,
            self._store,
            name,
            path,
            chunk_size=_PART_BYTES,
            max_concurrency=_PARTS_AT_ONCE,
        )
        # Each part has the time limit of a request.
        await self._call("kept", write, seconds=None, slots=self._large)

    async def download(self, name: str, file: IO[bytes]) -> None:
        """Appends an object of any size to a file. Raises `FileNotFoundError`."""
        try:
            head = await self._call("read", partial(obstore.head_async, self._store, name))
        except FileNotFoundError:
            await self.get(name)  # raises `Unavailable` if it is the bucket that is missing
            raise
        for start in range(0, head["size"], _PART_BYTES):
            end = min(start + _PART_BYTES, head["size"])
            read = partial(obstore.get_range_async, self._store, name, start=start, end=end)
            part = await self._call("read", read, seconds=_REQUEST_SECONDS, slots=self._large)
            await asyncio.to_thread(file.write, part)

    def copy(self, files: Iterable[tuple[str, Path]]) -> None:
        """Writes objects with the contents of files. Blocks."""

        def write(file: tuple[str, Path]) -> None:
            name, path = file
            obstore.put(
                self._store,
                name,
                path,
                chunk_size=_PART_BYTES,
                max_concurrency=_PARTS_AT_ONCE,
            )

        try:
            with ThreadPoolExecutor(_COPIES_AT_ONCE) as pool:
                for _ in pool.map(write, files):
                    pass
        except _FAILURES as error:
            raise _unavailable("kept", error) from error

    async def check(self) -> None:
        """Writes, reads, lists and deletes an object.

        Raises `UnusableBucket` if that can only succeed with other settings, else `Unavailable`,
        whose cause is the reason.
        """
        name = f"start/{secrets.token_hex(8)}"
        try:
            async with asyncio.timeout(SECONDS):
                await obstore.put_async(self._store, name, b"start")
                await (await obstore.get_async(self._store, name)).bytes_async()
                await obstore.list(self._store, "start").collect_async()
                await obstore.delete_async(self._store, [name])
        except _FAILURES as error:
            reason = reason_of(error)
            if sentence := sentence_of(reason, self._name, self.url):
                raise UnusableBucket(sentence) from error
            raise Unavailable("The store does not answer.", _CODE_OF_ERRORS) from ConnectionError(
                reason
            )

    async def _call(
        self,
        done: str,
        call: Callable[[], Awaitable[Result]],
        *,
        seconds: float | None = SECONDS,
        slots: asyncio.Semaphore | None = None,
    ) -> Result:
        """Raises `FileNotFoundError` too, if an object does not exist."""
        try:
            async with asyncio.timeout(seconds), slots or self._slots:
                return await call()
        except FileNotFoundError as error:
            if "NoSuchBucket" not in str(error):
                raise
            raise _unavailable(done, error) from error
        except _FAILURES as error:
            raise _unavailable(done, error) from error


def _unavailable(done: str, error: Exception) -> Unavailable:
    logger.error("an object cannot be %s", done, extra={"reason": reason_of(error)})
    return Unavailable(
        f"The picture cannot be {done} at the moment. Please try again.", _CODE_OF_ERRORS
    )
