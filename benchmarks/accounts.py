"""The cost of accounts: recorded against anonymous predictions, and signing in against argon2."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import uvloop
from argon2 import PasswordHasher

from auth_api.settings import Settings
from benchmarks.load import Load, closed_loop, post
from benchmarks.pictures import FORM_TYPE, form, pictures_by_kind
from benchmarks.timing import median_ratio
from tests.support.apis import PASSWORD, Api, User
from tests.support.postgresql import PostgreSQL
from tests.support.running import Ranjana

_CALLERS = 32
_SIGN_IN_CALLERS = 16


def accounts_table(
    ranjana: Ranjana,
    folder: Path,
    seconds: float,
    rounds: int,
) -> str:
    """Returns both tables."""
    lines = [
        f"### Predictions recorded in the history, {_CALLERS} callers",
        "",
        "| database | pictures | anonymous, answers/s | recorded, answers/s | ratio |",
        "|---|---|---|---|---|",
    ]
    signing_in = [
        "### Signing in",
        "",
        "| database | sign-ins/s | bare argon2 verifications/s | ratio |",
        "|---|---|---|---|",
    ]
    with apis(ranjana, folder / "accounts") as started:
        for name, api in started.items():
            user = api.sign_up()
            for kind, images in pictures_by_kind().items():
                lines.append(_recorded_row(name, kind, api, user, images, seconds, rounds))
            signing_in.append(_sign_in_row(name, api, seconds, rounds))
    return "\n".join([*lines, "", *signing_in, ""])


@contextmanager
def apis(ranjana: Ranjana, folder: Path) -> Iterator[dict[str, Api]]:
    """Starts an API on each database, with the default costs of argon2."""
    settings = Settings()
    argon2 = {
        "ARGON2_TIME_COST": str(settings.argon2_time_cost),
        "ARGON2_MEMORY_KIB": str(settings.argon2_memory_kib),
        "LOG_LEVEL": "info",
    }
    folder.mkdir()
    server = PostgreSQL()
    started = {
        "SQLite": Api(folder / "sqlite", ranjana, environment=argon2),
        "PostgreSQL": Api(folder / "api", ranjana, server.new_database(), argon2),
    }
    try:
        for api in started.values():
            api.wait_until_alive()
        yield started
    finally:
        for api in started.values():
            api.stop()
        server.close()


def _recorded_row(
    name: str,
    kind: str,
    api: Api,
    user: User,
    images: Sequence[bytes],
    seconds: float,
    rounds: int,
) -> str:
    head = {"Content-Type": FORM_TYPE}
    bodies = [form(image) for image in images]
    anonymous = [post("/api/predict/", body, head) for body in bodies]
    signed_in = [post("/api/predict/", body, {**head, **user.headers}) for body in bodies]
    loads: dict[str, list[Load]] = {"anonymous": [], "signed in": []}
    _load(api, anonymous, 1)
    for _ in range(rounds):
        loads["anonymous"].append(_load(api, anonymous, seconds))
        loads["signed in"].append(_load(api, signed_in, seconds))
    without, recorded = ([load.throughput for load in loads[who]] for who in loads)
    return (
        f"| {name} | {kind} | {median(without):.0f} | {median(recorded):.0f} "
        f"| {median_ratio(recorded, without):.2f} |"
    )


def _sign_in_row(name: str, api: Api, seconds: float, rounds: int) -> str:
    requests = [
        post(
            "/api/signin/",
            json.dumps({"username": api.sign_up().username, "password": PASSWORD}).encode(),
            {"Content-Type": "application/json"},
        )
        for _ in range(_SIGN_IN_CALLERS)
    ]
    _load(api, requests, 1)
    sign_ins, bare = [], []
    for _ in range(rounds):
        sign_ins.append(_load(api, requests, seconds, callers=_SIGN_IN_CALLERS).throughput)
        bare.append(_verifications(seconds))
    return (
        f"| {name} | {median(sign_ins):.1f} | {median(bare):.1f} "
        f"| {median_ratio(sign_ins, bare):.2f} |"
    )


def _verifications(seconds: float) -> float:
    """Verifications per second on all cores together, with the parameters of the service."""
    settings = Settings()
    hasher = PasswordHasher(
        settings.argon2_time_cost, settings.argon2_memory_kib, settings.argon2_parallelism
    )
    stored = hasher.hash(PASSWORD)
    deadline = time.perf_counter() + seconds

    def verify() -> int:
        count = 0
        while time.perf_counter() < deadline:
            hasher.verify(stored, PASSWORD)
            count += 1
        return count

    cores = len(os.sched_getaffinity(0))
    started = time.perf_counter()
    with ThreadPoolExecutor(cores) as threads:
        total = sum(threads.map(lambda _: verify(), range(cores)))
    return total / (time.perf_counter() - started)


def _load(api: Api, requests: Sequence[bytes], seconds: float, callers: int = _CALLERS) -> Load:
    return uvloop.run(closed_loop(api.port, requests, callers, seconds))
