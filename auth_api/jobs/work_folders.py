"""Work folders: one a job, deleted when the job has ended. Trainings use them."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path


class WorkFolders:
    """The work folders in one folder, each named after the id of its job."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def of(self, job_id: int) -> Path:
        """The path of a job's folder, which may not exist."""
        return self._folder / str(job_id)

    async def delete(self, job_ids: Sequence[int]) -> None:
        """Deletes the folders of jobs with their content, if they exist."""
        for job_id in job_ids:
            await asyncio.to_thread(shutil.rmtree, self.of(job_id), ignore_errors=True)

    def older_than(self, seconds: float) -> Iterator[int]:
        """Ids of the jobs whose folder was last changed at least `seconds` ago; blocks."""
        for path in self._folder.glob("[0-9]*"):
            with suppress(FileNotFoundError):
                if path.name.isdecimal() and time.time() - path.stat().st_mtime >= seconds:
                    yield int(path.name)
