"""Writes a backup while the service runs: one snapshot of the rows, then the files they name."""

from __future__ import annotations

import asyncio
import io
import os
import tempfile
from contextlib import ExitStack, closing
from datetime import datetime
from functools import partial
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
from auth_api.operations.backups.archive import MANIFEST, SECRET, Writer
from auth_api.operations.backups.files import Files, Spool
from auth_api.operations.backups.rows import Row, last_ids, tables_of, write_rows

FORMAT = 1


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
        return await asyncio.to_thread(_write, writer, manifest, tables, names, files)


class _FileNames:
    """The names of files that rows refer to, one a line."""

    def __init__(self, pictures: Spool, uploads: Spool) -> None:
        self.pictures = pictures
        self.uploads = uploads

    def add_row(self, table: str, row: Row) -> None:
        """Adds the files of a row."""
        if table in {"predictions", "comparisons"}:
            self.pictures.write(f"{row['media']}\n".encode())
        elif table == "jobs" and row["input"] and row["state"] in UNFINISHED:
            self.uploads.write(f"{row['input']}\n".encode())


def _write(
    writer: Writer, manifest: Manifest, tables: dict[str, Spool], names: _FileNames, files: Files
) -> BackupResult:
    description = manifest.model_dump_json(indent=2).encode()
    writer.add(MANIFEST, io.BytesIO(description), len(description))
    if manifest.secret and files.secret:
        _add(writer, SECRET, files.secret)
    for name, spool in tables.items():
        size = spool.file.tell()
        spool.file.seek(0)
        writer.add(f"tables/{name}.jsonl", spool.file, size)
        spool.close()
    before, gone = writer.members, 0
    names.pictures.file.seek(0)
    for line in names.pictures.file:
        added = [_add(writer, *each) for each in files.pictures(line.decode().rstrip())]
        gone += not any(added)
    names.uploads.file.seek(0)
    for line in names.uploads.file:
        _add(writer, *files.upload(line.decode().rstrip()))
    for name, path in files.models():
        _add(writer, name, path)
    result = BackupResult(manifest=manifest, files=writer.members - before, gone=gone)
    writer.close()
    return result


def _add(writer: Writer, name: str, path: Path) -> bool:
    """Adds a file; returns False if it does not exist."""
    try:
        file = path.open("rb")
    except FileNotFoundError:
        return False
    with file:
        writer.add(name, file, os.fstat(file.fileno()).st_size)
    return True
