"""What an archive of the model store says about itself: its card, its figures, its checksum."""

from __future__ import annotations

import asyncio
import hashlib
import json
import zipfile
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

MANIFEST = "MAR-INF/MANIFEST.json"
CARD = "card.md"
FIGURES = "evaluation.json"

_CHUNK = 1024 * 1024
_REMEMBERED = 64


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
        """What an evaluation found, as `archive_scripts.evaluation` writes it."""
        content = await self._read(_figures, archive)
        if content is None:
            return None
        try:
            found = json.loads(content)
        except ValueError:
            return None
        return found if isinstance(found, dict) else None

    async def sha256(self, archive: str) -> str | None:
        """The checksum of the file, in hexadecimal."""
        stamp = _stamp(self.path(archive))
        return await asyncio.to_thread(_sha256, *stamp) if stamp else None

    async def _read(self, read: Callable[[Path, int, int], bytes | None], archive: str) -> Any:
        stamp = _stamp(self.path(archive))
        return await asyncio.to_thread(read, *stamp) if stamp else None


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


def _stamp(path: Path) -> tuple[Path, int, int] | None:
    """What a file is remembered by: another one of its name is read anew."""
    try:
        found = path.stat()
    except OSError:
        return None
    return path, found.st_mtime_ns, found.st_size


@lru_cache(_REMEMBERED)
def _sha256(path: Path, _changed: int, _size: int) -> str | None:
    try:
        return sha256_of(path)
    except OSError:
        return None


@lru_cache(_REMEMBERED)
def _card(path: Path, _changed: int, _size: int) -> bytes | None:
    return read_member(path, CARD)


@lru_cache(_REMEMBERED)
def _figures(path: Path, _changed: int, _size: int) -> bytes | None:
    return read_member(path, FIGURES)
