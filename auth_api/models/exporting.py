"""The download of a version's archive."""

from __future__ import annotations

from pathlib import Path

from starlette.requests import Request

from auth_api.audit import recording
from auth_api.database.database import Database
from auth_api.database.tables.models import ModelVersion
from auth_api.errors import NotFound
from auth_api.models.archives import Archives


async def exported(
    database: Database,
    archives: Archives,
    row: ModelVersion,
    user_id: int | None = None,
    request: Request | None = None,
) -> tuple[Path, str]:
    """Returns the path and the hexadecimal SHA-256 of an archive; writes to the audit log.

    Raises `NotFound`, `Unavailable`.
    """
    checksum = await archives.sha256(row.archive)
    if checksum is None:
        raise NotFound(f"The archive {row.archive} is not in the model store.", "archive_not_found")
    details = {"model": row.model, "version": row.version}
    await database.write(
        lambda session: recording.record(session, "model_exported", user_id, request, **details)
    )
    return archives.path(row.archive), checksum
