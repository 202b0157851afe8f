"""Back from a backup: all of it checked first, then all of it there, or nothing changed."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from pydantic import ValidationError
from sqlalchemy.orm import Session

from auth_api.audit import recording
from auth_api.database.database import Database, empty, revisions, upgrade
from auth_api.errors import Conflict
from auth_api.operations.backups.archive import (
    MANIFEST,
    SECRET,
    SUMS,
    Damaged,
    Member,
    members,
    verify,
)
from auth_api.operations.backups.files import Files, disk
from auth_api.operations.backups.making import FORMAT, Manifest
from auth_api.operations.backups.rows import go_on_from, is_empty, load_rows, tables_of

_LONGEST_MANIFEST = 1024 * 1024


def checked(source: BinaryIO, scratch: Path) -> Manifest:
    """Reads all of a backup, and changes nothing; blocks. Raises Damaged, or Conflict for one of a
    newer version.
    """
    verify(source, scratch)
    manifest = _manifest(next(members(source)))
    if manifest.format > FORMAT or manifest.revision not in revisions():
        raise Conflict(
            f"The backup was made by a newer version of Ranjana ({manifest.service}, revision "
            f"{manifest.revision}): use that one.",
            "newer_backup",
        )
    return manifest


async def restore(
    database: Database, files: Files, source: BinaryIO, manifest: Manifest, *, replace: bool
) -> int:
    """Has the database and the folders hold what a `checked` backup has, and nothing that was there
    before; the pictures of that are strays, which the clean-up removes. Answers how many files
    there are.

    Raises Conflict where there is something and it is not to be replaced; Damaged, OSError or
    Unavailable. Nothing has changed then.
    """
    if not replace:
        await _require_nothing_there(database, files)
    await asyncio.to_thread(files.discard)
    try:
        staged = await asyncio.to_thread(_stage, files, source, replace)
        await database.rebuild(lambda session: _load(session, source, manifest, files))
    finally:
        await asyncio.to_thread(files.discard)
    return staged


async def _require_nothing_there(database: Database, files: Files) -> None:
    if not await database.read(lambda session: is_empty(session.connection())):
        raise Conflict("The database is not empty.", "not_empty")
    files.require_nothing_there()


def _manifest(member: Member) -> Manifest:
    try:
        return Manifest.model_validate_json(member.content.read(_LONGEST_MANIFEST))
    except ValidationError as error:
        raise Damaged(f"its {MANIFEST} is none") from error


def _stage(files: Files, source: BinaryIO, replace: bool) -> int:
    number = 0
    for member in members(source):
        if member.name in {MANIFEST, SUMS} or member.name.startswith("tables/"):
            continue
        if member.name == SECRET and files.secret is None:
            continue  # the settings have one
        files.stage(member, replace)
        number += member.name != SECRET
    return number


def _load(session: Session, source: BinaryIO, manifest: Manifest, files: Files) -> None:
    empty(session)
    upgrade(session, manifest.revision)
    connection = session.connection()
    tables = tables_of(connection)
    filled = _tables(source)
    if [table.name for table in tables] != list(manifest.rows):
        raise Damaged("its tables are not those of its revision")
    for table in tables:
        member = next(filled, None)
        if member is None or member.name != f"tables/{table.name}.jsonl":
            raise Damaged(f"it lacks the table {table.name}")
        if load_rows(connection, table, member) != manifest.rows[table.name]:
            raise Damaged(f"the table {table.name} has not as many rows as it says")
    go_on_from(connection, tables, manifest.numbers)
    upgrade(session)
    made_at = manifest.made_at.isoformat()
    recording.record(session, "backup_restored", None, made_at=made_at, revision=manifest.revision)
    session.flush()
    with disk():
        files.place()


def _tables(source: BinaryIO) -> Iterator[Member]:
    return (member for member in members(source) if member.name.startswith("tables/"))
