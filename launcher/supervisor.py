"""Starts TorchServe and then the API, restarts what dies, stops the two in reverse order; or does
so with TorchServe alone, where the API runs elsewhere.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
import time

import aiohttp

from auth_api.process.children import Child
from auth_api.process.ports import require_free
from auth_api.process.running_launcher import noted
from launcher.missing import MissingTrainer
from launcher.model_server import ModelServer, ModelServerFailed
from launcher.settings import ROOT, LauncherSettings

logger = logging.getLogger(__name__)

_WATCH_SECONDS = 1.0
_API_START_SECONDS = 60.0
# What keeps dying is started again after 1, 2, 4 ... seconds, at the most this many.
_LONGEST_PAUSE = 30.0
_STABLE_SECONDS = 60.0


class ApiFailed(Exception):
    """The API did not come up; the message is for the operator."""


async def supervise(settings: LauncherSettings, *, with_api: bool = True) -> None:
    """Serves until SIGINT or SIGTERM, then leaves nothing running.

    Raises PortInUse, ModelServerFailed or ApiFailed when it cannot start.
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
    inference, management = settings.torchserve_host, settings.torchserve_management_host
    hosts = {"inference": inference, "management": management, "metrics": inference}
    for name, host in hosts.items():
        setting = f"torchserve_{name}_port"
        require_free(host, getattr(settings, setting), setting.upper())


async def _serve(settings: LauncherSettings, model_server: ModelServer, with_api: bool) -> None:
    await model_server.start()
    with noted(settings.data_dir, settings.torchserve(model_server.key_file)):
        trainer = MissingTrainer(settings, model_server)
        await asyncio.to_thread(trainer.prepare)
        api = await _start_api(settings, model_server) if with_api else None
        training = asyncio.create_task(trainer.train())
        try:
            if api:
                await _api_answers(settings, api)
            # In one piece, newline and all: the service writes to the same log meanwhile.
            sys.stderr.write(f"{_ready_line(settings, model_server, with_api)}\n")
            heal_api = _Pause()
            heal_model_server = _Pause()
            while True:
                await asyncio.sleep(_WATCH_SECONDS)
                if api and not api.running:
                    logger.error("the API ended", extra={"exit_status": api.exit_status})
                    await heal_api.wait()
                    await api.stop(0)  # the processes that it had started
                    api = await _start_api(settings, model_server)
                if await model_server.needs_restart():
                    await _restart(model_server, heal_model_server)
        finally:
            training.cancel()
            await asyncio.wait({training})
            if api:
                # Before TorchServe, so that requests under way still find TorchServe.
                await api.stop(settings.drain_seconds + settings.shutdown_seconds + 2)


async def _restart(model_server: ModelServer, pause: _Pause) -> None:
    logger.error("TorchServe is restarted", extra={"running": model_server.running})
    await pause.wait()
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


async def _api_answers(settings: LauncherSettings, api: Child) -> None:
    deadline = time.monotonic() + _API_START_SECONDS
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(settings.api_host, settings.api_host)  # noqa: S104
    async with aiohttp.ClientSession() as session:
        while time.monotonic() < deadline:
            if not api.running:
                raise ApiFailed(f"The API ended with exit status {api.exit_status}.")
            try:
                async with session.get(f"http://{host}:{settings.api_port}/health") as response:
                    if response.status == 200:
                        return
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(0.1)
    raise ApiFailed(f"The API did not answer within {_API_START_SECONDS:g} seconds.")


def _ready_line(settings: LauncherSettings, model_server: ModelServer, with_api: bool) -> str:
    local = {"127.0.0.1", "0.0.0.0", "::"}  # noqa: S104
    host = "localhost" if settings.api_host in local else settings.api_host
    api = f"http://{host}:{settings.api_port}"
    keys = f"keys in {model_server.key_file}" if model_server.key_file else "no keys"
    where = (
        f"on {settings.torchserve_host}: inference {settings.torchserve_inference_port}, "
        f"management {settings.torchserve_management_port}, "
        f"metrics {settings.torchserve_metrics_port}, {keys}"
    )
    if not with_api:
        return f"TorchServe is ready ({where})."
    return (
        f"Ranjana is ready at {api} (documentation {api}/docs; TorchServe {where}). "
        "Ctrl-C stops it."
    )


class _Pause:
    """Waits before a restart, longer each time, until things have been quiet for a while."""

    def __init__(self) -> None:
        self._seconds = 0.0
        self._last = 0.0

    async def wait(self) -> None:
        quiet = time.monotonic() - self._last > _STABLE_SECONDS
        self._seconds = 0.0 if quiet else min(_LONGEST_PAUSE, 2 * self._seconds or 1.0)
        await asyncio.sleep(self._seconds)
        self._last = time.monotonic()
