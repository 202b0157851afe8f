"""The download of a version's archive."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from starlette.requests import Request

from auth_api.audit import recording
from auth_api.database.database import Database
from auth_api.database.tables.models import ModelVersion
from auth_api.errors import NotFound
from auth_api.models.archives import Archives


class Exported(NamedTuple):
    """A file of the model store."""

    path: Path
    sha256: str
    """Hexadecimal."""


async def exported(
    database: Database,
    archives: Archives,
    row: ModelVersion,
    user_id: int | None = None,
    request: Request | None = None,
) -> Exported:
    """Returns the archive of a version and notes the download in the audit log.

    Raises `NotFound`, `Unavailable`.
    """
    checksum = await archives.sha256(row.archive)
    if checksum is None:
        raise NotFound(f"The archive {row.archive} is not in the model store.", "archive_not_found")
    await database.write(
        lambda session: recording.record(
            session, "model_exported", user_id, request, model=row.model, version=row.version
        )
    )
    return Exported(archives.path(row.archive), checksum)
