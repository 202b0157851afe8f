"""`jobs`: lists, shows, watches and cancels the jobs of all users."""

from __future__ import annotations

import argparse
import asyncio
from typing import Any, get_args

from auth_api.commands.options import add_limit
from auth_api.commands.output import Output, percent_bar
from auth_api.database.tables.jobs import UNFINISHED, Job, Kind, State
from auth_api.errors import Conflict
from auth_api.http.validation import number
from auth_api.jobs.presenting import owned_entry
from auth_api.services import Services

_COLUMNS = ("id", "user_id", "kind", "model", "state", "progress", "total", "failed", "created_at")
_POLL_SECONDS = 0.5
_EPOCH = "Epoch {epoch} of {epochs}: loss {loss}, accuracy {accuracy}"


def add_to(commands: Any, common: argparse.ArgumentParser) -> None:
    """Adds the commands."""
    jobs = commands.add_parser("jobs", help="lists and cancels the jobs of all users")
    verbs = jobs.add_subparsers(metavar="VERB", required=True)
    listing = verbs.add_parser("list", parents=[common], help="lists the newest jobs")
    listing.add_argument("--state", choices=get_args(State))
    listing.add_argument("--kind", choices=get_args(Kind))
    listing.add_argument("--user-id", type=number, help="only jobs of this user")
    add_limit(listing)
    listing.set_defaults(command=_list)
    for verb, command, text in (
        ("show", _show, "shows a job"),
        ("watch", _watch, "shows the progress of a job until it ends"),
        ("cancel", _cancel, "cancels a job"),
    ):
        parser = verbs.add_parser(verb, parents=[common], help=text)
        parser.add_argument("id", type=number)
        parser.set_defaults(command=command)


async def _list(services: Services, options: argparse.Namespace, output: Output) -> None:
    found = await services.jobs.page(
        options.user_id, options.limit, None, state=options.state, kind=options.kind
    )
    rows = [owned_entry(job) for job in found]
    output.rows(_COLUMNS, rows if output.as_json else [{**row, **row["counts"]} for row in rows])


async def _show(services: Services, options: argparse.Namespace, output: Output) -> None:
    _print(output, await services.jobs.one(None, options.id))


async def _watch(services: Services, options: argparse.Namespace, output: Output) -> None:
    printed = 0
    with percent_bar() as bar:
        task = bar.add_task(f"Job {options.id}", total=1)
        while (job := await services.jobs.one(None, options.id)).state in UNFINISHED:
            bar.update(task, completed=job.progress, description=f"Job {job.id} is {job.state}")
            epochs = [] if output.as_json else _outcome_rows(job, "epochs")
            for epoch in epochs[printed:]:
                bar.console.print(_EPOCH.format(**epoch), markup=False)
            printed = len(epochs)
            await asyncio.sleep(_POLL_SECONDS)
    _print(output, job)
    if job.state != "succeeded":
        message = f"Job {job.id} is {job.state}."
        raise Conflict(f"{message} {job.error}" if job.error else message, f"job_{job.state}")


async def _cancel(services: Services, options: argparse.Namespace, output: Output) -> None:
    job = await services.jobs.cancel(None, options.id)
    output.done(f"Job {job.id} is cancelled or will stop soon.", owned_entry(job))


def _print(output: Output, job: Job) -> None:
    shown = owned_entry(job)
    if output.as_json or job.outcome is None:
        output.one(shown)
        return
    values = {name: value for name, value in job.outcome.items() if not isinstance(value, list)}
    output.one({**shown, "outcome": values})
    for name in ("epochs", "trials"):
        if rows := _outcome_rows(job, name):
            output.rows(tuple(rows[0]), rows, title=name.capitalize())


def _outcome_rows(job: Job, name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (job.outcome or {}).get(name, [])
    return found
