"""Serves the API, or runs a command for operators, with the settings of the environment.

python -m auth_api                 serves
python -m auth_api COMMAND         runs a command of the list below
python -m auth_api COMMAND --help  explains a command

Exit codes: 0 done, 1 refused or failed, 2 the command line, its values or the settings are not
valid, 3 not found. With --json, standard output is one JSON document, also after an error.
"""

from __future__ import annotations

import asyncio
import logging.config
import sys

from pydantic import ValidationError

from auth_api.authorisation.tokens import Tokens
from auth_api.commands.parser import DONE, REFUSED, UNUSABLE, build_parser, run
from auth_api.database.database import Database, NewerDatabase, UnusableDatabase
from auth_api.errors import Unavailable
from auth_api.observability.logs import logging_config
from auth_api.observability.shared_metrics import share_metrics
from auth_api.operations.startup import (
    migrate_when_reachable,
    require_folders,
    wait_for_bucket,
)
from auth_api.process.ports import PortInUse, require_free
from auth_api.process.server import serve
from auth_api.settings import Settings, unusable
from auth_api.storage.opening import UnusableBucket


def main() -> int:
    """Runs the command line; returns the exit status."""
    options = build_parser(__doc__ or "").parse_args()
    try:
        settings = Settings()
    except (ValidationError, OSError, UnicodeError) as error:
        print(unusable(error), file=sys.stderr)
        return UNUSABLE
    try:
        Tokens(settings)  # reports a weak secret before anything starts
    except OSError as error:
        print(f"The folder {settings.data_dir} cannot be used: {error.strerror}.", file=sys.stderr)
        return UNUSABLE
    except ValueError as error:
        print(f"The secret in {settings.data_dir} is not usable: it {error}.", file=sys.stderr)
        return UNUSABLE
    if options.command:
        logging.config.dictConfig(logging_config("warning"))
        return run(settings, options)
    logging.config.dictConfig(logging_config(settings.log_level))
    with share_metrics(settings.api_workers):
        return _serve(settings)


def _serve(settings: Settings) -> int:
    try:
        require_folders(settings)
    except OSError as error:
        print(f"The folder {error.filename} cannot be used: {error.strerror}.", file=sys.stderr)
        return UNUSABLE
    try:
        require_free(settings.api_host, settings.api_port, "API_PORT")
        require_free(settings.metrics_host, settings.metrics_port, "METRICS_PORT")
        asyncio.run(_prepare(settings))
    except UnusableBucket as error:
        print(f"The setting STORAGE_URL is not usable: {error}", file=sys.stderr)
        return UNUSABLE
    except Unavailable as error:
        print(error.message, file=sys.stderr)
        return REFUSED
    except (PortInUse, NewerDatabase, UnusableDatabase) as error:
        print(error, file=sys.stderr)
        return REFUSED
    return DONE if serve(settings) else REFUSED


async def _prepare(settings: Settings) -> None:
    """Checks the bucket and migrates the database before the server starts, so that an error is
    one sentence.

    Raises `Unavailable`, `UnusableBucket`, `NewerDatabase` or `UnusableDatabase`.
    """
    await wait_for_bucket(settings)
    database = Database(settings)
    try:
        await migrate_when_reachable(database)
    finally:
        await database.aclose()


if __name__ == "__main__":
    sys.exit(main())
