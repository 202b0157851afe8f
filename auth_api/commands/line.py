"""The command line: which commands there are, and how one is run."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Awaitable, Callable

from auth_api.commands import (
    accounts,
    audit_log,
    backups,
    cleaning,
    corrections,
    jobs,
    migrating,
    models,
)
from auth_api.commands.output import Output
from auth_api.database.database import NewerDatabase, UnusableDatabase
from auth_api.errors import ApiError, Conflict, NotFound
from auth_api.observability.metrics import Metrics
from auth_api.process.running_launcher import connected
from auth_api.services import Services, opened
from auth_api.settings import Settings

DONE, REFUSED, UNUSABLE, MISSING = 0, 1, 2, 3
"""Exit codes: done; refused or failed; a command line, what it says, or settings that cannot be
used, which is argparse's too; no such thing."""

Command = Callable[[Services, argparse.Namespace, Output], Awaitable[None]]

_SUBJECTS = (accounts, cleaning, migrating, models, jobs, corrections, audit_log, backups)
"""Each adds its commands, a default `command` with every one of them."""


def parser(description: str) -> argparse.ArgumentParser:
    """Of the whole command line; without a command there is no `command`."""
    whole = argparse.ArgumentParser(prog="python -m auth_api", description=description)
    whole.formatter_class = argparse.RawDescriptionHelpFormatter
    whole.set_defaults(command=None)
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--json", action="store_true", help="prints one JSON document")
    chosen = whole.add_subparsers(metavar="COMMAND")
    for subject in _SUBJECTS:
        subject.add_to(chosen, common)
    return whole


def run(settings: Settings, options: argparse.Namespace) -> int:
    """Does what the command line says; answers the exit code, having said why on standard error
    if it is not `DONE`, and with `--json` as a document too.
    """
    output = Output(options.json)
    try:
        asyncio.run(_run(connected(settings), options.command, options, output))
    except ApiError as error:
        return _told(output, error)
    except NewerDatabase as error:
        return _told(output, Conflict(str(error), "newer_database"))
    except UnusableDatabase as error:
        return _told(output, Conflict(str(error), "unusable_database"))
    except OSError as error:  # of the file that something is to be written to
        where = error.filename or "Standard output"
        return _told(output, Conflict(f"{where}: {error.strerror}.", "not_written"))
    except KeyboardInterrupt:  # whatever was begun is not finished
        return REFUSED
    return DONE


def _told(output: Output, error: ApiError) -> int:
    output.failed(error.body)
    print(error.message, file=sys.stderr)
    if error.code == "validation_failed":
        return UNUSABLE
    return MISSING if isinstance(error, NotFound) else REFUSED


async def _run(
    settings: Settings, command: Command, options: argparse.Namespace, output: Output
) -> None:
    async with opened(settings, Metrics()) as services:
        await command(services, options, output)
