"""Attacks of all kinds: other callers are answered, attackers are refused, nothing is left."""

from __future__ import annotations

import io
import time
import zipfile
from collections import Counter
from pathlib import Path

import psutil
import pytest
from PIL import Image

from tests.faults.callers import calling
from tests.faults.conftest import Beside, Row
from tests.support.apis import Api, User
from tests.support.attacks.catalogue import ATTACKS, GROUPS
from tests.support.attacks.scans import (
    arithmetic_scans,
    filled,
    many_bands,
    many_scans,
    many_segments,
)
from tests.support.attacks.sending import Attack, Reply, Target, send, summary
from tests.support.attacks.zips import blanks, many_entries, wordy
from tests.support.call_loops import Call
from tests.support.jobs import inputs
from tests.support.memory import memory_samples, with_children
from tests.support.pictures import encode, reference
from tests.support.running import wait_for

# Only a standstill makes others wait longer. The aim is a second.
_STANDSTILL_SECONDS = 8.0
# Four times the aim, for the process of the service, and for a moment.
_MAX_BYTES = 256_000_000
_RECOVERY_SECONDS = 120.0
_GONE_SECONDS = 30.0
# Pictures per entry of the history.
_PICTURES = {"predictions": 1, "similarities": 3}


@pytest.mark.faults
@pytest.mark.parametrize("group", GROUPS)
def test_an_attack_holds_up_nobody_and_leaves_nothing(
    beside: Beside, tmp_path: Path, row: Row, group: str
) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    api = beside(TMPDIR=str(temporary))
    attacker = api.sign_up()
    target = Target(api.port, attacker.access)
    data = _files(api.folder / "data")
    problems: list[str] = []
    all_replies: list[Reply] = []
    with calling(f"http://127.0.0.1:{api.port}") as callers:
        for attack in (attack for attack in ATTACKS if attack.row == group):
            connections = attack.connections(target)
            callers.wait_until_answered(time.monotonic(), _RECOVERY_SECONDS)
            began = time.monotonic()
            with memory_samples(lambda: with_children(api.process.pid)) as memory:
                replies = send(attack, target, connections)
                try:
                    callers.wait_until_answered(time.monotonic(), _RECOVERY_SECONDS)
                except AssertionError:
                    pytest.fail("\n".join([*problems, f"{attack.name}: the service stands still"]))
            calls = [call for call in list(callers.calls) if call.ended >= began]
            found = [*_harm(calls, max(memory) - memory[0]), *_unrefused(attack, replies)]
            problems += [f"{attack.name}: {problem}" for problem in found]
            all_replies += replies
        assert not problems, "\n".join(problems)
        note = f"attackers: {summary(all_replies)}"
        row(f"{group}: {GROUPS[group]}", callers, time.monotonic(), note=note)
    _require_nothing_left(api, attacker, sum(_PICTURES[p.split("/")[3]] for p in callers.saved))
    assert list(temporary.iterdir()) == []
    assert _files(api.folder / "data") == data
    assert "Traceback" not in api.log.read_text()


_JPEG = encode(reference(5), "JPEG")


@pytest.mark.parametrize(
    "jpeg",
    [
        many_scans(3, 1_024),
        many_bands(3, 1_024),
        arithmetic_scans(3, 64),
        many_segments(3, _JPEG),
        filled(3, _JPEG),
    ],
    ids=["scans", "bands", "arithmetic", "segments", "filled"],
)
def test_a_slow_jpeg_is_refused_for_its_work_only(jpeg: bytes) -> None:
    with Image.open(io.BytesIO(jpeg)) as picture:
        picture.load()  # raises for a damaged picture


def test_a_zip_of_blanks_is_refused_for_its_size_only() -> None:
    with zipfile.ZipFile(io.BytesIO(blanks())) as archive:
        assert len(archive.read(archive.namelist()[-1])) == 8 * 1024 * 1024


@pytest.mark.parametrize(
    ("content", "entries"),
    [(many_entries(70_000), 70_000), (many_entries(70_000, 5), 70_000), (wordy(), 900)],
    ids=["true", "lying", "wordy"],
)
def test_a_zip_of_many_entries_is_refused_for_them_only(content: bytes, entries: int) -> None:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert len(archive.namelist()) == entries


def _harm(calls: list[Call], gained: int) -> list[str]:
    """The harm that others suffered: failures, long waits, memory."""
    failed = Counter(
        f"{call.caller} got {call.status} {call.code}" for call in calls if call.status != 200
    )
    slowest = max(calls, key=lambda call: call.seconds)
    found = [f"{times} x {failure}" for failure, times in failed.items()]
    if slowest.seconds > _STANDSTILL_SECONDS:
        found.append(f"{slowest.caller} waited {slowest.seconds:.1f} s")
    if gained > _MAX_BYTES:
        found.append(f"the service took {gained / 1e6:.0f} MB")
    return found


def _unrefused(attack: Attack, replies: list[Reply]) -> list[str]:
    """Whether the attacker got too much, or a 5xx."""
    busy = [reply for reply in replies if attack.busy and reply.status == 503]
    refused = [reply for reply in replies if reply.refused]
    others = [reply for reply in replies if reply not in (*busy, *refused)]
    too_few = len(refused) + len(busy) < attack.refused * len(replies)
    if too_few or any(reply.status >= 500 for reply in others):
        return [f"the attacker got {summary(replies)}"]
    return []


def _require_nothing_left(api: Api, attacker: User, kept: int) -> None:
    process = psutil.Process(api.process.pid)

    def connections() -> list[object]:
        return [
            connection
            for connection in process.net_connections("tcp")
            if connection.laddr.port == api.port and connection.status != psutil.CONN_LISTEN
        ]

    jobs = attacker.get("/api/jobs/", params={"limit": 100}).json()["results"]
    assert [job for job in jobs if job["finished_at"] is None] == []
    api.client.close()
    wait_for(lambda: connections() == [], _GONE_SECONDS)
    wait_for(lambda: inputs(api) == [], _GONE_SECONDS)
    assert sum(path.is_file() for path in api.media.rglob("*.*")) == kept


def _files(folder: Path) -> set[Path]:
    return set(folder.rglob("*"))
