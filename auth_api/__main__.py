"""`python -m auth_api` serves the API with the settings of the environment.

python -m auth_api                 serves
python -m auth_api create-admin    makes the first administrator
python -m auth_api clean-up        removes what is no longer wanted, as the service does hourly
"""

from __future__ import annotations

import argparse
import asyncio
import logging.config
import sys

import uvicorn
from pydantic import ValidationError

from auth_api import commands
from auth_api.app import create_app
from auth_api.cleanup import ORPHAN_SECONDS
from auth_api.database import NewerDatabase
from auth_api.errors import ApiError
from auth_api.logs import logging_config
from auth_api.settings import Settings, unusable
from auth_api.tokens import Tokens


def main() -> int:
    """Does what the command line says; answers the exit status."""
    options = _parser().parse_args()
    try:
        settings = Settings()
        Tokens(settings)  # a secret that is weak is better noticed now
    except ValidationError as error:
        print(unusable(error), file=sys.stderr)
        return 2
    except OSError as error:
        print(f"The folder {settings.data_dir} cannot be used: {error.strerror}.", file=sys.stderr)
        return 2
    except ValueError as error:
        print(f"The secret in {settings.data_dir} is not usable: it {error}.", file=sys.stderr)
        return 2
    level = "warning" if options.command else settings.log_level
    logging.config.dictConfig(logging_config(level))
    try:
        if options.command == "create-admin":
            asyncio.run(commands.create_admin(settings, options.username, options.email))
        elif options.command == "clean-up":
            asyncio.run(commands.clean_up(settings, options.orphans_after))
        else:
            asyncio.run(commands.prepare(settings))
            _serve(settings)
    except ApiError as error:
        print(error.message, file=sys.stderr)
        return 1
    except NewerDatabase as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m auth_api", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    chosen = parser.add_subparsers(dest="command")
    admin = chosen.add_parser(
        "create-admin",
        help="makes an administrator; asks for the password, or reads it from a pipe",
    )
    admin.add_argument("--username", required=True)
    admin.add_argument("--email", required=True)
    cleaning = chosen.add_parser("clean-up", help="removes expired history and stray pictures")
    cleaning.add_argument(
        "--orphans-after",
        type=float,
        default=ORPHAN_SECONDS,
        metavar="SECONDS",
        help="age of pictures without an entry that are removed (default: %(default)g; less only "
        "while no service runs)",
    )
    return parser


def _serve(settings: Settings) -> None:
    uvicorn.run(
        create_app(settings),
        host=settings.api_host,
        port=settings.api_port,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=list(settings.trusted_proxies),
        timeout_graceful_shutdown=round(settings.shutdown_seconds),
    )


if __name__ == "__main__":
    sys.exit(main())
