"""Starts TorchServe and the API, or only TorchServe; restarts what dies; stops in reverse order."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
import time

from auth_api.process.children import Child
from auth_api.process.ports import require_free
from auth_api.process.running_launcher import announce
from launcher.missing_models import MissingTrainer
from launcher.model_server import ModelServer, ModelServerFailed
from launcher.readiness import Readiness
from launcher.settings import ROOT, LauncherSettings

logger = logging.getLogger(__name__)

_WATCH_SECONDS = 1.0
# A process that keeps dying is restarted at once, then after 1, 2, 4 ... seconds, up to this.
_MAX_BACKOFF_SECONDS = 30.0
# After this time without a restart the delay begins at 0 again.
_STABLE_SECONDS = 60.0


async def supervise(settings: LauncherSettings, *, with_api: bool = True) -> None:
    """Serves until SIGINT or SIGTERM, then stops every process.

    Raises PortInUse, ModelServerFailed or ApiFailed if the start fails.
    """
    _require_ports(settings, with_api)
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopping.set)
    async with ModelServer(settings) as model_server:
        serving = asyncio.create_task(_serve(settings, model_server, with_api))
        stopped = asyncio.create_task(stopping.wait())
        await asyncio.wait({serving, stopped}, return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        serving.cancel()
        try:
            await serving
        except asyncio.CancelledError:
            logger.info("stopped")


def _require_ports(settings: LauncherSettings, with_api: bool) -> None:
    if with_api:
        require_free(settings.api_host, settings.api_port, "API_PORT")
        require_free(settings.metrics_host, settings.metrics_port, "METRICS_PORT")
    inference, management = settings.torchserve_host, settings.torchserve_management_host
    hosts = {"inference": inference, "management": management, "metrics": inference}
    for name, host in hosts.items():
        setting = f"torchserve_{name}_port"
        require_free(host, getattr(settings, setting), setting.upper())


async def _serve(settings: LauncherSettings, model_server: ModelServer, with_api: bool) -> None:
    await model_server.start()
    with announce(settings.data_dir, settings.torchserve(model_server.key_file)):
        trainer = MissingTrainer(settings, model_server)
        await asyncio.to_thread(trainer.prepare)
        api = await _start_api(settings, model_server) if with_api else None
        training = asyncio.create_task(trainer.train())
        try:
            readiness = Readiness(settings, model_server, with_api=with_api)
            if api:
                await readiness.wait_for(api)
            api_backoff, model_server_backoff = _Backoff(), _Backoff()
            while True:
                await readiness.tell()
                await asyncio.sleep(_WATCH_SECONDS)
                if api and not api.running:
                    logger.error("the API ended", extra={"exit_status": api.exit_status})
                    await api_backoff.wait()
                    await api.stop(0)  # stops the processes that it started
                    api = await _start_api(settings, model_server)
                if await model_server.needs_restart():
                    await _restart(model_server, model_server_backoff)
        finally:
            training.cancel()
            await asyncio.wait({training})
            if api:
                # Before TorchServe, because the last requests still need TorchServe.
                await api.stop(settings.drain_seconds + settings.shutdown_seconds + 2)


async def _restart(model_server: ModelServer, backoff: _Backoff) -> None:
    logger.error("restarting TorchServe", extra={"running": model_server.running})
    await backoff.wait()
    try:
        await model_server.start()
        logger.info("TorchServe is ready again")
    except ModelServerFailed as error:
        logger.error("%s", error)


async def _start_api(settings: LauncherSettings, model_server: ModelServer) -> Child:
    return await Child.start(
        [sys.executable, "-m", "auth_api"],
        environment=settings.api_environment(model_server.key_file),
        directory=ROOT,
    )


class _Backoff:
    """Delays restarts, longer each time, until there was none for a while."""

    def __init__(self) -> None:
        self._seconds = 0.0
        self._last = 0.0

    async def wait(self) -> None:
        stable = time.monotonic() - self._last > _STABLE_SECONDS
        self._seconds = 0.0 if stable else min(_MAX_BACKOFF_SECONDS, 2 * self._seconds or 1.0)
        await asyncio.sleep(self._seconds)
        self._last = time.monotonic()
