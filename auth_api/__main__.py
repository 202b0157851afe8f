"""`python -m auth_api` serves the API with the settings of the environment.

python -m auth_api                 serves
python -m auth_api COMMAND         does what operators do: see the list below, and
                                   python -m auth_api COMMAND --help

Exit codes: 0 done, 1 refused or failed, 2 a command line, what it says, or settings that cannot
be used, 3 no such thing. With --json standard output is one JSON document, also of an error.
"""

from __future__ import annotations

import asyncio
import logging.config
import sys
from functools import partial
from typing import cast

import uvicorn
from pydantic import ValidationError

from auth_api.commands.line import DONE, REFUSED, UNUSABLE, parser, run
from auth_api.database import Database, NewerDatabase
from auth_api.errors import Unavailable
from auth_api.logs import logging_config
from auth_api.services import migrated
from auth_api.settings import Settings, unusable
from auth_api.slow_clients import TimelyProtocol
from auth_api.tokens import Tokens

# A process that says nothing for so long is replaced, one that has died at once.
_SILENT_SECONDS = 30


def main() -> int:
    """Does what the command line says; answers the exit status."""
    options = parser(__doc__ or "").parse_args()
    try:
        settings = Settings()
    except (ValidationError, OSError, UnicodeError) as error:
        print(unusable(error), file=sys.stderr)
        return UNUSABLE
    try:
        Tokens(settings)  # a secret that is weak is better noticed now
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
    return _serve(settings)


def _serve(settings: Settings) -> int:
    try:
        asyncio.run(_prepare(settings))
    except Unavailable as error:
        print(error.message, file=sys.stderr)
        return REFUSED
    except NewerDatabase as error:
        print(error, file=sys.stderr)
        return REFUSED
    # By its name, so that each process makes its own.
    uvicorn.run(
        "auth_api.app:create_app",
        factory=True,
        # uvicorn takes whatever makes a protocol, but says that it wants a class.
        http=cast(type[asyncio.Protocol], partial(TimelyProtocol, seconds=settings.client_seconds)),
        workers=settings.api_workers,
        timeout_worker_healthcheck=_SILENT_SECONDS,
        host=settings.api_host,
        port=settings.api_port,
        log_config=logging_config(settings.log_level),
        access_log=False,
        server_header=False,
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=list(settings.trusted_proxies),
        timeout_graceful_shutdown=round(settings.shutdown_seconds),
    )
    return DONE


async def _prepare(settings: Settings) -> None:
    """Migrates the database, so that what keeps the service from starting is said in a sentence.

    Raises Unavailable or NewerDatabase.
    """
    database = Database(settings)
    try:
        await migrated(database)
    finally:
        await database.aclose()


if __name__ == "__main__":
    sys.exit(main())
