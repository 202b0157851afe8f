"""Waits for the API, and tells the operator when the service is ready, or what is missing."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Iterable
from contextlib import suppress
from http import HTTPStatus

import httpx2

from auth_api.process.children import Child
from launcher.model_server import ModelServer
from launcher.settings import LauncherSettings

_START_SECONDS = 60.0
_READY = "ready"


class ApiFailed(Exception):
    """The API did not start; the message is for the operator."""


class Readiness:
    """Prints the ready line once, as soon as every model answers. Until then it prints what is
    missing, again whenever something else is missing.
    """

    def __init__(
        self, settings: LauncherSettings, model_server: ModelServer, *, with_api: bool
    ) -> None:
        self._settings = settings
        self._model_server = model_server
        self._with_api = with_api
        self._missing: frozenset[str] | None = None
        host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(settings.api_host, settings.api_host)  # noqa: S104
        self._url = f"http://{host}:{settings.api_port}"

    async def wait_for(self, api: Child) -> None:
        """Waits until the API answers. Raises ApiFailed."""
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline:
            if not api.running:
                raise ApiFailed(f"The API ended with exit status {api.exit_status}.")
            with suppress(httpx2.TransportError):
                if (await self._get("/health")).status_code == HTTPStatus.OK:
                    return
            await asyncio.sleep(0.1)
        raise ApiFailed(f"The API did not answer within {_START_SECONDS:g} seconds.")

    async def tell(self) -> None:
        """Prints a line if there is something new to say."""
        if self._missing == frozenset():
            return
        try:
            problems = await self._problems()
        except (httpx2.TransportError, ValueError, KeyError):
            return  # the API starts again or stops
        if problems.keys() == self._missing:
            return
        self._missing = frozenset(problems)
        line = self._waiting_line(problems.values()) if problems else self._ready_line()
        # One write with its newline, because the service writes to the same log.
        sys.stderr.write(f"{line}\n")

    async def _problems(self) -> dict[str, str]:
        """A sentence for each part of the service that is not ready."""
        if not self._with_api:
            return {
                model: f"The model {model} has no archive yet."
                for model in self._model_server.missing
            }
        answer = await self._get("/ready")
        if answer.status_code == HTTPStatus.OK:
            return {}
        states = answer.json()["details"]
        parts = {"database": states["database"], **states["models"]}
        return {name: state for name, state in parts.items() if state != _READY}

    async def _get(self, path: str) -> httpx2.Response:
        # Our own process, so no proxy; without TLS, so the certificates need not be loaded.
        async with httpx2.AsyncClient(trust_env=False, verify=False) as client:
            return await client.get(f"{self._url}{path}")

    def _ready_line(self) -> str:
        api, torchserve = self._address(), self._torchserve()
        if not self._with_api:
            return f"TorchServe is ready ({torchserve})."
        settings = self._settings
        metrics = f"http://{_reachable(settings.metrics_host)}:{settings.metrics_port}/metrics"
        return (
            f"Ranjana is ready at {api} (documentation {api}/docs; metrics {metrics}; "
            f"TorchServe {torchserve}). Ctrl-C stops it."
        )

    def _waiting_line(self, problems: Iterable[str]) -> str:
        if not self._with_api:
            return f"TorchServe answers ({self._torchserve()}). {' '.join(problems)}"
        return f"Ranjana answers at {self._address()}, but is not ready. {' '.join(problems)}"

    def _address(self) -> str:
        return f"http://{_reachable(self._settings.api_host)}:{self._settings.api_port}"

    def _torchserve(self) -> str:
        settings, key_file = self._settings, self._model_server.key_file
        keys = f"keys in {key_file}" if key_file else "no keys"
        return (
            f"on {settings.torchserve_host}: inference {settings.torchserve_inference_port}, "
            f"management {settings.torchserve_management_port}, "
            f"metrics {settings.torchserve_metrics_port}, {keys}"
        )


def _reachable(host: str) -> str:
    """A name by which a person on this machine reaches what listens on `host`."""
    return "localhost" if host in {"127.0.0.1", "0.0.0.0", "::"} else host  # noqa: S104
