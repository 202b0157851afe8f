"""Folders of jobs that need one: what they work with, until they have ended."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path


class WorkFolders:
    """The folders under one folder, each named after the number of its job."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def of(self, job: int) -> Path:
        """Where the folder of a job is, or would be."""
        return self._folder / str(job)

    async def delete(self, jobs: Sequence[int]) -> None:
        """Deletes folders with all that is in them, as far as they are there."""

        def work() -> None:
            for job in jobs:
                shutil.rmtree(self.of(job), ignore_errors=True)

        await asyncio.to_thread(work)

    def older_than(self, seconds: float) -> Iterator[int]:
        """The jobs of the folders in which nothing was made so long; blocks."""
        if not self._folder.exists():
            return
        for path in self._folder.iterdir():
            with suppress(FileNotFoundError):
                if path.name.isdecimal() and time.time() - path.stat().st_mtime >= seconds:
                    yield int(path.name)
