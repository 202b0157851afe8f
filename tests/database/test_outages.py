"""Outages of the database and kills of the process lose nothing that was answered."""

from __future__ import annotations

import asyncio
import signal
import sqlite3
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager, suppress
from datetime import UTC, datetime
from tempfile import TemporaryDirectory

import httpx2
import pytest
from sqlalchemy import URL, make_url, text

from auth_api.database.database import Database
from auth_api.database.statements import Lookup
from auth_api.errors import Unavailable
from auth_api.settings import Settings
from tests.support.apis import Api, StartApi, User
from tests.support.commands import command
from tests.support.measured import value
from tests.support.pictures import encode, reference
from tests.support.postgresql import PostgreSQL
from tests.support.running import steadily, wait_for

pytestmark = pytest.mark.thorough("postgresql")

# A write waits up to five seconds for a locked file.
SECONDS = 6


def steady_predictions(
    user: User, callers: int = 2
) -> AbstractContextManager[list[httpx2.Response]]:
    """Signed-in callers that predict all the time, even while no process answers."""
    return steadily(user.predict, callers, seconds=1, ignored=httpx2.TransportError)


def stored_ids(user: User) -> set[int]:
    """The ids of all predictions in the history."""
    return {row["id"] for row in user.get("/api/history/export/").json()["predictions"]}


def answered_ids(responses: list[httpx2.Response]) -> set[int]:
    """The prediction ids in successful answers."""
    return {response.json()["prediction_id"] for response in responses if response.is_success}


@pytest.mark.parametrize("outage", ["stopped", "hanging"])
def test_an_outage_costs_503s_and_nothing_else(
    start_api: StartApi, database: str, outage: str
) -> None:
    if outage == "hanging" and database == "sqlite":
        pytest.skip("a SQLite file does not hang")
    server = PostgreSQL() if database == "postgresql" else None
    api = start_api({"DATABASE_URL": server.new_database()} if server else {})
    user = api.sign_up()
    with steady_predictions(user) as responses:
        with server.hanging() if server and outage == "hanging" else stopped(api, server):
            time.sleep(SECONDS / 2)
            anonymous = api.client.post("/api/predict/", files={"image": encode(reference(7))})
            measured = api.metrics()
            if server:
                ready = api.client.get("/ready")
                asked = time.monotonic()
                pod = api.client.get("/ready/database")
                pod_seconds = time.monotonic() - asked
            time.sleep(SECONDS / 2)
        wait_for(lambda: user.predict().status_code == 200, 20)
    # Requests that need no database succeed.
    assert anonymous.status_code == 200
    # A SQLite file that is locked for writing can still be read.
    assert value(measured, "database_up") == (0 if server else 1)
    # Counted only now, because of the wait for a locked file.
    assert value(api.metrics(), "database_failures_total") > 0
    assert ("\njobs{" in measured) == (server is None)
    if server:
        assert ready.status_code == 503
        assert "database" in ready.json()["details"]["database"]
        assert (pod.status_code, pod.json()["code"]) == (503, "not_ready")
        assert "database" in pod.json()["details"]["database"]
        # A pod's probe waits five seconds.
        assert pod_seconds < 4
    assert {response.status_code for response in responses} == {200, 503}
    refused = [response for response in responses if response.status_code == 503]
    assert {response.json()["code"] for response in refused} == {"database_unavailable"}
    assert all(response.headers["Retry-After"] for response in refused)
    assert answered_ids(responses) <= stored_ids(user)
    assert api.client.get("/ready").status_code == 200
    wait_for(lambda: value(api.metrics(), "database_up") == 1, 10)
    api.stop()
    if server:
        server.close()


@contextmanager
def stopped(api: Api, server: PostgreSQL | None) -> Iterator[None]:
    """Stops PostgreSQL, or locks the SQLite file for writing."""
    if server:
        server.stop()
        yield
        server.start()
        return
    connection = sqlite3.connect(api.database_url.removeprefix("sqlite:///"))
    connection.execute("BEGIN IMMEDIATE")
    yield
    connection.rollback()
    connection.close()


FATAL = b"SFATAL\0VFATAL\0C57P01\0Mterminating connection due to administrator command\0\0"


@asynccontextmanager
async def cut_after(messages: int, announced: bool, url: URL) -> AsyncIterator[Settings]:
    """A way to PostgreSQL that is cut after some messages of the server to each connection.

    `announced`: the server says why before it closes, as when an operator ends the connection.
    """
    socket = f"{url.query['host']}/.s.PGSQL.5432"
    forwarding = asyncio.TaskGroup()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        forwarding.create_task(forward(reader, writer))

    async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        from_server, to_server = await asyncio.open_unix_connection(socket)

        async def requests() -> None:
            with suppress(ConnectionError):
                while data := await reader.read(65536):
                    to_server.write(data)
            to_server.close()

        requesting = asyncio.create_task(requests())
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            for _ in range(messages):
                head = await from_server.readexactly(5)
                writer.write(head + await from_server.readexactly(int.from_bytes(head[1:]) - 4))
            if announced:
                writer.write(b"E" + (len(FATAL) + 4).to_bytes(4) + FATAL)
                # Statements that are sent meanwhile meet a connection that is not closed yet.
                await asyncio.sleep(0.01)
        writer.close()
        await requesting

    with TemporaryDirectory() as folder:
        server = await asyncio.start_unix_server(accept, f"{folder}/.s.PGSQL.5432")
        cut = url.update_query_dict({"host": folder})
        async with forwarding:  # waits until all connections are closed
            yield Settings(database_url=cut.render_as_string(hide_password=False))
            server.close()


@pytest.mark.database("postgresql")
@pytest.mark.parametrize("announced", [False, True])
def test_a_connection_cut_anywhere_raises_unavailable(
    database: str, request: pytest.FixtureRequest, announced: bool
) -> None:
    url = make_url(request.getfixturevalue("postgresql").new_database())
    lookup = Lookup("SELECT 1 WHERE 'a' {among} AND {moment}::timestamptz IS NOT NULL")
    operations: list[Callable[[Database], Awaitable[object]]] = [
        lambda database: database.look_up(lookup, ["a"], datetime.now(UTC)),
        lambda database: database.read(lambda session: session.execute(text("SELECT 1"))),
        lambda database: database.write(lambda session: session.execute(text("SELECT 1"))),
    ]

    async def is_answered(
        operation: Callable[[Database], Awaitable[object]], messages: int
    ) -> bool:
        async with cut_after(messages, announced, url) as settings:
            database = Database(settings)
            try:
                await operation(database)
            except Unavailable:
                return False
            finally:
                await database.aclose()
                # Lets the event loop close the sockets of the cut connection.
                await asyncio.sleep(0.02)
            return True

    async def run() -> None:
        for operation in operations:
            answers = [is_answered(operation, messages) for messages in range(0, 80, 2)]
            assert {*await asyncio.gather(*answers)} == {False, True}

    asyncio.run(run())


@pytest.mark.database("postgresql")
def test_a_connection_cut_by_the_server_raises_unavailable(
    database: str, request: pytest.FixtureRequest
) -> None:
    settings = Settings(database_url=request.getfixturevalue("postgresql").new_database())
    cut = text(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    lookup = Lookup("SELECT 1 WHERE 'a' {among} AND {moment}::timestamptz IS NOT NULL")
    counts: Counter[str] = Counter()

    async def read(database: Database, stopped: asyncio.Event) -> None:
        while not stopped.is_set():
            try:
                await database.look_up(lookup, ["a"], datetime.now(UTC))
                counts["answered"] += 1
            except Unavailable:
                counts["refused"] += 1

    async def run() -> None:
        cutter, database = Database(settings), Database(settings)
        stopped = asyncio.Event()
        readers = [asyncio.create_task(read(database, stopped)) for _ in range(16)]
        for _ in range(20):
            answered = counts["answered"]
            await cutter.read(lambda session: session.execute(cut))
            async with asyncio.timeout(30):
                # Readers that were cut are answered again, however slow the machine is.
                while counts["answered"] < answered + 3 * len(readers):
                    await asyncio.sleep(0.01)
        stopped.set()
        await asyncio.gather(*readers)
        await database.aclose()
        await cutter.aclose()
        # Lets the event loop close the sockets of the cut connections.
        await asyncio.sleep(0.5)

    asyncio.run(run())
    assert counts["refused"] > 5


def test_a_kill_loses_no_answered_prediction_and_leaves_no_orphan_picture(
    start_api: StartApi,
) -> None:
    api = start_api()
    user = api.sign_up()
    with steady_predictions(user, callers=8) as responses:
        time.sleep(1)
        api.process.send_signal(signal.SIGKILL)
        api.process.wait()
    assert len(responses) > 20
    restarted = start_api(beside=api)
    returned = User(restarted, user.username, user.email, user.refresh, user.access)
    rows = returned.get("/api/history/export/").json()["predictions"]
    assert answered_ids(responses) <= {row["id"] for row in rows}
    assert command(restarted, "clean-up", "--orphans-after", "0").code == 0
    # There is one picture a row.
    assert len(list(restarted.media.rglob("*.image"))) == len(rows)
    for row in rows[-8:]:
        assert returned.get(row["image"]).content == encode(reference(0))


def test_stopping_finishes_running_requests(start_api: StartApi) -> None:
    _require_finished(start_api, signal.SIGTERM)


@pytest.mark.database("sqlite")
def test_ctrl_c_finishes_running_requests(start_api: StartApi) -> None:
    _require_finished(start_api, signal.SIGINT)


def _require_finished(start_api: StartApi, number: signal.Signals) -> None:
    api = start_api()
    user = api.sign_up()
    with steady_predictions(user, callers=8) as responses:
        api.process.send_signal(number)
        assert api.process.wait(20) in {0, -number}
    assert {response.status_code for response in responses} == {200}
    restarted = start_api(beside=api)
    returned = User(restarted, user.username, user.email, user.refresh, user.access)
    rows = returned.get("/api/history/export/").json()["predictions"]
    assert answered_ids(responses) == {row["id"] for row in rows}
    assert len(list(restarted.media.rglob("*.image"))) == len(rows)


def test_two_processes_serve_one_database(start_api: StartApi) -> None:
    first = start_api({"SECRET_KEY": "Zc0sW2uQe5r9TgYh7Jk1Lm4Np6Bv8XdF"})
    second = start_api({"SECRET_KEY": "Zc0sW2uQe5r9TgYh7Jk1Lm4Np6Bv8XdF"}, beside=first)
    user = first.sign_up()
    users = [user, User(second, user.username, user.email, user.refresh, user.access)]
    with ThreadPoolExecutor(8) as callers:
        compared = list(callers.map(lambda n: users[n % 2].compare(5), range(40)))
    assert {response.status_code for response in compared} == {200}
    assert len({response.json()["comparison_id"] for response in compared}) == 40
    progress = users[1].get("/api/progress/").json()
    assert progress["characters"][5]["attempts"] == 40
    # A logout at one process ends the session at the other.
    logout: Callable[..., httpx2.Response] = first.client.post
    assert logout("/api/logout/", json={"refresh": user.refresh}).status_code == 200
    assert users[1].get("/api/me/").status_code == 401
