"""The TorchServe that belongs to this launcher: its Java process, workers, keys and files."""

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
from auth_api.process.waiting import WaitLog
from auth_api.torchserve.client import TorchServe
from launcher import configuration
from launcher.settings import LauncherSettings

_STOP_SECONDS = 10.0
_POLL_SECONDS = 0.25
# What its start takes on a machine that does nothing else.
_USUAL_SECONDS = 20.0
_PREFIX = "ranjana-"
_KEYS = "key_file.json"
# The longest path of a Unix socket, on macOS; Linux takes 107.
_SOCKET, _LONGEST_SOCKET = ".ts.sock.99999", 103


class ModelServerFailed(Exception):
    """TorchServe did not come up; the message is for the operator."""


class ModelServer:
    """One TorchServe in a private directory that goes away with it.

    The wrapper script `torchserve` is not used: it leaves Java and the workers running when
    it is stopped, and keeps a pid file that refuses a second instance.
    """

    def __init__(self, settings: LauncherSettings) -> None:
        self._settings = settings
        self._child: Child | None = None
        _remove_abandoned()
        # The Java process works in its home, which is on its class path and gets its key file;
        # `tmp` gets the unpacked archives and the workers' sockets.
        self._directory = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-"))
        self._home = settings.torchserve_home or self._directory / "home"
        self.key_file = self._home / _KEYS if settings.torchserve_tokens else None
        self._client: TorchServe | None = None
        self._models: list[str] = []
        self._last_answer = 0.0
        self._last_whole = 0.0

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
        """Whether the Java process lives."""
        return self._child is not None and self._child.running

    @property
    def missing(self) -> list[str]:
        """The models that are to be served and are not, for there is no archive yet."""
        return [model for model in self._settings.models if model not in self._models]

    async def start(self) -> None:
        """Starts TorchServe, anew if it was running, and waits until every model answers that
        there is an archive of.

        Raises ModelServerFailed, also for a missing archive that will not be trained and for a
        temporary directory that will not do.
        """
        self._require_short_path()
        self._models = self._with_archives()
        await self._stop()
        self._clear()
        config, temporary = self._directory / "config.properties", self._directory / "tmp"
        configuration.write_config(config, self._settings, self._models)
        self._child = await Child.start(
            configuration.command(config, self._settings, temporary),
            environment=configuration.environment(self._settings, temporary),
            directory=self._home,
            output=subprocess.DEVNULL,
        )
        await self._until_all_answer(self._child)
        self._last_answer = self._last_whole = time.monotonic()

    async def add(self, model: str) -> None:
        """Serves a missing model whose archive is there now, and waits until it answers, also
        while TorchServe is started anew.

        Raises ModelServerFailed or ApiError.
        """
        deadline = time.monotonic() + self._settings.start_seconds
        while True:
            child = self._child
            try:
                if child is None or not child.running:
                    raise ModelServerFailed("TorchServe is not running.")
                await self._register(model)
                return await self._until_all_answer(child)
            except (ModelServerFailed, Unavailable):
                if time.monotonic() > deadline:
                    raise
            await asyncio.sleep(_POLL_SECONDS)

    async def _register(self, model: str) -> None:
        assert self._client
        # It is served already if TorchServe was started anew meanwhile.
        if model in self.missing:
            with suppress(Conflict):
                await self._client.register(model, f"{model}.mar")
            self._models.append(model)

    async def _until_all_answer(self, child: Child) -> None:
        deadline = time.monotonic() + self._settings.start_seconds
        waiting = WaitLog("TorchServe", _USUAL_SECONDS)
        while not await self._all_answer():
            if not child.running:
                raise ModelServerFailed(f"TorchServe ended with exit status {child.exit_status}.")
            if time.monotonic() > deadline:
                raise ModelServerFailed(
                    f"TorchServe was not ready after {self._settings.start_seconds:g} seconds."
                )
            waiting.still_waiting("not every worker is ready")
            await asyncio.sleep(_POLL_SECONDS)
        waiting.done()

    async def needs_restart(self) -> bool:
        """Whether it died, hangs for `heal_seconds` or misses a worker for `start_seconds`.

        TorchServe itself restarts a worker that dies, while the others serve on, but gives one
        up that fails for long.
        """
        if not self.running:
            return True
        try:
            whole = await self._whole()
        except Unavailable:
            pass
        else:
            self._last_answer = time.monotonic()
            if whole:
                self._last_whole = self._last_answer
        now = time.monotonic()
        return (
            now - self._last_answer > self._settings.heal_seconds
            or now - self._last_whole > self._settings.start_seconds
        )

    async def _whole(self) -> bool:
        """Whether every worker of every model is ready; raises Unavailable without an answer."""
        assert self._client
        try:
            for model in self._models:
                (served,) = await self._client.versions(model)
                if not served.states or any(state != "READY" for state in served.states):
                    return False
        except NotFound:
            return False
        return True

    async def _all_answer(self) -> bool:
        """Every worker is ready and every model has answered a picture."""
        assert self._client
        try:
            if not await self._whole():
                return False
        except Unavailable:
            return False
        image = smoke_test.PICTURE.read_bytes()
        for model in self._models:
            try:
                await self._client.predict(model, image, options=smoke_test.OPTIONS)
            except Refused:  # is an answer as well
                continue
            except ApiError:
                return False
        return True

    def _require_short_path(self) -> None:
        """Workers that cannot open their sockets would be started again and again, in silence.

        Raises ModelServerFailed.
        """
        if len(os.fsencode(self._directory / "tmp" / _SOCKET)) > _LONGEST_SOCKET:
            raise ModelServerFailed(
                f"The path of the temporary directory {self._directory.parent} is too long for "
                "the sockets of workers: set TMPDIR to a shorter one."
            )

    def _clear(self) -> None:
        """Removes what an earlier one left; the home itself may be a volume.

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

    def _with_archives(self) -> list[str]:
        found = []
        for model in self._settings.models:
            archive = self._settings.model_store / f"{model}.mar"
            if archive.is_file():
                found.append(model)
            elif not self._settings.train_missing:
                raise ModelServerFailed(f"{archive} is missing: build it with `make archives`.")
        return found


def _remove_abandoned() -> None:
    """Removes the directories of launchers that were killed before they could."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*-*"):
        owner = folder.name.removeprefix(_PREFIX).partition("-")[0]
        if owner.isdigit() and not psutil.pid_exists(int(owner)):
            shutil.rmtree(folder, ignore_errors=True)
