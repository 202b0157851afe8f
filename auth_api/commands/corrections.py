"""`corrections`: lists, judges and exports corrections."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, get_args

from auth_api.commands.files import atomic_write
from auth_api.commands.options import add_limit, printable
from auth_api.commands.output import Output, counting_bar
from auth_api.corrections.presenting import entry
from auth_api.corrections.review import Verdict
from auth_api.http.validation import number
from auth_api.http.zip_stream import zipped
from auth_api.practice.alphabets import require_recogniser
from auth_api.schemas.corrections import State
from auth_api.services import Services
from auth_api.settings import RECOGNITION

_COLUMNS = (
    *("id", "predicted_class", "actual_class", "character", "name"),
    *("agreeing", "state", "consent", "updated_at"),
)


def add_to(commands: Any, common: argparse.ArgumentParser) -> None:
    """Adds the commands."""
    corrections = commands.add_parser("corrections", help="corrections of a model by its users")
    verbs = corrections.add_subparsers(metavar="VERB", required=True)
    listing = verbs.add_parser("list", parents=[common], help="lists the newest corrections")
    listing.add_argument("--state", choices=get_args(State))
    add_limit(listing)
    listing.set_defaults(command=_list)
    for verb, command, text in (
        ("accept", _accept, "accepts a correction, whatever other users say"),
        ("reject", _reject, "rejects a correction"),
    ):
        parser = verbs.add_parser(verb, parents=[common], help=text)
        parser.add_argument("id", type=number)
        parser.add_argument(
            "--actual-class",
            type=number,
            metavar="CLASS",
            help="the class as it was listed; refused if the user has changed it since",
        )
        parser.set_defaults(command=command)
    export = verbs.add_parser("export", parents=[common], help="writes those that count to a zip")
    export.add_argument("file", type=Path)
    export.add_argument("--confirmed", action="store_true", help="also pictures that users confirm")
    export.set_defaults(command=_export)
    for verb in verbs.choices.values():
        verb.add_argument(
            "--model", type=printable, default=RECOGNITION, help="default: %(default)s"
        )


async def _list(services: Services, options: argparse.Namespace, output: Output) -> None:
    model = _model(services, options)
    found, before = await services.corrections.page(model, options.state, options.limit, None)
    while before is not None and len(found) < options.limit:
        more, before = await services.corrections.page(
            model, options.state, options.limit - len(found), before
        )
        found += more
    output.rows(_COLUMNS, [entry(model, row) for row in found])


async def _accept(services: Services, options: argparse.Namespace, output: Output) -> None:
    judged = await _judged(services, options, "accepted")
    output.done(f"Correction {options.id} now counts.", judged)


async def _reject(services: Services, options: argparse.Namespace, output: Output) -> None:
    judged = await _judged(services, options, "rejected")
    output.done(f"Correction {options.id} no longer counts.", judged)


async def _judged(
    services: Services, options: argparse.Namespace, verdict: Verdict
) -> dict[str, Any]:
    model, actual_class = _model(services, options), options.actual_class
    judged = await services.corrections.judge(model, options.id, verdict, actual_class=actual_class)
    return entry(model, judged)


async def _export(services: Services, options: argparse.Namespace, output: Output) -> None:
    model, file = _model(services, options), options.file
    data = services.correction_data
    counts = await data.counts(model)
    total = counts["pictures"] + (counts["confirmed"] if options.confirmed else 0)
    pictures = -1  # does not count labels.csv
    with counting_bar() as bar, atomic_write(file) as target:
        task = bar.add_task("Pictures", total=total)

        async def counted() -> AsyncIterator[tuple[str, bytes]]:
            nonlocal pictures
            async for name, content in data.files(model, confirmed=options.confirmed):
                pictures += 1
                bar.update(task, completed=pictures)
                yield name, content

        await data.record_export(model, options.confirmed)
        async for chunk in zipped(counted()):
            await asyncio.to_thread(target.write, chunk)
    document = {"model": model, "pictures": pictures, "file": str(file)}
    output.done(f"{file} now has {pictures} pictures.", document)


def _model(services: Services, options: argparse.Namespace) -> str:
    require_recogniser(options.model, services.settings.models)
    return str(options.model)
