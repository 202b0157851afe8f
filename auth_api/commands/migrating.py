"""`migrate`: before the service is started what it would do at its start."""

from __future__ import annotations

import argparse
from typing import Any

from auth_api.commands.output import Output
from auth_api.services import Services


def add_to(chosen: Any, common: argparse.ArgumentParser) -> None:
    """Adds the command."""
    migrating = chosen.add_parser(
        "migrate", parents=[common], help="brings the database to this version, or waits for it"
    )
    migrating.set_defaults(command=_migrate)


async def _migrate(services: Services, options: argparse.Namespace, output: Output) -> None:
    # Every command finds the database migrated.
    revision = await services.database.revision()
    output.done(f"The database is at revision {revision}.", {"revision": revision})
