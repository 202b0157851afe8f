"""`migrate`: migrates the database, as the service does when it starts."""

from __future__ import annotations

import argparse
from typing import Any

from auth_api.commands.output import Output
from auth_api.services import Services


def add_to(commands: Any, common: argparse.ArgumentParser) -> None:
    parser = commands.add_parser(
        "migrate", parents=[common], help="migrates the database, or waits until it is migrated"
    )
    parser.set_defaults(command=_migrate)


async def _migrate(services: Services, options: argparse.Namespace, output: Output) -> None:
    # Opening the services has migrated the database.
    revision = await services.database.revision()
    output.done(f"The database is at revision {revision}.", {"revision": revision})
