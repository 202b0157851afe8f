"""`audit`: lists and exports the audit log."""

from __future__ import annotations

import argparse
from datetime import datetime
from pathlib import Path
from typing import Any, get_args

from pydantic import ValidationError

from auth_api.audit.queries import COLUMNS, AuditTrail, shown
from auth_api.commands.files import atomic_write
from auth_api.commands.options import add_limit
from auth_api.commands.output import Output, counting_bar
from auth_api.database.tables.audit import Action
from auth_api.http.validation import number
from auth_api.schemas.administration import AuditFilter
from auth_api.services import Services


def add_to(commands: Any, common: argparse.ArgumentParser) -> None:
    """Adds the commands."""
    log = commands.add_parser("audit", help="lists and exports the audit log")
    verbs = log.add_subparsers(metavar="VERB", required=True)
    listing = verbs.add_parser("list", parents=[common], help="lists the newest entries")
    add_limit(listing)
    listing.set_defaults(command=_list)
    export = verbs.add_parser("export", parents=[common], help="writes it as CSV, newest first")
    export.add_argument("file", type=Path)
    export.set_defaults(command=_export)
    for verb in verbs.choices.values():
        verb.add_argument("--user-id", type=number, help="only actions of this user")
        verb.add_argument("--action", choices=get_args(Action), metavar="ACTION")
        verb.add_argument(
            "--since", type=_moment, metavar="MOMENT", help="such as 2026-11-01T00:00Z"
        )
        verb.add_argument("--until", type=_moment, metavar="MOMENT", help="before this moment")


async def _list(services: Services, options: argparse.Namespace, output: Output) -> None:
    found = await _trail(options).page(services.database, options.limit, None)
    output.rows(COLUMNS, [shown(row) for row in found])


async def _export(services: Services, options: argparse.Namespace, output: Output) -> None:
    trail, file, lines = _trail(options), options.file, 0
    with counting_bar() as bar, atomic_write(file) as target:
        task = bar.add_task("Entries", total=None)
        await trail.note_export(services.database)
        async for line in trail.as_csv(services.database):
            target.write(line.encode())
            bar.update(task, completed=lines)
            lines += 1
    entries = lines - 1  # without the header
    output.done(f"{file} now has {entries} entries.", {"entries": entries, "file": str(file)})


def _trail(options: argparse.Namespace) -> AuditTrail:
    return AuditTrail(options.user_id, options.action, options.since, options.until)


def _moment(text: str) -> datetime | None:
    try:
        return AuditFilter.model_validate({"since": text}).since
    except ValidationError as error:
        raise argparse.ArgumentTypeError(
            "must be a moment with its time zone, such as 2026-11-01T00:00Z"
        ) from error
