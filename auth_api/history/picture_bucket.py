"""Pictures as objects of a bucket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine, Sequence
from pathlib import Path

from auth_api.history.pictures import KINDS, Pictures, PictureStore, name_of
from auth_api.storage.bucket import Bucket

_FOLDER = "pictures"


class PictureBucket(PictureStore):
    """Pictures under `pictures/` in a bucket. Each entry is written by itself, so that a slow
    request holds up no other entry.
    """

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket
        self._tasks: set[asyncio.Task[None]] = set()

    def write(self, media: str, pictures: Pictures, *, early: bool = False) -> asyncio.Future[None]:
        return self._start(self._write(media, pictures))

    async def finish(self) -> None:
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def read_all(self, names: Sequence[tuple[str, str]]) -> list[bytes | None]:
        return await asyncio.gather(*(self._bucket.get(_key(*name)) for name in names))

    async def delete(self, medias: Sequence[str]) -> None:
        await self._bucket.delete([_key(media, kind) for media in medias for kind in KINDS])

    async def older_than(self, seconds: float) -> AsyncIterator[Sequence[str]]:
        last, youngest = "", 0.0
        async for page in self._bucket.listed(_FOLDER):
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
        files = [*folder.glob("[0-9]*/*")]
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

    def _start(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


def _key(media: str, kind: str) -> str:
    return f"{_FOLDER}/{name_of(media, kind)}"
