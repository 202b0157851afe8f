"""`worksheet`: writes worksheets to print."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from auth_api.commands.files import atomic_write
from auth_api.commands.output import Output
from auth_api.http.validation import validated
from auth_api.schemas.worksheets import WorksheetOptions, WorksheetQuery
from auth_api.services import Services
from auth_api.worksheets.selection import classes_of


def add_to(commands: Any, common: argparse.ArgumentParser) -> None:
    """Adds the command."""
    sheet = commands.add_parser(
        "worksheet", parents=[common], help="writes worksheets to print, a PDF"
    )
    sheet.add_argument("file", type=Path)
    sheet.add_argument("--characters", help="numbers of classes, such as 0,2,19")
    sheet.add_argument("--text", help="the letters of a text in Devanagari, such as a name")
    sheet.add_argument("--group", help="consonant, vowel or digit")
    sheet.add_argument("--rows", help="rows of a page, 4 to 8 (default: 6)")
    sheet.add_argument("--help-printed", dest="help", help="traced (default), hinted or none")
    sheet.add_argument("--paper", help="a4 (default) or letter")
    sheet.add_argument("--language", help="en (default) or ne")
    sheet.set_defaults(command=_write)


async def _write(services: Services, options: argparse.Namespace, output: Output) -> None:
    names = WorksheetQuery.model_fields.keys() - {"due"}
    given = {name: value for name in names if (value := getattr(options, name)) is not None}
    query = validated(given, WorksheetQuery)
    shape = {name: getattr(query, name) for name in WorksheetOptions.model_fields}
    document = await services.worksheets.pdf(classes_of(query), **shape)
    with atomic_write(options.file) as target:
        target.write(document.content)
    written = {"file": str(options.file), "bytes": len(document.content)}
    output.done(f"{options.file} has the worksheets.", written)
