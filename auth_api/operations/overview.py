"""An overview of the service for administrators.

Its cost grows with the numbers of users and stored jobs and with one month of feedback. Volumes
come from stored counts, not from the history. The size of the history's images is not included,
because the sum would need every file. The space on their disk is included instead.
"""

from __future__ import annotations

import asyncio
import platform
import shutil
from datetime import timedelta
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Any, get_args

from sqlalchemy import case, func, select, text
from sqlalchemy.orm import Session
from sqlmodel import col

from auth_api.authorisation.access import ROLES
from auth_api.database.columns import now
from auth_api.database.database import Database
from auth_api.database.tables.accounts import User
from auth_api.database.tables.history import Feedback
from auth_api.database.tables.jobs import Job, State
from auth_api.usage.analytics import volume
from auth_api.usage.counters import EVER

_MONTH = timedelta(days=30)
_LIBRARIES = ("starlette", "sqlalchemy", "pydantic")
_SIZE_AND_VERSION = {
    "sqlite": (
        "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size",
        "SELECT sqlite_version()",
    ),
    "postgresql": (
        "SELECT pg_database_size(current_database())",
        "SELECT current_setting('server_version')",
    ),
}


async def overview(database: Database, media_dir: Path) -> dict[str, Any]:
    """The body of `StatsAnswer` without the start time. Raises `Unavailable`."""
    found = await database.read(partial(_stored, database=database))
    found["storage"] |= await asyncio.to_thread(_disk, media_dir)
    found["software"] |= _libraries()
    return found


def _stored(session: Session, *, database: Database) -> dict[str, Any]:
    moment = now()
    today = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    kind = "sqlite" if database.is_sqlite else "postgresql"
    size, version = (session.scalar(text(statement)) for statement in _SIZE_AND_VERSION[kind])
    return {
        "users": _users(session, moment - _MONTH),
        "volume": {
            "today": volume(session, today, "day"),
            "total": volume(session, EVER, "ever"),
        },
        "jobs": _jobs(session),
        "feedback": {
            "today": _feedback(session, today),
            "last_30_days": _feedback(session, moment - _MONTH),
        },
        "storage": {"database": size},
        "software": {"database": f"{kind} {version}"},
    }


def _disk(folder: Path) -> dict[str, int]:
    """Size and free space of a folder's disk, in bytes. Blocks.

    A folder that does not exist yet counts as its nearest existing parent.
    """
    existing = next(path for path in (folder, *folder.resolve().parents) if path.is_dir())
    usage = shutil.disk_usage(existing)
    return {"media_disk_total": usage.total, "media_disk_free": usage.free}


def _libraries() -> dict[str, str]:
    return {
        "python": platform.python_version(),
        **{name: metadata.version(name) for name in _LIBRARIES},
    }


def _users(session: Session, month_ago: Any) -> dict[str, Any]:
    query = select(
        col(User.role),
        func.count(),
        func.sum(case((col(User.active), 1), else_=0)),
        func.sum(case((col(User.created_at) >= month_ago, 1), else_=0)),
    ).group_by(col(User.role))
    rows = [tuple(row) for row in session.execute(query)]
    by_role = {role: total for role, total, _, _ in rows}
    return {
        "total": sum(row[1] for row in rows),
        "active": sum(row[2] for row in rows),
        "new": sum(row[3] for row in rows),
        "by_role": {role: by_role.get(role, 0) for role in ROLES},
    }


def _jobs(session: Session) -> dict[str, int]:
    query = select(col(Job.state), func.count()).group_by(col(Job.state))
    found = dict(session.execute(query).tuples().all())
    return {state: found.get(state, 0) for state in get_args(State)}


def _feedback(session: Session, since: Any) -> int:
    query = select(func.count()).where(col(Feedback.created_at) >= since)
    return session.scalar(query) or 0
