"""Sends an attack over its connections, all at the same time, and says what each of them got."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx2

from tests.support.attacks.requests import CHUNK_BYTES, bearer

CLOSED = 0
"""Stands for a status: the service closed the connection without an answer."""
OPEN = -1
"""Stands for a status: the connection was still open when the attack ended."""
_WORDS = {CLOSED: "closed", OPEN: "open"}
_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_JOB_POLL_SECONDS = 0.1

Piece = bytes | float
"""Bytes to send, or seconds to pause."""
Connection = Iterable[Piece]
"""What one connection sends. It may have no end: sending stops with the answer."""


@dataclass(frozen=True)
class Target:
    """The service under attack, and the attacker's account."""

    port: int
    access: str
    """An access token."""


@dataclass(frozen=True)
class Attack:
    row: str
    """The group: `S1` to `S7`."""
    name: str
    connections: Callable[[Target], Sequence[Connection]]
    """Makes what each connection sends. It may take seconds, before the attack begins."""
    refused: float = 1.0
    """Share of the replies that must be refusals; the others may be anything but a 5xx."""
    busy: bool = False
    """Whether a 503 counts as a refusal, because the attack itself keeps a model busy."""
    as_job: bool = False
    """Whether a job whose images all failed counts as a refusal."""
    seconds: float = 30
    """Longest duration; then all connections are closed and jobs cancelled."""
    replies: int = 1
    """Replies that each connection awaits."""


@dataclass(frozen=True)
class Reply:
    """What the attacker got for a request."""

    status: int
    """An HTTP status, `CLOSED` or `OPEN`; 400 for a job that counts as refused."""
    note: str = ""
    """The error's code, or what became of the job."""

    @property
    def refused(self) -> bool:
        """Whether the service says that the attacker is at fault, or hung up."""
        return self.status == CLOSED or 400 <= self.status < 500

    def __str__(self) -> str:
        return f"{_WORDS.get(self.status, self.status)} {self.note}".strip()


def send(attack: Attack, target: Target, connections: Sequence[Connection]) -> list[Reply]:
    """Sends what `attack.connections` made. Returns all replies, after the end of all jobs."""
    deadline = time.monotonic() + attack.seconds
    answers = asyncio.run(_send(attack, target.port, connections, deadline))
    with httpx2.Client(base_url=f"http://127.0.0.1:{target.port}", timeout=120) as client:
        headers = bearer(target.access)
        return [
            _followed(client, headers, answer["job_id"], deadline, as_refusal=attack.as_job)
            if status == 202 and "job_id" in answer
            else Reply(status, str(answer.get("code", "")))
            for status, answer in answers
        ]


def summary(replies: Iterable[Reply]) -> str:
    """The counts of the replies, for a table."""
    counts = Counter(map(str, replies))
    return ", ".join(
        f"{count} x {reply}" if count > 1 else reply for reply, count in counts.items()
    )


_Answer = tuple[int, dict[str, Any]]


async def _send(
    attack: Attack, port: int, connections: Sequence[Connection], deadline: float
) -> list[_Answer]:
    pending = [_converse(port, pieces, attack.replies, deadline) for pieces in connections]
    return [answer for answers in await asyncio.gather(*pending) for answer in answers]


async def _converse(port: int, pieces: Connection, replies: int, deadline: float) -> list[_Answer]:
    """Sends and receives at the same time, until all replies are there."""
    answers: list[_Answer] = []
    sender = None
    try:
        async with asyncio.timeout(max(0.0, deadline - time.monotonic())):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            sender = asyncio.create_task(_write(writer, pieces))
            while len(answers) < replies:
                answers.append(await _answer(reader))
        return answers
    except TimeoutError:
        return [*answers, (OPEN, {})]
    except (OSError, EOFError):
        return [*answers, (CLOSED, {})]
    finally:
        if sender:
            sender.cancel()
            await asyncio.wait([sender])
            writer.transport.abort()


async def _write(writer: asyncio.StreamWriter, pieces: Connection) -> None:
    try:
        for piece in pieces:
            if isinstance(piece, bytes):
                for start in range(0, len(piece), CHUNK_BYTES):
                    writer.write(piece[start : start + CHUNK_BYTES])
                    await writer.drain()
            else:
                await asyncio.sleep(piece)
            await asyncio.sleep(0)  # the other connections send too
    except OSError:
        pass  # the reader says what came before


async def _answer(reader: asyncio.StreamReader) -> _Answer:
    """The next answer. Raises OSError, EOFError."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = _LENGTH.search(head)
    body = await reader.readexactly(int(length[1])) if length else b""
    try:
        document = json.loads(body)
    except ValueError:
        document = {}
    return int(head[9:12]), document if isinstance(document, dict) else {}


def _followed(
    client: httpx2.Client,
    headers: Mapping[str, str],
    number: int,
    deadline: float,
    *,
    as_refusal: bool,
) -> Reply:
    """Waits for the end of a job, or cancels it."""
    path = f"/api/jobs/{number}/"
    while not (job := client.get(path, headers=headers).json())["finished_at"]:
        if time.monotonic() >= deadline:
            client.delete(path, headers=headers)
            job = client.get(path, headers=headers).json()
            break
        time.sleep(_JOB_POLL_SECONDS)
    counts = job["counts"]
    note = f"job {job['state']}, {counts['failed']} of {counts['total']} failed"
    all_failed = counts["failed"] == counts["total"]
    return Reply(400 if as_refusal and all_failed else 202, note)
