"""A TorchServe that is added behind the same address gets its share, and no request fails."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from auth_api.observability.metrics import Metrics
from auth_api.settings import Settings
from auth_api.torchserve.client import TorchServe
from tests.support.measured import value
from tests.support.pictures import encode, reference
from tests.support.running import Ranjana, metrics_of
from tests.support.turns import Forwarder

IMAGE = encode(reference(7))
_CALLERS = 8
_AGE_SECONDS = 1.0
_LOAD_SECONDS = 3.0


class _Servers(NamedTuple):
    first: Ranjana
    second: Ranjana
    settings: dict[str, object]


@pytest.fixture
def servers(
    request: pytest.FixtureRequest, tmp_path: Path, small_store: Path, full: bool
) -> Iterator[_Servers]:
    """Two TorchServes. In the short form one, on two addresses, which shows where connections go
    but not that another TorchServe answers.
    """
    if not full:
        ranjana: Ranjana = request.getfixturevalue("ranjana")
        (keys,) = ranjana.folder.glob("ranjana-*/home/key_file.json")
        management = f"http://127.0.0.1:{ranjana.management_port}"
        settings = {"torchserve_key_file": keys, "torchserve_management_url": management}
        yield _Servers(ranjana, ranjana, settings)
        return
    # As on Kubernetes, because a client has the keys of one TorchServe only.
    environment = {
        "MODELS": "ranjana",
        "MODEL_STORE": str(small_store),
        "TORCHSERVE_TOKENS": "false",
    }
    started = [Ranjana(tmp_path / name, environment, "torchserve") for name in "ab"]
    try:
        for each in started:
            each.wait_until_ready()
        yield _Servers(*started, {"torchserve_key_file": None})
    finally:
        for each in started:
            each.kill()


@pytest.mark.thorough
def test_a_torchserve_that_is_added_gets_requests_and_none_fails(
    servers: _Servers, full: bool
) -> None:
    asyncio.run(_scenario(servers))
    if full:
        for server in (servers.first, servers.second):
            counted = metrics_of(server.metrics_port)
            assert value(counted, "ts_inference_requests_total", model_name="ranjana") > _CALLERS


async def _scenario(servers: _Servers) -> None:
    before, added = (
        Forwarder(servers.first.inference_port),
        Forwarder(servers.second.inference_port),
    )
    async with before.listening() as first, added.listening() as second:
        forwarder = Forwarder(first)
        async with forwarder.listening() as port:
            settings = Settings.model_validate(
                {
                    "torchserve_inference_url": f"http://127.0.0.1:{port}",
                    "torchserve_connection_seconds": _AGE_SECONDS,
                    "max_queue_seconds": 30,
                    **servers.settings,
                }
            )
            torchserve = TorchServe(settings, Metrics())
            try:
                await _call(torchserve, _LOAD_SECONDS)
                forwarder.ports.append(second)
                answers = await _call(torchserve, _LOAD_SECONDS)
                assert forwarder.opened[second] >= 2
            finally:
                await torchserve.aclose()
            # They are still pooled, not one for each request.
            assert forwarder.opened[second] < answers / 2


async def _call(torchserve: TorchServe, seconds: float) -> int:
    """Sends pictures for a while, a few at a time; returns how many. Raises if one fails."""
    until = time.monotonic() + seconds

    async def call() -> int:
        answers = 0
        while time.monotonic() < until:
            answer = await torchserve.predict("ranjana", IMAGE)
            assert answer["predicted_class"] == 7
            answers += 1
        return answers

    return sum(await asyncio.gather(*(call() for _ in range(_CALLERS))))
