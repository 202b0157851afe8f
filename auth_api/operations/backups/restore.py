"""Restores a backup. It is verified first, and then restored completely or not at all."""

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
from auth_api.operations.backups.backup import FORMAT, Manifest
from auth_api.operations.backups.files import Files, disk_errors
from auth_api.operations.backups.rows import advance_ids, is_empty, load_rows, tables_of

_MAX_MANIFEST_BYTES = 1024 * 1024


def verify_backup(source: BinaryIO, scratch: Path) -> Manifest:
    """Reads the whole backup and returns its manifest. Blocks.

    Raises `Damaged`, or `Conflict` if a newer version made it.
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


async def restore_backup(
    database: Database, files: Files, source: BinaryIO, manifest: Manifest, *, replace: bool
) -> int:
    """Replaces all rows by those of a verified backup, and adds its files; returns their number.

    With `replace`, old images stay as orphans until the clean-up removes them. Without it, raises
    `Conflict` if the service has data. Also raises `Damaged`, `OSError` or `Unavailable`. After an
    error nothing has changed.
    """
    if not replace:
        await _require_empty(database, files)
    await asyncio.to_thread(files.discard)
    try:
        staged = await asyncio.to_thread(_stage, files, source, replace)
        await database.rebuild(lambda session: _load(session, source, manifest, files))
    finally:
        await asyncio.to_thread(files.discard)
    return staged


async def _require_empty(database: Database, files: Files) -> None:
    if not await database.read(lambda session: is_empty(session.connection())):
        raise Conflict("The database is not empty.", "not_empty")
    await files.require_empty()


def _manifest(member: Member) -> Manifest:
    try:
        return Manifest.model_validate_json(member.content.read(_MAX_MANIFEST_BYTES))
    except ValidationError as error:
        raise Damaged(f"its {MANIFEST} cannot be read") from error


def _stage(files: Files, source: BinaryIO, replace: bool) -> int:
    count = 0
    for member in members(source):
        if member.name in {MANIFEST, SUMS} or member.name.startswith("tables/"):
            continue
        if member.name == SECRET and files.secret is None:
            continue  # the settings hold the secret
        files.stage(member, replace)
        count += member.name != SECRET
    return count


def _load(session: Session, source: BinaryIO, manifest: Manifest, files: Files) -> None:
    empty(session)
    upgrade(session, manifest.revision)
    connection = session.connection()
    tables = tables_of(connection)
    table_members = _table_members(source)
    if [table.name for table in tables] != list(manifest.rows):
        raise Damaged("its tables are not those of its revision")
    for table in tables:
        member = next(table_members, None)
        if member is None or member.name != f"tables/{table.name}.jsonl":
            raise Damaged(f"it lacks the table {table.name}")
        if load_rows(connection, table, member) != manifest.rows[table.name]:
            raise Damaged(f"the table {table.name} has not as many rows as the manifest says")
    advance_ids(connection, tables, manifest.numbers)
    upgrade(session)
    made_at = manifest.made_at.isoformat()
    recording.record(session, "backup_restored", None, made_at=made_at, revision=manifest.revision)
    session.flush()
    with disk_errors():
        files.place()


def _table_members(source: BinaryIO) -> Iterator[Member]:
    return (member for member in members(source) if member.name.startswith("tables/"))
