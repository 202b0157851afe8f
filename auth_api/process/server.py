"""The HTTP server: uvicorn, in one process or in several that share a listener.

SIGTERM stops all of it, SIGHUP replaces several processes one by one, each once another one is
there (`auth_api.process.stopping`).
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from functools import partial
from typing import cast

import uvicorn
from uvicorn.supervisors import Multiprocess

from auth_api.http.slow_clients import TimeoutProtocol
from auth_api.observability.logs import logging_config
from auth_api.settings import Settings

# A process that says nothing for so long is replaced, one that has died at once.
_SILENT_SECONDS = 30


def serve(settings: Settings) -> bool:
    """Serves until it is told to stop; answers whether it could."""
    config = uvicorn.Config(
        # By its name, so that each process makes its own.
        "auth_api.app:create_app",
        factory=True,
        # uvicorn takes whatever makes a protocol, but says that it wants a class.
        http=cast(type[asyncio.Protocol], partial(TimeoutProtocol, seconds=settings.client_seconds)),
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
    if settings.api_workers > 1:
        _Several(config, [config.bind_socket()]).run()
        return True
    server = uvicorn.Server(config)
    with suppress(KeyboardInterrupt):
        server.run()
    return server.started


class _Several(Multiprocess):
    """Processes whose listener is closed once the last of them has closed it: callers are then
    refused, where they would else wait for an answer that nobody gives.
    """

    def terminate_all(self) -> None:
        for listener in self.sockets:
            listener.close()
        super().terminate_all()
