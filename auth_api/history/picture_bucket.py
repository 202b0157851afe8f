"""Pictures as objects of a bucket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from auth_api.database.columns import now
from auth_api.history.pictures import HOUR_FORMAT, KINDS, Pictures, PictureStore, name_of
from auth_api.storage.batches import in_batches
from auth_api.storage.bucket import Bucket

Result = TypeVar("Result")

_FOLDER = "pictures"
_MAX_LEFT = 100_000
# Folders of so many hours are listed each time. Of the others, each time those of two hours of a
# week, so that a clean-up which takes a little more than an hour leaves none out.
_RECENT_HOURS, _WEEK_HOURS, _HOURS_AT_A_TIME = 48, 168, 2


class PictureBucket(PictureStore):
    """Pictures under `pictures/` in a bucket. Each entry is written by itself, so that a slow
    request holds up no other entry.
    """

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket
        self._tasks: set[asyncio.Task[Any]] = set()
        # Those whose deletion has failed, or is under way.
        self._left: set[str] = set()

    def write(self, media: str, pictures: Pictures, *, early: bool = False) -> asyncio.Future[None]:
        return self._start(self._write(media, pictures))

    async def finish(self) -> None:
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def read_all(self, names: Sequence[tuple[str, str]]) -> list[bytes | None]:
        return await asyncio.gather(*(self._bucket.get(_key(*name)) for name in names))

    async def delete(self, medias: Sequence[str]) -> None:
        if len(self._left) < _MAX_LEFT:
            self._left.update(medias)
        await self._bucket.delete([_key(media, kind) for media in medias for kind in KINDS])
        self._left.difference_update(medias)

    async def older_than(
        self, seconds: float, *, whole: bool = True
    ) -> AsyncIterator[Sequence[str]]:
        async for left in in_batches(iter([*self._left])):
            yield left
        for folder in await self._bucket.folders(_FOLDER):
            hours = _hours_since(folder.rpartition("/")[2])
            if hours is not None and (whole or _is_due(hours)):
                async for medias in self._older_in(folder, seconds):
                    yield medias

    async def _older_in(self, folder: str, seconds: float) -> AsyncIterator[Sequence[str]]:
        last, youngest = "", 0.0
        async for page in self._bucket.listed(folder):
            found: list[str] = []
            for key, age in page:  # all pictures of an entry follow each other
                media = key.rpartition("/")[2].partition(".")[0]
                if media == last:
                    youngest = min(youngest, age)
                    continue
                if last and youngest >= seconds:
                    found.append(last)
                last, youngest = media, age
            yield found
        if last and youngest >= seconds:
            yield [last]

    async def tidy(self) -> None:
        """A bucket has no folders."""

    async def is_empty(self) -> bool:
        return await self._bucket.is_empty(_FOLDER)

    def adopt(self, folder: Path) -> None:
        for hour in folder.glob("[0-9]*"):
            files = [*hour.iterdir()]
            self._bucket.copy((f"{_FOLDER}/{path.relative_to(folder)}", path) for path in files)
            for path in files:
                path.unlink()

    async def _write(self, media: str, pictures: Pictures) -> None:
        writing = (self._bucket.put(_key(media, kind), each) for kind, each in pictures.items())
        for outcome in await asyncio.gather(*writing, return_exceptions=True):
            if isinstance(outcome, BaseException):
                # The caller does not wait for it.
                self._start(self.discard([media]))
                raise outcome

    def _start(self, work: Coroutine[Any, Any, Result]) -> asyncio.Task[Result]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


def _hours_since(folder: str) -> int | None:
    """The age of the folder of an hour; None if it is that of another program."""
    try:
        began = datetime.strptime(folder, HOUR_FORMAT).replace(tzinfo=UTC)
    except ValueError:
        return None
    return int((now() - began) / timedelta(hours=1))


def _is_due(hours: int) -> bool:
    """Whether a folder of this age is listed in this hour."""
    return hours < _RECENT_HOURS or hours % _WEEK_HOURS < _HOURS_AT_A_TIME


def _key(media: str, kind: str) -> str:
    return f"{_FOLDER}/{name_of(media, kind)}"
