"""`clean-up`: at once what the service does hourly."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from typing import Any

from auth_api.commands.output import Output
from auth_api.operations.cleanup import ORPHAN_SECONDS
from auth_api.services import Services


def add_to(chosen: Any, common: argparse.ArgumentParser) -> None:
    """Adds the command."""
    cleaning = chosen.add_parser(
        "clean-up", parents=[common], help="removes expired history and stray pictures"
    )
    cleaning.add_argument(
        "--orphans-after",
        type=float,
        default=ORPHAN_SECONDS,
        metavar="SECONDS",
        help="age of pictures without an entry that are removed (default: %(default)g; less only "
        "while no service runs)",
    )
    cleaning.set_defaults(command=_clean_up)


async def _clean_up(services: Services, options: argparse.Namespace, output: Output) -> None:
    removed = await services.cleanup.run(options.orphans_after)
    output.done(
        f"Removed {removed.entries} entries of the history, {removed.sessions} ended sessions, "
        f"the pictures of {removed.orphans} entries that are not there, {removed.jobs} jobs and "
        f"the images of {removed.inputs} that are not there or finished.",
        asdict(removed),
    )
