"""Attacks on the service while other callers go on: how long they wait, and what memory it takes.

Each attack meets a new process of the service, because memory that an attack before it left to the
allocator would hide what it takes. TorchServe stays the same.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx2

from archive_scripts.archives.building import ROOT
from auth_api.settings import Settings
from benchmarks.pictures import drawings
from tests.support.apis import Api
from tests.support.attacks.catalogue import ATTACKS
from tests.support.attacks.sending import Attack, Reply, Target, send, summary
from tests.support.call_loops import Call, CallLoops
from tests.support.memory import memory_samples, with_children
from tests.support.running import Ranjana

# Longest wait of a caller for an answer. A service that answers nobody for so long is killed.
_MAX_SECONDS = 60.0
# The workers may be busy with pictures of the attack before.
_RECOVERY_SECONDS = 300.0
_WARM_UP_SECONDS = 2.0
_WITHOUT_SECONDS = 10.0
_HEAD = """\
### Others during an attack

| attack | `/health` s | prediction s | failed | attacker got | service +MB | workers +MB |
|---|---|---|---|---|---|---|"""


def hostile_rows(folder: Path, chosen: Sequence[str], root: Path = ROOT) -> Iterator[str]:
    """Yields the lines of the table, each as soon as it is measured. A wait of `_MAX_SECONDS` is a
    failed request, which might have waited longer.

    `chosen` are parts of the groups or names of attacks; none chooses all. `root` is the checkout
    whose code is attacked.
    """
    attacks = [
        attack
        for attack in ATTACKS
        if not chosen or any(text in f"{attack.row} {attack.name}" for text in chosen)
    ]
    ranjana = Ranjana(folder / "ranjana", what="torchserve", root=root)
    try:
        ranjana.wait_until_ready()
        yield _HEAD
        for number, attack in enumerate([None, *attacks]):
            yield _row(ranjana, folder / f"api{number}", attack, root)
    finally:
        ranjana.kill()


def _row(ranjana: Ranjana, folder: Path, attack: Attack | None, root: Path) -> str:
    # The defaults of what tests change; fast hashes and no rate limits remain.
    settings = Settings()
    environment = {
        "MAX_QUEUE_SECONDS": str(settings.max_queue_seconds),
        "TORCHSERVE_RETRY_SECONDS": str(settings.torchserve_retry_seconds),
    }
    api = Api(folder, ranjana, environment=environment, root=root).wait_until_alive()
    try:
        return _measured(api, ranjana, attack)
    finally:
        api.stop(signal.SIGKILL)


def _measured(api: Api, ranjana: Ranjana, attack: Attack | None) -> str:
    target = Target(api.port, api.sign_up().access)
    connections = attack.connections(target) if attack else []
    callers = CallLoops(
        f"http://127.0.0.1:{api.port}",
        {"health": _health, "first": _predict, "second": _predict},
        _MAX_SECONDS,
    )
    replies: list[Reply] = []
    try:
        time.sleep(_WARM_UP_SECONDS)
        callers.wait_until_answered(time.monotonic(), _RECOVERY_SECONDS)
        with (
            memory_samples(lambda: with_children(api.process.pid)) as service,
            memory_samples(ranjana.workers) as workers,
        ):
            began = time.monotonic()
            if attack:
                replies = send(attack, target, connections)
            else:
                time.sleep(_WITHOUT_SECONDS)
            with suppress(AssertionError):  # the table says who waited
                callers.wait_until_answered(time.monotonic(), _MAX_SECONDS)
        callers.stop()
    finally:
        callers.close()
    calls = [call for call in callers.calls if call.ended >= began]
    health = [call for call in calls if call.caller == "health"]
    predictions = [call for call in calls if call.caller != "health"]
    failed = sum(call.status != 200 for call in calls)
    name = f"{attack.row}: {attack.name}" if attack else "none"
    return (
        f"| {name} | {_longest(health):.2f} | {_longest(predictions):.2f} "
        f"| {failed} of {len(calls)} | {summary(replies)} | {_gain(service)} | {_gain(workers)} |"
    )


def _longest(calls: Sequence[Call]) -> float:
    return max(call.seconds for call in calls)


def _gain(samples: Sequence[int]) -> int:
    """From the first to the highest sample, in megabytes."""
    return round((max(samples) - samples[0]) / 1e6)


def _health(client: httpx2.Client) -> httpx2.Response:
    return client.get("/health")


def _predict(client: httpx2.Client) -> httpx2.Response:
    files: dict[str, Any] = {"image": drawings()[5]}
    return client.post("/api/predict/", files=files)
