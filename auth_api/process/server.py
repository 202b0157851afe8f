"""The HTTP server: uvicorn, in one process or in several that share their listeners: that of the
API and that of the metrics.

SIGTERM stops all processes (`auth_api.process.stopping`). SIGHUP replaces several processes one by
one, each after its successor has started.
"""

from __future__ import annotations

import asyncio
import logging
import resource
from contextlib import suppress
from functools import partial
from typing import Any, cast

import uvicorn
from uvicorn.supervisors import Multiprocess

from auth_api.http.connections import Connections
from auth_api.http.slow_clients import TimeoutProtocol
from auth_api.http.small_reads import SmallReads
from auth_api.observability.logs import logging_config
from auth_api.process.ports import bound
from auth_api.settings import Settings

# A process that does not respond for this long is replaced. One that died is replaced at once.
_HEALTHCHECK_SECONDS = 30
# A connection, and the file of a body that is too large for memory.
_FILES_PER_CONNECTION = 2
# Of the database, TorchServe, logs, jobs, and connections that are being refused.
_OTHER_FILES = 512

logger = logging.getLogger(__name__)


def serve(settings: Settings) -> bool:
    """Serves until a signal stops it; returns whether it could start."""
    connections = Connections(_connection_limit(settings.max_connections))
    config = uvicorn.Config(
        # A name, so that each process creates its own application.
        "auth_api.app:create_app",
        factory=True,
        # uvicorn accepts any factory of protocols, but its type hint asks for a class.
        http=cast(type[asyncio.Protocol], partial(_protocol, settings.client_seconds, connections)),
        ws="none",
        workers=settings.api_workers,
        timeout_worker_healthcheck=_HEALTHCHECK_SECONDS,
        host=settings.api_host,
        port=settings.api_port,
        log_config=logging_config(settings.log_level),
        access_log=False,
        server_header=False,
        proxy_headers=False,  # the application handles them
        timeout_graceful_shutdown=round(settings.shutdown_seconds),
    )
    listeners = [config.bind_socket(), bound(settings.metrics_host, settings.metrics_port)]
    if settings.api_workers > 1:
        _Supervisor(config, listeners).run()
        return True
    server = uvicorn.Server(config)
    with suppress(KeyboardInterrupt):
        server.run(listeners)
    return server.started


def _protocol(seconds: float, connections: Connections, **options: Any) -> SmallReads:
    protocol = TimeoutProtocol(seconds=seconds, connections=connections, **options)
    return SmallReads(protocol, connections)


def _connection_limit(wanted: int) -> int:
    """How many connections the limit of open files allows, at most `wanted`.

    Raises this limit as far as necessary and allowed, because too few open files would stop all
    connections, and reads of files too.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = wanted * _FILES_PER_CONNECTION + _OTHER_FILES
    if soft != resource.RLIM_INFINITY and soft < needed:
        soft = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        if soft < needed:
            allowed = max(1, (soft - _OTHER_FILES) // _FILES_PER_CONNECTION)
            extra = {"connections": allowed, "max_connections": wanted, "open_files": soft}
            logger.warning("the limit of open files allows fewer connections", extra=extra)
            return allowed
    return wanted


class _Supervisor(Multiprocess):
    """Closes its copies of the shared listeners when it stops its processes.

    A listener is then closed with the last process, and new callers are refused. They would
    otherwise wait for an answer that no process gives.
    """

    def terminate_all(self) -> None:
        for listener in self.sockets:
            listener.close()
        super().terminate_all()
