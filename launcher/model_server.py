"""The TorchServe of this launcher: its Java process, workers, keys and files."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType

import psutil

from auth_api.errors import ApiError, Conflict, NotFound, Refused, Unavailable
from auth_api.models import smoke_test
from auth_api.observability.metrics import Metrics
from auth_api.process.children import Child
from auth_api.process.confinement import Confinement, private_paths
from auth_api.process.waiting import WaitLog
from auth_api.torchserve.client import TorchServe
from launcher import configuration
from launcher.settings import LauncherSettings

_STOP_SECONDS = 10.0
_POLL_SECONDS = 0.25
# Usual time for a start on an idle machine.
_USUAL_SECONDS = 20.0
_PREFIX = "ranjana-"
_KEYS = "key_file.json"
_SOCKET = ".ts.sock.99999"
# Maximum length of a Unix socket's path on macOS; 107 on Linux.
_MAX_SOCKET_PATH = 103


class ModelServerFailed(Exception):
    """TorchServe did not start; the message is for the operator."""


class ModelServer:
    """One TorchServe in a private temporary directory, which is removed at the end.

    The wrapper script `torchserve` is not used, because it leaves Java and the workers running when
    it is stopped, and its pid file prevents a second instance.
    """

    def __init__(self, settings: LauncherSettings) -> None:
        self._settings = settings
        self._child: Child | None = None
        _remove_abandoned_directories()
        # Java runs in `home`, which is on its class path and gets the key file. `tmp` gets the
        # unpacked archives and the workers' sockets.
        self._directory = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-"))
        self._home = settings.torchserve_home or self._directory / "home"
        self.key_file = self._home / _KEYS if settings.torchserve_tokens else None
        self._client: TorchServe | None = None
        self._models: list[str] = []
        self._last_answer = 0.0
        self._last_complete = 0.0

    async def __aenter__(self) -> ModelServer:
        connected = self._settings.connected()
        connected.torchserve_key_file = self.key_file
        self._client = TorchServe(connected, Metrics())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._stop()
        if self._client:
            await self._client.aclose()
        shutil.rmtree(self._directory, ignore_errors=True)

    @property
    def running(self) -> bool:
        """Whether the Java process is alive."""
        return self._child is not None and self._child.running

    @property
    def missing(self) -> list[str]:
        """The configured models that have no archive yet."""
        return [model for model in self._settings.models if model not in self._models]

    async def start(self) -> None:
        """Starts or restarts TorchServe and waits until every model with an archive answers.

        Raises ModelServerFailed, also if an archive is missing that will not be trained, and if the
        temporary directory cannot be used.
        """
        self._require_short_path()
        self._models = self._models_with_archives()
        await self._stop()
        self._clear()
        config, temporary = self._directory / "config.properties", self._directory / "tmp"
        configuration.write_config(config, self._settings, self._models)
        self._child = await Child.start(
            configuration.command(config, self._settings, temporary),
            environment=configuration.environment(self._settings, temporary),
            directory=self._home,
            output=subprocess.DEVNULL,
            confinement=Confinement(
                private_paths(self._settings),
                readable=(self._settings.model_store,),
                writable=(self._directory, self._home),
            ),
        )
        await self._wait_until_ready(self._child)
        self._last_answer = self._last_complete = time.monotonic()

    async def add(self, model: str) -> None:
        """Registers a model whose archive was missing until now, and waits until it answers.

        Tries again while TorchServe restarts. Raises ModelServerFailed or ApiError.
        """
        deadline = time.monotonic() + self._settings.start_seconds
        while True:
            child = self._child
            try:
                if child is None or not child.running:
                    raise ModelServerFailed("TorchServe is not running.")
                await self._register(model)
                return await self._wait_until_ready(child)
            except (ModelServerFailed, Unavailable):
                if time.monotonic() > deadline:
                    raise
            await asyncio.sleep(_POLL_SECONDS)

    async def _register(self, model: str) -> None:
        assert self._client
        # A restart in the meantime has already loaded it.
        if model in self.missing:
            with suppress(Conflict):
                await self._client.register(model, f"{model}.mar")
            self._models.append(model)

    async def _wait_until_ready(self, child: Child) -> None:
        deadline = time.monotonic() + self._settings.start_seconds
        wait_log = WaitLog("TorchServe", _USUAL_SECONDS)
        while not await self._is_ready():
            if not child.running:
                raise ModelServerFailed(f"TorchServe ended with exit status {child.exit_status}.")
            if time.monotonic() > deadline:
                raise ModelServerFailed(
                    f"TorchServe was not ready after {self._settings.start_seconds:g} seconds."
                )
            wait_log.still_waiting("not every worker is ready")
            await asyncio.sleep(_POLL_SECONDS)
        wait_log.done()

    async def needs_restart(self) -> bool:
        """Whether it died, is silent for `heal_seconds` or lacks a worker for `start_seconds`.

        TorchServe itself restarts a dead worker while the others go on, but gives up on a worker
        that fails for long.
        """
        if not self.running:
            return True
        try:
            complete = await self._is_complete()
        except Unavailable:
            pass
        else:
            self._last_answer = time.monotonic()
            if complete:
                self._last_complete = self._last_answer
        now = time.monotonic()
        return (
            now - self._last_answer > self._settings.heal_seconds
            or now - self._last_complete > self._settings.start_seconds
        )

    async def _is_complete(self) -> bool:
        """Whether every worker of every model is ready. Raises Unavailable."""
        assert self._client
        try:
            for model in self._models:
                (served,) = await self._client.versions(model)
                if not served.states or any(state != "READY" for state in served.states):
                    return False
        except NotFound:
            return False
        return True

    async def _is_ready(self) -> bool:
        """Whether every worker is ready and every model answers a picture."""
        assert self._client
        image = smoke_test.PICTURE.read_bytes()
        try:
            if not await self._is_complete():
                return False
            for model in self._models:
                with suppress(Refused):  # a refusal is an answer too
                    await self._client.predict(model, image, options=smoke_test.OPTIONS)
        except ApiError:
            return False
        return True

    def _require_short_path(self) -> None:
        """Raises ModelServerFailed if the path is too long for sockets: workers would fail silently
        again and again.
        """
        if len(os.fsencode(self._directory / "tmp" / _SOCKET)) > _MAX_SOCKET_PATH:
            raise ModelServerFailed(
                f"The path of the temporary directory {self._directory.parent} is too long for "
                "the sockets of workers: set TMPDIR to a shorter one."
            )

    def _clear(self) -> None:
        """Removes the files of an earlier TorchServe, but not the home, which may be a volume.

        Raises ModelServerFailed.
        """
        temporary = self._directory / "tmp"
        try:
            for folder in (temporary, self._home / "logs"):
                shutil.rmtree(folder, ignore_errors=True)
            temporary.mkdir()
            self._home.mkdir(exist_ok=True)
            (self._home / _KEYS).unlink(missing_ok=True)
        except OSError as error:
            raise ModelServerFailed(
                f"{error.filename} cannot be used: {error.strerror}."
            ) from error

    async def _stop(self) -> None:
        if self._child:
            await self._child.stop(_STOP_SECONDS)
            self._child = None

    def _models_with_archives(self) -> list[str]:
        found = []
        for model in self._settings.models:
            archive = self._settings.model_store / f"{model}.mar"
            if archive.is_file():
                found.append(model)
            elif not self._settings.train_missing:
                raise ModelServerFailed(f"{archive} is missing: {_remedy(model)}.")
        return found


def _remedy(model: str) -> str:
    build = "build it with `make archives`"
    # Digits are not trained, because that needs pictures.
    return build if model == "digits" else f"{build}, or set TRAIN_MISSING=true to train the model"


def _remove_abandoned_directories() -> None:
    """Removes the directories of launchers and services that were killed."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*-*"):
        owner = folder.name.removeprefix(_PREFIX).partition("-")[0]
        if owner.isdigit() and not psutil.pid_exists(int(owner)):
            shutil.rmtree(folder, ignore_errors=True)
