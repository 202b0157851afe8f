"""`jobs`: those of all users."""

from __future__ import annotations

import argparse
from typing import Any, get_args

from auth_api.commands.options import add_limit, number
from auth_api.commands.output import Output
from auth_api.jobs.presenting import entry
from auth_api.jobs.tables import Job, State
from auth_api.services import Services

_COLUMNS = ("id", "user_id", "kind", "model", "state", "progress", "total", "failed", "created_at")


def add_to(chosen: Any, common: argparse.ArgumentParser) -> None:
    """Adds the commands."""
    jobs = chosen.add_parser("jobs", help="lists and cancels jobs, everybody's")
    verbs = jobs.add_subparsers(metavar="VERB", required=True)
    listing = verbs.add_parser("list", parents=[common], help="the newest jobs")
    listing.add_argument("--state", choices=get_args(State))
    add_limit(listing)
    listing.set_defaults(command=_list)
    for verb, command, text in (("show", _show, "one job"), ("cancel", _cancel, "stops a job")):
        one = verbs.add_parser(verb, parents=[common], help=text)
        one.add_argument("id", type=number)
        one.set_defaults(command=command)


async def _list(services: Services, options: argparse.Namespace, output: Output) -> None:
    found = await services.jobs.page_of_all(options.limit, options.state)
    rows = [_shown(job) for job in found]
    output.rows(_COLUMNS, rows if output.as_json else [{**row, **row["counts"]} for row in rows])


async def _show(services: Services, options: argparse.Namespace, output: Output) -> None:
    output.one(_shown(await services.jobs.any_one(options.id)))


async def _cancel(services: Services, options: argparse.Namespace, output: Output) -> None:
    job = await services.jobs.cancel_any(options.id)
    output.done(f"Job {job.id} is cancelled, or about to be.", _shown(job))


def _shown(job: Job) -> dict[str, Any]:
    return {**entry(job), "user_id": job.user_id}
