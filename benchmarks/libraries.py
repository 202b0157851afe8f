"""Our own code beside a library that does the same, for `docs/decisions.md`."""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple
from uuid import uuid4

from sqlalchemy import bindparam, event, insert, select
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import Session as Transaction
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.types import Message

from auth_api.authorisation.authoriser import _BY_SESSION
from auth_api.database.backends import _IS_WRITE, _begin_sqlite, _set_up_sqlite
from auth_api.database.columns import now
from auth_api.database.database import Database, core_of
from auth_api.database.micro_batching import MicroBatcher
from auth_api.database.tables.accounts import Session, User
from auth_api.database.tables.history import Prediction
from auth_api.http.body_memory import BodyMemory
from auth_api.http.trusted_hosts import TrustedHosts
from auth_api.http.uploads import read_writing
from auth_api.schemas.recognition import PredictJson, PredictQuery
from auth_api.settings import Settings
from benchmarks.timing import median_ratio
from tests.support.pictures import encode, reference
from tests.support.postgresql import PostgreSQL

Call = Callable[[], Awaitable[object]]

_CALLERS = 32
_SECONDS = 0.5
_LINGER_SECONDS = 0.003
_BODY_BYTES = 64 * 1024 * 1024
_SESSIONS, _USERS, _PREDICTIONS = core_of(Session), core_of(User), core_of(Prediction)
# The same statement as `_BY_SESSION`, prepared once.
_SELECT = (
    select(_SESSIONS.c.id, _SESSIONS.c.user_id, _USERS.c.role)
    .join_from(_SESSIONS, _USERS)
    .where(
        _SESSIONS.c.id.in_(bindparam("keys", expanding=True)),
        _SESSIONS.c.revoked_at.is_(None),
        _SESSIONS.c.expires_at > bindparam("now"),
        _USERS.c.active,
    )
)


class _Pair(NamedTuple):
    name: str
    callers: int
    own: Call
    library: Call


def libraries_table(rounds: int) -> str:
    """Calls per second and processor time per call of both, and the ratio of the calls."""
    lines = [
        "### Own code and libraries",
        "",
        "| mechanism | callers | own calls/s | own ms | library calls/s | library ms | ratio |",
        "|---|---|---|---|---|---|---|",
    ]
    return "\n".join([*lines, *asyncio.run(_rows(rounds)), ""])


async def _rows(rounds: int) -> list[str]:
    rows = [await _row(pair, rounds) for pair in (*_forms(), _hosts())]
    server = PostgreSQL()
    try:
        with tempfile.TemporaryDirectory() as folder:
            for url in (f"sqlite:///{Path(folder) / 'ranjana.db'}", server.new_database()):
                database = Database(Settings(database_url=url))
                await database.migrate()
                async for pair in _database_pairs(database):
                    rows.append(await _row(pair, rounds))
                await database.aclose()
    finally:
        server.close()
    return rows


async def _row(pair: _Pair, rounds: int) -> str:
    sides: tuple[list[tuple[float, float]], ...] = ([], [])
    for _ in range(rounds):
        for side, call in zip(sides, (pair.own, pair.library), strict=True):
            side.append(await _closed_loop(call, pair.callers))
    own, library = sides
    ratio = median_ratio([each for each, _ in own], [each for each, _ in library])
    medians = [statistics.median(column) for side in sides for column in zip(*side, strict=True)]
    cells = "{:.0f} | {:.3f} | {:.0f} | {:.3f}".format(*medians)
    return f"| {pair.name} | {pair.callers} | {cells} | {ratio:.2f} |"


async def _closed_loop(call: Call, callers: int) -> tuple[float, float]:
    """Calls per second, and milliseconds of processor time per call."""
    calls, began, cpu = 0, time.perf_counter(), time.process_time()

    async def loop() -> None:
        nonlocal calls
        while time.perf_counter() - began < _SECONDS:
            await call()
            calls += 1

    await asyncio.gather(*(loop() for _ in range(callers)))
    milliseconds = (time.process_time() - cpu) * 1000 / calls
    return calls / (time.perf_counter() - began), milliseconds


def _forms() -> Iterator[_Pair]:
    for name, image in (
        ("multipart form, 5 kB", encode(reference(12))),
        ("multipart form, 150 kB", bytes(range(256)) * 586),
    ):
        boundary = uuid4().hex
        head = 'Content-Disposition: form-data; name="image"; filename="a.png"\r\n\r\n'
        body = f"--{boundary}\r\n{head}".encode() + image + f"\r\n--{boundary}--\r\n".encode()
        kind = f"multipart/form-data; boundary={boundary}".encode()
        memory = BodyMemory(_BODY_BYTES, Path(tempfile.gettempdir()))
        app = SimpleNamespace(state=SimpleNamespace(body_memory=memory))
        headers = [(b"content-type", kind)]
        scope = {"type": "http", "method": "POST", "headers": headers, "app": app}

        def request(scope: Any = scope, body: bytes = body) -> Request:
            chunks = [body[start : start + 65536] for start in range(0, len(body), 65536)]

            async def receive() -> Message:
                return {"type": "http.request", "body": chunks.pop(0), "more_body": bool(chunks)}

            return Request(scope, receive)

        async def own(request: Callable[[], Request] = request) -> None:
            with ExitStack() as held:
                await read_writing(request(), PredictQuery(), PredictJson, held)

        async def library(request: Callable[[], Request] = request) -> None:
            async with request().form() as form:
                await form["image"].read()  # type: ignore[union-attr]

        yield _Pair(name, 1, own, library)


def _hosts() -> _Pair:
    async def app(*_: object) -> None: ...

    hosts = ["ranjana.example.org"]
    scope = {"type": "http", "path": "/", "headers": [(b"host", hosts[0].encode())]}
    own, library = TrustedHosts(app, hosts, ()), TrustedHostMiddleware(app, hosts)
    return _Pair(
        "trusted hosts",
        1,
        lambda: own(scope, app, app),  # type: ignore[arg-type]
        lambda: library(scope, app, app),  # type: ignore[arg-type]
    )


async def _database_pairs(database: Database) -> AsyncIterator[_Pair]:
    kind = "SQLite" if database.is_sqlite else "PostgreSQL"
    user_id, session = await database.write(_user_with_session)

    async def look_up(keys: Sequence[str]) -> Sequence[object]:
        await database.look_up(_BY_SESSION, list(set(keys)), now())
        return keys

    def by_sqlalchemy(transaction: Transaction) -> object:
        parameters = {"keys": [session], "now": now()}
        return transaction.connection().execute(_SELECT, parameters).all()

    def insert_one(transaction: Transaction) -> object:
        return transaction.execute(insert(_PREDICTIONS), [_prediction(user_id)])

    async def insert_many(rows: Sequence[dict[str, Any]]) -> Sequence[int]:
        return await database.write(
            lambda transaction: database.insert_returning_ids(transaction, Prediction, rows)
        )

    batched_look_up = MicroBatcher(look_up, linger=_LINGER_SECONDS)
    batched_insert = MicroBatcher(insert_many, linger=_LINGER_SECONDS)
    for callers in (1, _CALLERS):
        yield _Pair(
            f"look-up as SQL text or SQLAlchemy statement, {kind}",
            callers,
            lambda: look_up([session]),
            lambda: database.read(by_sqlalchemy),
        )
    yield _Pair(
        f"look-ups micro-batched or not, {kind}",
        _CALLERS,
        lambda: batched_look_up(session),
        lambda: look_up([session]),
    )
    yield _Pair(
        f"insertions micro-batched or not, {kind}",
        _CALLERS,
        lambda: batched_insert(_prediction(user_id)),
        lambda: insert_many([_prediction(user_id)]),
    )
    if not database.is_sqlite:
        return
    engine = create_async_engine(database.url.set(drivername="sqlite+aiosqlite"))
    event.listen(engine.sync_engine, "connect", _set_up_sqlite)
    event.listen(engine.sync_engine, "begin", _begin_sqlite)

    async def aiosqlite_read() -> None:
        async with AsyncSession(engine) as opened:
            await opened.run_sync(by_sqlalchemy)

    async def aiosqlite_write() -> None:
        writing = engine.execution_options(**{_IS_WRITE: True})
        async with AsyncSession(writing) as opened, opened.begin():
            await opened.run_sync(insert_one)

    for callers in (1, _CALLERS):
        yield _Pair(
            "reads in threads or by aiosqlite",
            callers,
            lambda: database.read(by_sqlalchemy),
            aiosqlite_read,
        )
        yield _Pair(
            "writes in a thread or by aiosqlite",
            callers,
            lambda: database.write(insert_one),
            aiosqlite_write,
        )
    await engine.dispose()


def _user_with_session(transaction: Transaction) -> tuple[int, str]:
    user = User(username="maya", username_key="maya", email="m", email_key="m", password_hash="x")
    transaction.add(user)
    transaction.flush()
    assert user.id is not None
    session, expires_at = uuid4().hex, now() + timedelta(days=1)
    transaction.add(Session(id=session, user_id=user.id, expires_at=expires_at))
    return user.id, session


def _prediction(user_id: int) -> dict[str, Any]:
    best = {"class": 12, "character": "ड", "name": "dda", "confidence": 98.9}
    return {
        "user_id": user_id,
        "created_at": now(),
        "model": "ranjana",
        "version": "1.0",
        "predicted_class": 12,
        "confidence": 98.9,
        "top": [best] * 5,
        "preprocessed": True,
        "media": uuid4().hex,
    }
