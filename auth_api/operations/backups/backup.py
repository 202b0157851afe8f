"""Writes a backup while the service runs: one snapshot of the rows, then the files they name."""

from __future__ import annotations

import asyncio
import io
import os
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack, closing, suppress
from datetime import datetime
from functools import partial
from itertools import islice
from pathlib import Path
from typing import IO

from pydantic import BaseModel, Field
from sqlalchemy import text
from sqlalchemy.orm import Session

from auth_api import VERSION
from auth_api.audit import recording
from auth_api.database.columns import now
from auth_api.database.database import Database
from auth_api.database.tables.jobs import UNFINISHED
from auth_api.history.pictures import COMPARISON_KINDS, PREDICTION_KINDS
from auth_api.operations.backups.archive import MANIFEST, SECRET, Writer
from auth_api.operations.backups.files import Files, Spool
from auth_api.operations.backups.rows import Row, last_ids, tables_of, write_rows

FORMAT = 1

_KINDS = {"predictions": PREDICTION_KINDS, "comparisons": COMPARISON_KINDS}
# Their pictures, of up to 10 MB each, are in memory together.
_ENTRIES_AT_ONCE = 8


class Manifest(BaseModel):
    """The description of a backup, its first member."""

    format: int
    made_at: datetime
    service: str
    """Version of the service that made it."""
    revision: str
    """Schema revision of the rows."""
    secret: bool
    """Whether it contains the signing secret."""
    rows: dict[str, int] = Field(default_factory=dict)
    """Numbers of rows by table, in an order in which the tables can be filled."""
    numbers: dict[str, int] = Field(default_factory=dict)
    """Highest row id that each table has ever used."""


class BackupResult(BaseModel):
    """The contents of a new backup."""

    manifest: Manifest
    files: int
    """Number of images, uploads and model files."""
    gone: int
    """Number of rows without an image, which was deleted during the backup or lost before."""


async def create_backup(
    database: Database, files: Files, target: IO[bytes], scratch: Path, *, secret: bool
) -> BackupResult:
    """Writes a backup to `target`. `scratch` is a folder with space for all rows.

    `secret` includes the signing secret, unless the settings hold it. Raises `Conflict`, `OSError`
    or `Unavailable`.
    """
    secret = secret and files.secret is not None
    await database.write(
        lambda transaction: recording.record(transaction, "backup_made", None, secret=secret)
    )
    with ExitStack() as spools:
        names = _FileNames(*(spools.enter_context(closing(Spool(scratch))) for _ in range(2)))
        tables: dict[str, Spool] = {}

        def read(session: Session) -> Manifest:
            connection = session.connection()
            revision = connection.execute(text("SELECT version_num FROM alembic_version"))
            manifest = Manifest(
                format=FORMAT,
                made_at=now(),
                service=VERSION,
                revision=revision.scalar_one(),
                secret=secret,
            )
            ordered = tables_of(connection)
            for table in ordered:
                spool = spools.enter_context(closing(Spool(scratch)))
                tables[table.name] = spool
                on_row = partial(names.add_row, table.name)
                manifest.rows[table.name] = write_rows(connection, table, spool.write, on_row)
            manifest.numbers = last_ids(connection, ordered)
            return manifest

        manifest = await database.snapshot(read)
        writer = Writer(target, spools.enter_context(tempfile.TemporaryFile(dir=scratch)))
        return await _write(writer, manifest, tables, names, files)


class _FileNames:
    """The names of files that rows refer to, one a line: tables and media, and uploads."""

    def __init__(self, pictures: Spool, uploads: Spool) -> None:
        self.pictures = pictures
        self.uploads = uploads

    def add_row(self, table: str, row: Row) -> None:
        """Adds the files of a row."""
        if table in _KINDS:
            self.pictures.write(f"{table} {row['media']}\n".encode())
        elif table == "jobs" and row["input"] and row["state"] in UNFINISHED:
            self.uploads.write(f"{row['input']}\n".encode())


async def _write(
    writer: Writer, manifest: Manifest, tables: dict[str, Spool], names: _FileNames, files: Files
) -> BackupResult:
    await asyncio.to_thread(_write_rows, writer, manifest, tables, files.secret)
    before = writer.members
    gone = await _write_pictures(writer, names.pictures.file, files)
    await _write_uploads(writer, names.uploads.file, files)
    await asyncio.to_thread(_write_models, writer, files)
    result = BackupResult(manifest=manifest, files=writer.members - before, gone=gone)
    await asyncio.to_thread(writer.close)
    return result


def _write_rows(
    writer: Writer, manifest: Manifest, tables: dict[str, Spool], secret: Path | None
) -> None:
    description = manifest.model_dump_json(indent=2).encode()
    writer.add(MANIFEST, io.BytesIO(description), len(description))
    if manifest.secret and secret:
        with suppress(FileNotFoundError), secret.open("rb") as file:
            _add(writer, SECRET, file)
    for name, spool in tables.items():
        size = spool.file.tell()
        spool.file.seek(0)
        writer.add(f"tables/{name}.jsonl", spool.file, size)
        spool.close()


async def _write_pictures(writer: Writer, names: IO[bytes], files: Files) -> int:
    """Returns the number of entries without a picture."""

    def add(pictures: Sequence[tuple[str, bytes]]) -> None:
        for name, content in pictures:
            writer.add(name, io.BytesIO(content), len(content))

    gone = 0
    names.seek(0)
    while lines := await asyncio.to_thread(lambda: list(islice(names, _ENTRIES_AT_ONCE))):
        entries = [line.decode().split() for line in lines]
        found = await files.pictures(
            [(media, kind) for table, media in entries for kind in _KINDS[table]]
        )
        await asyncio.to_thread(add, [(name, content) for _, name, content in found])
        gone += len(entries) - len({media for media, _, _ in found})
    return gone


async def _write_uploads(writer: Writer, names: IO[bytes], files: Files) -> None:
    names.seek(0)
    for line in names:
        with suppress(FileNotFoundError):  # the job has ended in the meantime
            async with files.upload(line.decode().rstrip()) as (name, file):
                await asyncio.to_thread(_add, writer, name, file)


def _write_models(writer: Writer, files: Files) -> None:
    for name, path in files.models():
        with suppress(FileNotFoundError), path.open("rb") as file:
            _add(writer, name, file)


def _add(writer: Writer, name: str, file: IO[bytes]) -> None:
    """Adds an open file."""
    file.seek(0)
    writer.add(name, file, os.fstat(file.fileno()).st_size)
