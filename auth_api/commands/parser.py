"""Builds the parser of the command line, and runs a command."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Awaitable, Callable

from auth_api.commands import (
    accounts,
    audit_log,
    backups,
    clean_up,
    corrections,
    jobs,
    migrate,
    models,
    worksheets,
)
from auth_api.commands.output import Output
from auth_api.database.database import NewerDatabase, UnusableDatabase
from auth_api.errors import ApiError, Conflict, NotFound
from auth_api.observability.metrics import Metrics
from auth_api.process.running_launcher import with_running_torchserve
from auth_api.services import Services, open_services
from auth_api.settings import Settings

DONE, REFUSED, UNUSABLE, MISSING = 0, 1, 2, 3
"""Exit codes: done; refused or failed; unusable arguments or settings (as argparse); not found."""

Command = Callable[[Services, argparse.Namespace, Output], Awaitable[None]]

_SUBJECTS = (accounts, clean_up, migrate, models, jobs, corrections, audit_log, backups, worksheets)


def build_parser(description: str) -> argparse.ArgumentParser:
    """Builds the whole parser. The option `command` is a function, None if no command is given."""
    parser = argparse.ArgumentParser(prog="python -m auth_api", description=description)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.set_defaults(command=None)
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--json", action="store_true", help="prints one JSON document")
    commands = parser.add_subparsers(metavar="COMMAND")
    for subject in _SUBJECTS:
        subject.add_to(commands, common)
    return parser


def run(settings: Settings, options: argparse.Namespace) -> int:
    """Runs a command and returns the exit code.

    If it fails, prints the reason on standard error, and with `--json` as a document too.
    """
    output = Output(options.json)
    try:
        asyncio.run(_run(with_running_torchserve(settings), options.command, options, output))
    except ApiError as error:
        return _report(output, error)
    except NewerDatabase as error:
        return _report(output, Conflict(str(error), "newer_database"))
    except UnusableDatabase as error:
        return _report(output, Conflict(str(error), "unusable_database"))
    except OSError as error:  # from the file that the command writes
        target = error.filename or "Standard output"
        return _report(output, Conflict(f"{target}: {error.strerror}.", "not_written"))
    except KeyboardInterrupt:
        return REFUSED
    return DONE


def _report(output: Output, error: ApiError) -> int:
    output.failed(error.body)
    print(error.message, file=sys.stderr)
    if error.code == "validation_failed":
        return UNUSABLE
    return MISSING if isinstance(error, NotFound) else REFUSED


async def _run(
    settings: Settings, command: Command, options: argparse.Namespace, output: Output
) -> None:
    async with open_services(settings, Metrics()) as services:
        await command(services, options, output)
