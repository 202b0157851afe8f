"""`jobs`: those of all users."""

from __future__ import annotations

import argparse
import asyncio
from typing import Any, get_args

from auth_api.commands.options import add_limit
from auth_api.commands.output import Output, share
from auth_api.database.tables.jobs import UNFINISHED, Job, Kind, State
from auth_api.errors import Conflict
from auth_api.http.validation import number
from auth_api.jobs.presenting import owned_entry
from auth_api.services import Services

_COLUMNS = ("id", "user_id", "kind", "model", "state", "progress", "total", "failed", "created_at")
# Between looks at a job that is watched.
_LOOK_SECONDS = 0.5
_EPOCH = "Epoch {epoch} of {epochs}: loss {loss}, accuracy {accuracy}"


def add_to(chosen: Any, common: argparse.ArgumentParser) -> None:
    """Adds the commands."""
    jobs = chosen.add_parser("jobs", help="lists and cancels jobs, everybody's")
    verbs = jobs.add_subparsers(metavar="VERB", required=True)
    listing = verbs.add_parser("list", parents=[common], help="the newest jobs")
    listing.add_argument("--state", choices=get_args(State))
    listing.add_argument("--kind", choices=get_args(Kind))
    listing.add_argument("--user-id", type=number, help="only those of this user")
    add_limit(listing)
    listing.set_defaults(command=_list)
    for verb, command, text in (
        ("show", _show, "one job"),
        ("watch", _watch, "shows how far a job is until it has ended"),
        ("cancel", _cancel, "stops a job"),
    ):
        one = verbs.add_parser(verb, parents=[common], help=text)
        one.add_argument("id", type=number)
        one.set_defaults(command=command)


async def _list(services: Services, options: argparse.Namespace, output: Output) -> None:
    found = await services.jobs.page(
        options.user_id, options.limit, None, state=options.state, kind=options.kind
    )
    rows = [owned_entry(job) for job in found]
    output.rows(_COLUMNS, rows if output.as_json else [{**row, **row["counts"]} for row in rows])


async def _show(services: Services, options: argparse.Namespace, output: Output) -> None:
    _print(output, await services.jobs.one(None, options.id))


async def _watch(services: Services, options: argparse.Namespace, output: Output) -> None:
    told = 0
    with share() as bar:
        task = bar.add_task(f"Job {options.id}", total=1)
        while (job := await services.jobs.one(None, options.id)).state in UNFINISHED:
            bar.update(task, completed=job.progress, description=f"Job {job.id} is {job.state}")
            epochs = [] if output.as_json else _of(job, "epochs")
            for epoch in epochs[told:]:
                bar.console.print(_EPOCH.format(**epoch), markup=False)
            told = len(epochs)
            await asyncio.sleep(_LOOK_SECONDS)
    _print(output, job)
    if job.state != "succeeded":
        said = f"Job {job.id} is {job.state}."
        raise Conflict(f"{said} {job.error}" if job.error else said, f"job_{job.state}")


async def _cancel(services: Services, options: argparse.Namespace, output: Output) -> None:
    job = await services.jobs.cancel(None, options.id)
    output.done(f"Job {job.id} is cancelled, or about to be.", owned_entry(job))


def _print(output: Output, job: Job) -> None:
    shown = owned_entry(job)
    if output.as_json or job.outcome is None:
        output.one(shown)
        return
    main = {name: value for name, value in job.outcome.items() if not isinstance(value, list)}
    output.one({**shown, "outcome": main})
    for name in ("epochs", "trials"):
        if rows := _of(job, name):
            output.rows(tuple(rows[0]), rows, title=name.capitalize())


def _of(job: Job, name: str) -> list[dict[str, Any]]:
    """The epochs or the trials of a training so far."""
    found: list[dict[str, Any]] = (job.outcome or {}).get(name, [])
    return found
