"""`clean-up`: does at once what the service does hourly."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from typing import Any

from auth_api.commands.output import Output
from auth_api.operations.cleanup import ORPHAN_SECONDS
from auth_api.services import Services


def add_to(commands: Any, common: argparse.ArgumentParser) -> None:
    parser = commands.add_parser(
        "clean-up", parents=[common], help="removes expired history and orphaned pictures"
    )
    parser.add_argument(
        "--orphans-after",
        type=float,
        default=ORPHAN_SECONDS,
        metavar="SECONDS",
        help="minimum age of orphaned pictures (default: %(default)g); use less only while no "
        "service runs",
    )
    parser.set_defaults(command=_clean_up)


async def _clean_up(services: Services, options: argparse.Namespace, output: Output) -> None:
    removed = await services.cleanup.run(options.orphans_after)
    output.done(
        f"Removed {removed.entries} history entries, {removed.sessions} ended sessions, "
        f"{removed.jobs} jobs, the pictures of {removed.orphans} entries that no longer exist, and "
        f"the images of {removed.inputs} jobs that are finished or no longer exist.",
        asdict(removed),
    )
