"""Alembic's entry point, within a transaction of `Database` or from Alembic's command line."""

from __future__ import annotations

import asyncio

from alembic import context
from sqlalchemy import Connection

from auth_api.database.tables import METADATA


def run(connection: Connection) -> None:
    """Migrates the schema of `connection` to the requested revision."""
    context.configure(
        connection=connection,
        target_metadata=METADATA,
        render_as_batch=True,
        user_module_prefix="tables.",
    )
    with context.begin_transaction():
        context.run_migrations()


async def run_from_command_line() -> None:
    """Serves `alembic revision --autogenerate` on the database of the settings."""
    from auth_api.database.database import Database
    from auth_api.settings import Settings

    database = Database(Settings())
    await database.write(lambda session: run(session.connection()))
    await database.aclose()


if connection := context.config.attributes.get("connection"):
    run(connection)
else:
    asyncio.run(run_from_command_line())
