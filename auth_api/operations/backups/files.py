"""The files of a backup: where they are, and how a restore moves them into place at once.

A restored file is first written to a folder `restoring` on the same disk. It is renamed into its
place, or copied to the bucket of the pictures, just before the rows that name it are committed.
"""

from __future__ import annotations

import filecmp
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import IO

from auth_api.errors import Conflict
from auth_api.history.pictures import KINDS, PictureStore, name_of
from auth_api.jobs.input_files import InputFiles
from auth_api.operations.backups.archive import SECRET, Damaged, Member, is_name
from auth_api.settings import Settings

_STAGED, _JOBS = "restoring", "jobs"
_PICTURES, _UPLOADS, _MODELS = "pictures/", "uploads/", "models/"
# In the model store: archives with their checksums, weights with their cards and figures.
_SUFFIXES = (".mar", ".mar.sha256", ".safetensors", ".md", ".json")


@contextmanager
def disk_errors() -> Iterator[None]:
    """Turns an `OSError` into a `Conflict` that names the file.

    Inside a transaction it would otherwise count as an unreachable database.
    """
    try:
        yield
    except OSError as error:
        name = error.filename or "A temporary file"
        raise Conflict(f"{name}: {error.strerror}.", "not_written") from error


class Spool:
    """A temporary file in a folder."""

    def __init__(self, folder: Path) -> None:
        """Raises `Conflict` if the disk fails, as `write` does."""
        with disk_errors():
            folder.mkdir(0o700, parents=True, exist_ok=True)
            self.file: IO[bytes] = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115

    def write(self, content: bytes) -> None:
        """Appends `content`."""
        with disk_errors():
            self.file.write(content)

    def close(self) -> None:
        """Closes and deletes it."""
        self.file.close()


class Files:
    """The files of a service."""

    def __init__(self, settings: Settings, pictures: PictureStore, inputs: InputFiles) -> None:
        self._pictures = pictures
        self._inputs = inputs
        self._media = settings.media_dir
        self._place = settings.storage_url or settings.media_dir
        self._store = settings.model_store
        self._data = settings.data_dir
        # `ranjana.mar` and the like can be rebuilt from the source, or from weights beside them.
        self._built = {f"{name}{suffix}" for name in settings.models for suffix in _SUFFIXES[:2]}
        self.secret = None if settings.secret_key else settings.data_dir / SECRET
        """The file of the signing secret, None if the settings have the secret."""

    async def pictures(self, names: Sequence[tuple[str, str]]) -> list[tuple[str, str, bytes]]:
        """Media, member name and content of those images that exist, given as (media, kind)."""
        contents = await self._pictures.read_all(names)
        return [
            (media, f"{_PICTURES}{media}.{kind}", content)
            for (media, kind), content in zip(names, contents, strict=True)
            if content is not None
        ]

    @asynccontextmanager
    async def upload(self, name: str) -> AsyncIterator[tuple[str, IO[bytes]]]:
        """Member name and open file of a job. Raises `FileNotFoundError`, `Unavailable`."""
        async with self._inputs.opened(name) as source:
            yield f"{_UPLOADS}{name}", source.file

    def models(self) -> Iterator[tuple[str, Path]]:
        """Member name and path of each model file. Raises `Conflict` if a name is not allowed."""
        for path in sorted(self._store.glob("*")):
            if not path.name.endswith(_SUFFIXES) or path.name in self._built or not path.is_file():
                continue
            if not is_name(name := f"{_MODELS}{path.name}"):
                raise Conflict(f"{path} has a name that a backup cannot keep.", "name_not_kept")
            yield name, path

    async def require_empty(self) -> None:
        """Raises `Conflict` if there are images or uploads, and `Unavailable`."""
        if not (await self._pictures.is_empty() and await self._inputs.is_empty()):
            raise Conflict(f"There are pictures in {self._place} already.", "not_empty")

    def stage(self, member: Member, replace: bool) -> None:
        """Writes a member to the staging folder. Raises `Conflict`, `Damaged` or `OSError`."""
        root, target = self._destination(member.name)
        staged = root / _STAGED / target.relative_to(root)
        staged.parent.mkdir(0o700, parents=True, exist_ok=True)
        mode = 0o644 if root == self._store else 0o600
        descriptor = os.open(staged, os.O_CREAT | os.O_EXCL | os.O_WRONLY, mode)
        with os.fdopen(descriptor, "wb") as file:
            shutil.copyfileobj(member.content, file)
        conflicting = member.name != SECRET and not replace and target.exists()
        if conflicting and not filecmp.cmp(staged, target, shallow=False):
            raise Conflict(f"There is another {target} already.", "not_empty")

    def place(self) -> None:
        """Moves all staged files into place and syncs the disks.

        Blocks. Raises `OSError`, `Unavailable`.
        """
        os.sync()
        self._pictures.adopt(self._media / _STAGED)
        self._inputs.adopt(self._media / _STAGED / _JOBS)
        for root in (self._store, self._data):
            staged = root / _STAGED
            for folder, _, names in os.walk(staged):
                target = root / Path(folder).relative_to(staged)
                target.mkdir(0o700, parents=True, exist_ok=True)
                for name in names:
                    os.replace(Path(folder) / name, target / name)
        os.sync()

    def discard(self) -> None:
        """Removes staged files, also those of a crashed process. Raises `OSError`."""
        for root in self._roots():
            with suppress(FileNotFoundError):
                shutil.rmtree(root / _STAGED)

    def _roots(self) -> tuple[Path, ...]:
        return self._media, self._store, self._data

    def _destination(self, name: str) -> tuple[Path, Path]:
        """The root folder and the path of a member. Raises `Damaged`."""
        kind, _, rest = name.rpartition("/")
        if name == SECRET:
            return self._data, self._data / SECRET
        if kind == "pictures" and (parts := rest.split("."))[1] in KINDS:
            return self._media, self._media / name_of(*parts)
        if kind == "uploads":
            return self._media, self._media / _JOBS / rest
        if kind == "models":
            return self._store, self._store / rest
        raise Damaged(f"{name} is no known part of a backup")
