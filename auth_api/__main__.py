"""`python -m auth_api` serves the API with the settings of the environment."""

from __future__ import annotations

import logging.config

import uvicorn

from auth_api.app import create_app
from auth_api.logs import logging_config
from auth_api.settings import Settings


def main() -> None:
    """Serves until it is told to stop."""
    settings = Settings()
    logging.config.dictConfig(logging_config(settings.log_level))
    uvicorn.run(
        create_app(settings),
        host=settings.api_host,
        port=settings.api_port,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=round(settings.shutdown_seconds),
    )


if __name__ == "__main__":
    main()
