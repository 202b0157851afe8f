"""Reads the model card, the evaluation figures and the checksum of an archive."""

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

_CHUNK_BYTES = 1024 * 1024
_CACHE_SIZE = 64
_T = TypeVar("_T")
# Errors that may be over in a moment: too many open files, no memory, an unreachable network file
# system.
_TEMPORARY_ERRORS = {errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EIO, errno.ESTALE}


class Archives:
    """The archives in one folder. A missing archive has no card, figures or checksum."""

    def __init__(self, store: Path) -> None:
        self.store = store

    def path(self, archive: str) -> Path:
        """The path of the file, whether it exists or not."""
        return self.store / archive

    async def card(self, archive: str) -> str | None:
        """Returns the model card in Markdown; None without one."""
        content = await self._read(_card, archive)
        return content.decode(errors="replace") if content else None

    async def figures(self, archive: str) -> dict[str, Any] | None:
        """Returns the evaluation figures that `archive_scripts.evaluation.figures` wrote.

        None if there are none or they are malformed. Do not change the result: it is cached.
        """
        return await self._read(_figures, archive)

    async def sha256(self, archive: str) -> str | None:
        """Returns the checksum of the file in hexadecimal; None if the file cannot be read.

        Raises `Unavailable` if it may become readable in a moment.
        """
        try:
            return await self._cached(_sha256, archive)
        except OSError as error:
            if error.errno in _TEMPORARY_ERRORS:
                raise Unavailable("The model store cannot be read at the moment.") from error
            return None

    async def _read(self, read: Callable[[Path, int, int], _T | None], archive: str) -> _T | None:
        try:
            return await self._cached(read, archive)
        except OSError:
            return None

    async def _cached(self, read: Callable[[Path, int, int], _T], archive: str) -> _T:
        """Calls `read` in a thread. Its cache keeps results, not exceptions. Raises `OSError`."""
        path = self.path(archive)
        found = path.stat()
        return await asyncio.to_thread(read, path, found.st_mtime_ns, found.st_size)


class _Evaluation(BaseModel):
    """The figures that the service itself uses; the others may have any form."""

    data: str | None = None
    pictures: int | None = None
    per_class: list[dict[str, Any]] | None = None
    confusion: list[list[int]] | None = None
    roc: Curves | None = None


def stated_sha256(archive: Path) -> str | None:
    """Returns the checksum in the file beside an archive, written by `sha256sum`; else None."""
    try:
        line = archive.with_name(f"{archive.name}.sha256").read_text(errors="replace")
    except OSError:
        return None
    digest, _, name = line.strip().partition("  ")
    return digest.lower() if name in {archive.name, f"*{archive.name}", ""} else None


def sha256_of(path: Path) -> str:
    """Returns the checksum of a file in hexadecimal; blocks. Raises `OSError`."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def read_member(path: Path, name: str) -> bytes | None:
    """Returns a member of an archive; None if it is missing or damaged. Blocks.

    Raises `OSError` if the file cannot be read.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.read(name)
    except OSError:
        raise
    except Exception:  # zipfile and its decompressors raise many kinds
        return None


# The time of the last change and the size belong to the cache key, so that a new file of the same
# name is read again.


@lru_cache(_CACHE_SIZE)
def _sha256(path: Path, _changed: int, _size: int) -> str:
    return sha256_of(path)


@lru_cache(_CACHE_SIZE)
def _card(path: Path, _changed: int, _size: int) -> bytes | None:
    return read_member(path, CARD)


@lru_cache(_CACHE_SIZE)
def _figures(path: Path, _changed: int, _size: int) -> dict[str, Any] | None:
    content = read_member(path, FIGURES)
    if content is None:
        return None
    try:
        _Evaluation.model_validate_json(content, strict=True)
        found: dict[str, Any] = json.loads(content)
        # An answer cannot contain NaN, infinities or lone surrogates.
        json.dumps(found, allow_nan=False, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return None
    return found
