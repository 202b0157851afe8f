"""What lies beside the database: where it is, and how all of it is put there at once.

A file is written into a folder `restoring` on the disk that it belongs to, and takes its place by
being renamed when the rows that name it are about to be committed.
"""

from __future__ import annotations

import filecmp
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from auth_api.errors import Conflict
from auth_api.history.pictures import KINDS, PictureStore
from auth_api.jobs.input_files import InputFiles
from auth_api.operations.backups.archive import SECRET, Damaged, Member, is_name
from auth_api.settings import Settings

_STAGED = "restoring"
_PICTURES, _UPLOADS, _MODELS = "pictures/", "uploads/", "models/"
# Of the model store: archives with their checksums; weights with their cards and figures.
_TRAINED = (".mar", ".mar.sha256", ".safetensors", ".md", ".json")


@contextmanager
def disk() -> Iterator[None]:
    """Has what a disk refuses said of the file, where else it would be taken for a database that
    is away. Raises Conflict.
    """
    try:
        yield
    except OSError as error:
        where = error.filename or "A temporary file"
        raise Conflict(f"{where}: {error.strerror}.", "not_written") from error


class Spool:
    """A temporary file in a folder."""

    def __init__(self, folder: Path) -> None:
        """Raises Conflict, as `write` does."""
        with disk():
            folder.mkdir(0o700, parents=True, exist_ok=True)
            self.file: IO[bytes] = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115

    def write(self, content: bytes) -> None:
        """Adds to its end."""
        with disk():
            self.file.write(content)

    def close(self) -> None:
        """Closes it, and it is gone."""
        self.file.close()


class Files:
    """The files of one service."""

    def __init__(self, settings: Settings, storage: PictureStore, inputs: InputFiles) -> None:
        self._storage = storage
        self._inputs = inputs
        self._media = settings.media_dir
        self._store = settings.model_store
        self._data = settings.data_dir
        # `ranjana.mar` and the like are built anew from what comes with the source, or lies
        # beside them.
        self._built = {f"{name}{end}" for name in settings.models for end in _TRAINED[:2]}
        self.secret = None if settings.secret_key else settings.data_dir / SECRET
        """What tokens are signed with; None where the settings have it."""

    def pictures(self, media: str) -> Iterator[tuple[str, Path]]:
        """The members that the pictures of a row are, be they there or not."""
        for kind in KINDS:
            yield f"{_PICTURES}{media}.{kind}", self._storage.path_of(media, kind)

    def upload(self, name: str) -> tuple[str, Path]:
        """The member that the file of a job is."""
        return f"{_UPLOADS}{name}", self._inputs.path_of(name)

    def models(self) -> Iterator[tuple[str, Path]]:
        """The members that are in the model store. Raises Conflict for a name that none can
        have.
        """
        for path in sorted(self._store.glob("*")):
            if not path.name.endswith(_TRAINED) or path.name in self._built or not path.is_file():
                continue
            if not is_name(name := f"{_MODELS}{path.name}"):
                raise Conflict(f"{path} has a name that a backup cannot keep.", "name_not_kept")
            yield name, path

    def require_nothing_there(self) -> None:
        """Raises Conflict where there are pictures or uploads."""
        for folder in (*self._media.glob("[0-9]*"), self._media / "jobs"):
            if folder.is_dir() and any(folder.iterdir()):
                raise Conflict(f"There are files in {folder} already.", "not_empty")

    def stage(self, member: Member, replace: bool) -> None:
        """Writes a member beside its place. Raises Conflict, Damaged, or OSError."""
        root, target = self._place(member.name)
        staged = root / _STAGED / target.relative_to(root)
        staged.parent.mkdir(0o700, parents=True, exist_ok=True)
        mode = 0o644 if root == self._store else 0o600
        descriptor = os.open(staged, os.O_CREAT | os.O_EXCL | os.O_WRONLY, mode)
        with os.fdopen(descriptor, "wb") as file:
            shutil.copyfileobj(member.content, file)
        in_the_way = member.name != SECRET and not replace and target.exists()
        if in_the_way and not filecmp.cmp(staged, target, shallow=False):
            raise Conflict(f"There is another {target} already.", "not_empty")

    def place(self) -> None:
        """Puts all that is staged into its place, on the disk for good. Raises OSError."""
        os.sync()
        for root in self._roots():
            staged = root / _STAGED
            for folder, _, names in os.walk(staged):
                target = root / Path(folder).relative_to(staged)
                target.mkdir(0o700, parents=True, exist_ok=True)
                for name in names:
                    os.replace(Path(folder) / name, target / name)
        os.sync()

    def discard(self) -> None:
        """Removes what is staged, or was by a process that died. Raises OSError."""
        for root in self._roots():
            with suppress(FileNotFoundError):
                shutil.rmtree(root / _STAGED)

    def _roots(self) -> tuple[Path, ...]:
        return self._media, self._store, self._data

    def _place(self, name: str) -> tuple[Path, Path]:
        """Below which folder a member belongs, and where there. Raises Damaged."""
        kind, _, rest = name.rpartition("/")
        if name == SECRET:
            return self._data, self._data / SECRET
        if kind == "pictures" and (parts := rest.split("."))[1] in KINDS:
            return self._media, self._storage.path_of(*parts)
        if kind == "uploads":
            return self._media, self._inputs.path_of(rest)
        if kind == "models":
            return self._store, self._store / rest
        raise Damaged(f"nothing is known of {name}")
