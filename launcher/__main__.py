"""`python -m launcher` starts TorchServe and the API; `python -m launcher torchserve` starts only
TorchServe, for an API that runs elsewhere.
"""

from __future__ import annotations

import argparse
import asyncio
import logging.config
import sys

from pydantic import ValidationError

from auth_api.observability.logs import logging_config
from auth_api.process.ports import PortInUse
from auth_api.settings import unusable
from launcher.model_server import ModelServerFailed
from launcher.readiness import ApiFailed
from launcher.settings import LauncherSettings
from launcher.supervisor import supervise


def build_parser() -> argparse.ArgumentParser:
    """Builds the parser of the command line."""
    parser = argparse.ArgumentParser(prog="python -m launcher", description=__doc__)
    parser.add_argument("what", nargs="?", choices=("all", "torchserve"), default="all")
    return parser


def main() -> int:
    """Serves until SIGINT or SIGTERM; returns the exit status."""
    with_api = build_parser().parse_args().what == "all"
    try:
        settings = LauncherSettings()
    except (ValidationError, OSError, UnicodeError) as error:
        print(unusable(error), file=sys.stderr)
        return 2
    logging.config.dictConfig(logging_config(settings.log_level))
    print("Starting TorchServe, which takes about ten seconds ...", file=sys.stderr, flush=True)
    try:
        asyncio.run(supervise(settings, with_api=with_api))
    except (PortInUse, ModelServerFailed, ApiFailed) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
