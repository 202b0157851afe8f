"""Queries of the audit log."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

from auth_api.audit.queries import AuditTrail
from auth_api.database.columns import now
from auth_api.database.database import Database
from auth_api.settings import Settings


def test_an_empty_log_has_no_entries_in_any_period(tmp_path: Path) -> None:
    async def entries() -> list[object]:
        database = Database(Settings(database_url=f"sqlite:///{tmp_path / 'ranjana.db'}"))
        trail = AuditTrail(since=now() - timedelta(days=1), until=now())
        try:
            await database.migrate()
            return [*await trail.page(database, 10, None)]
        finally:
            await database.aclose()

    assert asyncio.run(entries()) == []
