"""`audit`: the audit log, looked at and taken away."""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

from sqlalchemy import Select, select
from sqlalchemy.orm import Session
from sqlmodel import col

from auth_api import audit
from auth_api.commands.options import add_limit, number
from auth_api.commands.output import Output, progress
from auth_api.commands.writing import replaced
from auth_api.exporting import csv_head, csv_line
from auth_api.schemas.history import AuditRow
from auth_api.services import Services
from auth_api.tables import AuditEntry

_COLUMNS = ("id", "at", "action", "user_id", "address", "request_id", "details")
_AT_A_TIME = 500


def add_to(chosen: Any, common: argparse.ArgumentParser) -> None:
    """Adds the commands."""
    log = chosen.add_parser("audit", help="the audit log")
    verbs = log.add_subparsers(metavar="VERB", required=True)
    listing = verbs.add_parser("list", parents=[common], help="its newest entries")
    add_limit(listing)
    listing.set_defaults(command=_list)
    export = verbs.add_parser("export", parents=[common], help="writes all of it as CSV")
    export.add_argument("file", type=Path)
    export.set_defaults(command=_export)
    for verb in verbs.choices.values():
        verb.add_argument("--user-id", type=number, help="only what this user did")
        verb.add_argument("--action", choices=get_args(audit.Action), metavar="ACTION")


async def _list(services: Services, options: argparse.Namespace, output: Output) -> None:
    query = _entries(options).order_by(col(AuditEntry.id).desc()).limit(options.limit)
    output.rows(_COLUMNS, [_shown(row) for row in await services.database.read(_all(query))])


async def _export(services: Services, options: argparse.Namespace, output: Output) -> None:
    file, total, last = options.file, 0, 0
    with progress() as bar, replaced(file) as target:
        task = bar.add_task("Entries", total=None)
        await services.database.write(
            lambda transaction: audit.record(transaction, "audit_log_exported", None)
        )
        target.write(csv_head(_COLUMNS).encode())
        query = _entries(options).order_by(col(AuditEntry.id)).limit(_AT_A_TIME)
        while rows := await services.database.read(_all(query.where(col(AuditEntry.id) > last))):
            lines = "".join(csv_line(_cells(row)) for row in rows)
            await asyncio.to_thread(target.write, lines.encode())
            total, last = total + len(rows), rows[-1].id or 0
            bar.update(task, completed=total)
    output.done(f"{file} has {total} entries now.", {"entries": total, "file": str(file)})


def _entries(options: argparse.Namespace) -> Select[tuple[AuditEntry]]:
    query = select(AuditEntry)
    if options.user_id is not None:
        query = query.where(col(AuditEntry.user_id) == options.user_id)
    if options.action is not None:
        query = query.where(col(AuditEntry.action) == options.action)
    return query


def _all(query: Select[tuple[AuditEntry]]) -> Callable[[Session], list[AuditEntry]]:
    return lambda session: list(session.scalars(query))


def _shown(row: AuditEntry) -> dict[str, Any]:
    return AuditRow.model_validate(row, from_attributes=True).model_dump(mode="json")


def _cells(row: AuditEntry) -> list[object]:
    shown = _shown(row) | {"details": json.dumps(row.details, ensure_ascii=False)}
    return [shown[name] for name in _COLUMNS]
