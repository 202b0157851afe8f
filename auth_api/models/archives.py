"""What an archive of the model store says about itself: its card, its figures, its checksum."""

from __future__ import annotations

import asyncio
import errno
import hashlib
import json
import zipfile
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel

from auth_api.errors import Unavailable
from auth_api.schemas.models import Curves

MANIFEST = "MAR-INF/MANIFEST.json"
CARD = "card.md"
FIGURES = "evaluation.json"

_CHUNK = 1024 * 1024
_REMEMBERED = 64
_T = TypeVar("_T")
# What is otherwise in a moment: no files or memory left, a network file system that is away.
_PASSING = {errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EIO, errno.ESTALE}


class Archives:
    """The archives in one folder; those that are not there have neither card nor figures."""

    def __init__(self, store: Path) -> None:
        self.store = store

    def path(self, archive: str) -> Path:
        """Where the file is, or should be."""
        return self.store / archive

    async def card(self, archive: str) -> str | None:
        """The model card, Markdown."""
        content = await self._read(_card, archive)
        return content.decode(errors="replace") if content else None

    async def figures(self, archive: str) -> dict[str, Any] | None:
        """The figures of the evaluation, as `archive_scripts.evaluation.figures` writes them.

        None if they are malformed. It is cached: do not change it.
        """
        return await self._read(_figures, archive)

    async def sha256(self, archive: str) -> str | None:
        """The checksum of the file, in hexadecimal; None where there is none for this service.

        Raises Unavailable where there may be one that cannot be read at the moment.
        """
        try:
            return await self._remembered(_sha256, archive)
        except OSError as error:
            if error.errno in _PASSING:
                raise Unavailable("The model store cannot be read at the moment.") from error
            return None

    async def _read(self, read: Callable[[Path, int, int], _T | None], archive: str) -> _T | None:
        try:
            return await self._remembered(read, archive)
        except OSError:
            return None

    async def _remembered(self, read: Callable[[Path, int, int], _T], archive: str) -> _T:
        """What `read` finds, which remembers what it answers but not that it could not. Raises
        OSError.
        """
        path = self.path(archive)
        found = path.stat()
        return await asyncio.to_thread(read, path, found.st_mtime_ns, found.st_size)


class _Evaluation(BaseModel):
    """What answers rely on in figures; the rest may be anything."""

    data: str | None = None
    pictures: int | None = None
    per_class: list[dict[str, Any]] | None = None
    confusion: list[list[int]] | None = None
    roc: Curves | None = None


def stated_sha256(archive: Path) -> str | None:
    """The checksum in the file beside an archive, as `sha256sum` writes it; None if there is
    none.
    """
    try:
        line = archive.with_name(f"{archive.name}.sha256").read_text(errors="replace")
    except OSError:
        return None
    digest, _, name = line.strip().partition("  ")
    return digest.lower() if name in {archive.name, f"*{archive.name}", ""} else None


def sha256_of(path: Path) -> str:
    """The checksum of a file, in hexadecimal; blocks. Raises OSError."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def read_member(path: Path, name: str) -> bytes | None:
    """A member of an archive, None without it or where that is damaged; blocks.

    Raises OSError where the file cannot be read at the moment.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.read(name)
    except OSError:
        raise
    except Exception:  # zipfile and its decompressors raise many kinds
        return None


# Files are remembered by when they were changed and their size too: another one of the same name
# is read anew.


@lru_cache(_REMEMBERED)
def _sha256(path: Path, _changed: int, _size: int) -> str:
    return sha256_of(path)


@lru_cache(_REMEMBERED)
def _card(path: Path, _changed: int, _size: int) -> bytes | None:
    return read_member(path, CARD)


@lru_cache(_REMEMBERED)
def _figures(path: Path, _changed: int, _size: int) -> dict[str, Any] | None:
    content = read_member(path, FIGURES)
    if content is None:
        return None
    try:
        _Evaluation.model_validate_json(content, strict=True)
        found: dict[str, Any] = json.loads(content)
        # As an answer is written: without numbers and letters that JSON and UTF-8 have not.
        json.dumps(found, allow_nan=False, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return None
    return found
