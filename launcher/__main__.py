"""`python -m launcher`."""

from __future__ import annotations

import asyncio
import logging.config
import sys

from pydantic import ValidationError

from auth_api.logs import logging_config
from auth_api.settings import unusable
from launcher.model_server import ModelServerFailed
from launcher.ports import PortInUse
from launcher.settings import LauncherSettings
from launcher.supervisor import ApiFailed, supervise


def main() -> int:
    """Serves until it is told to stop; answers the exit status."""
    try:
        settings = LauncherSettings()
    except ValidationError as error:
        print(unusable(error), file=sys.stderr)
        return 2
    logging.config.dictConfig(logging_config(settings.log_level))
    print("Starting TorchServe, which takes some ten seconds ...", file=sys.stderr, flush=True)
    try:
        asyncio.run(supervise(settings))
    except (PortInUse, ModelServerFailed, ApiFailed) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
