"""A backup, made while the service runs: the rows of one moment, then the files that they name."""

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
from auth_api.operations.backups.rows import Row, last_numbers, tables_of, write_rows

FORMAT = 1


class Manifest(BaseModel):
    """What a backup says of itself."""

    format: int
    made_at: datetime
    service: str
    """Version of what made it."""
    revision: str
    """Of the schema that the rows have."""
    secret: bool
    """Whether it has what tokens are signed with."""
    rows: dict[str, int] = Field(default_factory=dict)
    """By table, in the order in which they can be filled."""
    numbers: dict[str, int] = Field(default_factory=dict)
    """The last that each table has given a row."""


class Made(BaseModel):
    """What came of a backup."""

    manifest: Manifest
    files: int
    """Pictures, uploads and files of models."""
    gone: int
    """Rows without a picture: deleted while the backup was made, or lost before."""


async def make(
    database: Database, files: Files, target: IO[bytes], scratch: Path, *, secret: bool
) -> Made:
    """Writes a backup to `target`. `scratch` is a folder with room for all rows.

    With `secret` it has what tokens are signed with, unless the settings have that. Raises
    Conflict, OSError or Unavailable.
    """
    secret = secret and files.secret is not None
    await database.write(
        lambda transaction: recording.record(transaction, "backup_made", None, secret=secret)
    )
    with ExitStack() as spools:
        named = _Named(*(spools.enter_context(closing(Spool(scratch))) for _ in range(2)))
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
            found = tables_of(connection)
            for table in found:
                spool = spools.enter_context(closing(Spool(scratch)))
                tables[table.name] = spool
                see = partial(named.see, table.name)
                manifest.rows[table.name] = write_rows(connection, table, spool.write, see)
            manifest.numbers = last_numbers(connection, found)
            return manifest

        manifest = await database.snapshot(read)
        writer = Writer(target, spools.enter_context(tempfile.TemporaryFile(dir=scratch)))
        return await asyncio.to_thread(_write, writer, manifest, tables, named, files)


class _Named:
    """The names of files that rows have, a line each."""

    def __init__(self, pictures: Spool, uploads: Spool) -> None:
        self.pictures = pictures
        self.uploads = uploads

    def see(self, table: str, row: Row) -> None:
        """Notes which files a row names."""
        if table in {"predictions", "comparisons"}:
            self.pictures.write(f"{row['media']}\n".encode())
        elif table == "jobs" and row["input"] and row["state"] in UNFINISHED:
            self.uploads.write(f"{row['input']}\n".encode())


def _write(
    writer: Writer, manifest: Manifest, tables: dict[str, Spool], named: _Named, files: Files
) -> Made:
    said = manifest.model_dump_json(indent=2).encode()
    writer.add(MANIFEST, io.BytesIO(said), len(said))
    if manifest.secret and files.secret:
        _add(writer, SECRET, files.secret)
    for name, spool in tables.items():
        size = spool.file.tell()
        spool.file.seek(0)
        writer.add(f"tables/{name}.jsonl", spool.file, size)
        spool.close()
    before, gone = writer.members, 0
    named.pictures.file.seek(0)
    for line in named.pictures.file:
        found = [_add(writer, *each) for each in files.pictures(line.decode().rstrip())]
        gone += not any(found)
    named.uploads.file.seek(0)
    for line in named.uploads.file:
        _add(writer, *files.upload(line.decode().rstrip()))
    for name, path in files.models():
        _add(writer, name, path)
    made = Made(manifest=manifest, files=writer.members - before, gone=gone)
    writer.close()
    return made


def _add(writer: Writer, name: str, path: Path) -> bool:
    """Whether the file was there."""
    try:
        file = path.open("rb")
    except FileNotFoundError:
        return False
    with file:
        writer.add(name, file, os.fstat(file.fileno()).st_size)
    return True
