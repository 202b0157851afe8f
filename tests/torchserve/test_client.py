"""Unusual answers and unreadable keys of TorchServe become API errors, not internal errors."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import pytest
from prometheus_client import generate_latest
from pydantic import HttpUrl

from auth_api.errors import (
    ApiError,
    Conflict,
    ModelMissing,
    Refused,
    TimedOut,
    Unanswered,
    Unavailable,
    Unreachable,
)
from auth_api.observability.logs import request_id
from auth_api.observability.metrics import Metrics
from auth_api.settings import Settings
from auth_api.torchserve import batcher
from auth_api.torchserve.client import ServedVersion, TorchServe
from auth_api.torchserve.connection import failure
from auth_api.torchserve.endpoint import Endpoint, Response
from auth_api.torchserve.keys import KeyFile
from launcher.ports import free_port
from tests.support.measured import value


def test_a_refusal_without_a_reason_gets_a_default_message() -> None:
    found = failure(Response(400, b'{"success": false}'), "ranjana", None)
    assert isinstance(found, Refused)
    assert (found.status, found.code) == (400, "refused")
    assert found.message.endswith(".")
    named = failure(Response(415, b'{"success": false, "code": "x", "error": "No."}'), "r", None)
    assert isinstance(named, Refused)
    assert (named.code, named.message) == ("x", "No.")


Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def client_of(
    answer: Handler,
    missing: Callable[[str], ModelMissing | None] = lambda _: None,
    metrics: Metrics | None = None,
    **settings: object,
) -> AsyncIterator[TorchServe]:
    """A client of a server that handles its connections with `answer`."""
    connections: set[asyncio.Future[None]] = set()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        closed = asyncio.get_running_loop().create_future()
        connections.add(closed)
        try:
            await answer(reader, writer)
            writer.close()
            await writer.wait_closed()
        finally:
            closed.set_result(None)

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    addresses = {f"torchserve_{kind}_url": address for kind in ("inference", "management")}
    addressed = {**addresses, "torchserve_key_file": None}
    torchserve = TorchServe(
        Settings.model_validate({**addressed, **settings}), metrics or Metrics(), missing
    )
    try:
        yield torchserve
    finally:
        await torchserve.aclose()
        server.close()
        await asyncio.gather(*connections)


@pytest.mark.parametrize("body", [b"[]", b"3", b"null", b"{", b"[" * 100_000])
def test_an_answer_that_is_no_json_object_is_a_503(body: bytes) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))

    async def predict() -> None:
        async with client_of(answer) as torchserve:
            await torchserve.predict("ranjana", b"a picture")

    with pytest.raises(Unavailable, match="unreadable"):
        asyncio.run(predict())


def test_a_version_older_than_batches_gets_single_images() -> None:
    """Its handler takes a batch for one image; no caller may get that answer."""
    far_end = FarEnd(lambda request: (200, {"success": True, "saw": request.body.decode()}))

    async def predict() -> None:
        async with client_of(far_end, torchserve_max_concurrency=1) as torchserve:
            for letters in ("abc", "def"):
                predictions = (torchserve.predict("ranjana", letter.encode()) for letter in letters)
                answers = await asyncio.gather(*predictions)
                assert [answer["saw"] for answer in answers] == list(letters)

    asyncio.run(predict())
    assert [len(body) for body in far_end.bodies] == [1, 2, 1, 1, 1, 1, 1]


async def _head(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return b""


def write_keys(path: Path, inference: str, expiry: str) -> None:
    """Writes a key file as TorchServe does."""
    key = {"key": inference, "expiration time": expiry}
    keys = {"inference": key, "management": {**key, "key": "manages"}, "API": {"key": "renews"}}
    path.write_text(json.dumps(keys))


def test_keys_that_cannot_be_read_or_renewed_are_a_503(tmp_path: Path) -> None:
    unreadable = tmp_path / "folder.json"
    unreadable.mkdir()
    path = tmp_path / "key_file.json"
    write_keys(path, "old", "2020-01-01T00:00:00.123456789Z")
    path.with_suffix(".lock").mkdir()

    metrics = Metrics()

    async def token(path: Path) -> None:
        management = Endpoint(HttpUrl("http://127.0.0.1:1"), connections=1, seconds=1, max_age=60)
        await KeyFile(path, management, metrics).token("inference")

    with pytest.raises(Unavailable, match="is starting"):
        asyncio.run(token(unreadable))
    with pytest.raises(Unavailable, match="cannot be renewed"):
        asyncio.run(token(path))
    failed = generate_latest(metrics.registry).decode()
    assert value(failed, "torchserve_key_renewals_total", kind="inference", outcome="failed") == 1


class Request(NamedTuple):
    line: str
    headers: dict[str, str]
    body: bytes


Respond = Callable[[Request], tuple[int, object]]


class FarEnd:
    """Takes the place of TorchServe and remembers the requests."""

    def __init__(self, respond: Respond) -> None:
        """`respond` returns a status and JSON."""
        self.requests: list[Request] = []
        self._respond = respond

    @property
    def lines(self) -> list[str]:
        return [request.line for request in self.requests]

    @property
    def bodies(self) -> list[bytes]:
        return [request.body for request in self.requests]

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await _head(reader):
            line, *fields = head.decode().strip().split("\r\n")
            parts = (field.partition(": ") for field in fields)
            headers = {name.lower(): text for name, _, text in parts}
            body = await reader.readexactly(int(headers.get("content-length", 0)))
            request = Request(line.removesuffix(" HTTP/1.1"), headers, body)
            self.requests.append(request)
            await asyncio.sleep(0.01)
            status, content = self._respond(request)
            answer = json.dumps(content).encode()
            writer.write(b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n" % (status, len(answer)))
            writer.write(answer)


def read_text(text: str, options: dict[str, str]) -> tuple[int, dict[str, object]]:
    """The status and the answer of a handler that reads texts."""
    if text.startswith("bad"):
        return 400, {"success": False, "code": "blank", "error": "No."}
    return 200, {"saw": text, "strict": options.get("X-Strict")}


def read_texts(request: Request) -> tuple[int, object]:
    """Answers one image, or several that share a request."""
    if "x-images" not in request.headers:
        return read_text(request.body.decode(), {"X-Strict": request.headers.get("x-strict", "no")})
    answers, start = [], 0
    for image in json.loads(request.headers["x-images"]):
        text = request.body[start : start + image["bytes"]].decode()
        start += image["bytes"]
        status, answer = read_text(text, image.get("headers", {}))
        answers.append({"status": status, "answer": answer})
    return 200, {"answers": answers}


TEXTS = ("first", "a", "bad", "ccc", "dd")


async def predict_texts(torchserve: TorchServe, version: str | None = None) -> list[object]:
    """The answers and errors for TEXTS, asked for at once; the first two have an option."""

    async def predict(text: str) -> object:
        request_id.set(f"id-{text}")
        options = {"X-Strict": "yes"} if text in {"first", "a"} else None
        return await torchserve.predict("ranjana", text.encode(), version, options)

    return await asyncio.gather(*map(predict, TEXTS), return_exceptions=True)


def require_own_answers(results: list[object]) -> None:
    """Requires for each of TEXTS its own answer, and for the bad one its refusal."""
    refusal = results.pop(2)
    assert isinstance(refusal, Refused)
    assert (refusal.status, refusal.code, refusal.message) == (400, "blank", "No.")
    assert [each["saw"] for each in results if isinstance(each, dict)] == [
        *("first", "a", "ccc", "dd")
    ]


def test_pictures_that_wait_go_to_torchserve_in_one_request() -> None:
    far_end = FarEnd(read_texts)

    async def act() -> None:
        async with client_of(far_end, torchserve_max_concurrency=1) as torchserve:
            results = await predict_texts(torchserve, "1.2")
        require_own_answers(results)
        strict = [each["strict"] for each in results if isinstance(each, dict)]
        assert strict == ["yes", "yes", None, None]

    asyncio.run(act())
    assert far_end.bodies == [b"first", b"abadcccdd"]
    assert far_end.lines == 2 * ["POST /predictions/ranjana/1.2"]
    alone, together = (request.headers["x-request-id"] for request in far_end.requests)
    assert (alone, together) == ("id-first", "id-a,id-bad,id-ccc,id-dd")
    assert far_end.requests[0].headers["content-type"] == "application/octet-stream"


def test_a_batch_that_fails_as_a_whole_is_sent_as_single_pictures() -> None:
    """One picture may have made the handler fail; the others are answered."""
    far_end = FarEnd(lambda request: (500, {}) if b"accc" in request.body else read_texts(request))
    texts = ("first", "a", "ccc")

    async def act() -> None:
        async with client_of(far_end, torchserve_max_concurrency=1) as torchserve:
            for _ in range(2):  # the next batch is tried as one again
                predictions = (torchserve.predict("ranjana", text.encode()) for text in texts)
                results = await asyncio.gather(*predictions)
                assert [each["saw"] for each in results] == [*texts]

    asyncio.run(act())
    assert far_end.bodies[1] == far_end.bodies[5] == b"accc"
    assert sorted(far_end.bodies) == sorted(2 * [b"first", b"accc", b"a", b"ccc"])
    assert set(far_end.lines) == {"POST /predictions/ranjana"}


def by_speed(request: Request) -> tuple[int, object]:
    """A handler that gives quick requests little time: "s" takes too long, and "u" comes after."""
    if "x-images" not in request.headers:
        return speed_of(request.body.decode(), quick="x-quick" in request.headers)
    found = [speed_of(text, quick="x-quick" in request.headers) for text in request.body.decode()]
    return 200, {"answers": [{"status": status, "answer": answer} for status, answer in found]}


def speed_of(text: str, *, quick: bool) -> tuple[int, dict[str, object]]:
    if not quick or text not in "su":
        return 200, {"saw": text}
    code = "image_slow" if text == "s" else "image_untried"
    return 503, {"success": False, "code": code, "error": "No."}


@pytest.mark.parametrize("texts", ["s", "as", "asusb"])
def test_slow_pictures_are_sent_again_one_at_a_time_and_all_are_answered(texts: str) -> None:
    far_end = FarEnd(by_speed)

    async def act() -> None:
        async with client_of(far_end, torchserve_max_concurrency=1) as torchserve:
            predictions = (torchserve.predict("ranjana", text.encode()) for text in texts)
            assert [each["saw"] for each in await asyncio.gather(*predictions)] == [*texts]

    asyncio.run(act())
    patient = [request.body for request in far_end.requests if "x-quick" not in request.headers]
    # A picture that was not tried has another quick attempt before.
    assert sorted(patient) == sorted(text.encode() for text in texts if text in "su")
    assert far_end.bodies.count(b"u") == 2 * texts.count("u")


def test_a_batch_that_takes_too_long_is_sent_as_single_pictures() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await _head(reader):
            length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
            body = await reader.readexactly(length)
            bodies.append(body)
            if b"s" in body:
                return await _until_closed(reader)
            content = json.dumps({"saw": body.decode()}).encode()
            writer.write(
                b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(content), content)
            )

    bodies: list[bytes] = []

    async def act() -> None:
        options = {"torchserve_max_concurrency": 1, "torchserve_timeout": 0.3}
        async with client_of(answer, **options) as torchserve:
            predictions = (torchserve.predict("ranjana", text) for text in (b"a", b"b", b"s", b"c"))
            first, second, slow, third = await asyncio.gather(*predictions, return_exceptions=True)
            answered = [each["saw"] for each in (first, second, third) if isinstance(each, dict)]
            assert answered == ["a", "b", "c"]
            assert isinstance(slow, TimedOut)

    asyncio.run(act())
    assert bodies == [b"a", b"bsc", b"b", b"s", b"c"]


async def _until_closed(reader: asyncio.StreamReader) -> None:
    await reader.read()


def test_a_full_queue_of_torchserve_is_not_asked_again_picture_by_picture() -> None:
    far_end = FarEnd(lambda request: (503, {}) if "x-images" in request.headers else (200, {}))

    async def act() -> None:
        async with client_of(far_end, torchserve_max_concurrency=1) as torchserve:
            _, *others = await predict_texts(torchserve)
        assert {type(each) for each in others} == {Unavailable}
        assert {each.code for each in others if isinstance(each, ApiError)} == {"model_server_busy"}

    asyncio.run(act())
    assert len(far_end.requests) == 2


@pytest.mark.parametrize(
    ("status", "body", "version", "expected"),
    [
        (404, {"code": 404}, None, (404, "model_not_found", "There is no model ranjana.")),
        (404, {}, "1.3", (404, "model_not_found", "There is no version 1.3 of ranjana.")),
        (413, {}, None, (413, "image_too_large", "The image is too large for the model server.")),
        (503, {}, None, (503, "model_server_busy", "The model server is busy.")),
        (500, {"success": False}, None, (503, "model_server_unavailable", "could not answer")),
        (400, {"success": True}, None, (503, "model_server_unavailable", "could not answer")),
        (507, [], None, (503, "model_server_unavailable", "could not answer")),
    ],
)
def test_a_failure_of_torchserve_is_an_error_of_the_service(
    status: int, body: object, version: str | None, expected: tuple[int, str, str]
) -> None:
    found = failure(Response(status, json.dumps(body).encode()), "ranjana", version)
    assert isinstance(found, ApiError)
    assert (found.status, found.code) == expected[:2]
    assert expected[2] in found.message
    if found.status == 503:
        assert found.headers == {"Retry-After": "1" if status == 503 else "2"}


def test_a_rejected_key_is_renewed_and_the_request_sent_again(tmp_path: Path) -> None:
    path = tmp_path / "key_file.json"
    expiry = (datetime.now(UTC) + timedelta(hours=1)).isoformat()

    def respond(request: Request) -> tuple[int, object]:
        if request.line == "GET /token?type=inference":
            write_keys(path, "new", expiry)
            return 200, {}
        if request.headers["authorization"] == "Bearer new":
            return read_text(request.body.decode(), {})
        return 400, {"code": 400, "type": "InvalidKeyException"}

    far_end = FarEnd(respond)

    async def act() -> None:
        async with client_of(far_end, torchserve_key_file=path) as torchserve:
            assert (await torchserve.predict("ranjana", b"a"))["saw"] == "a"
            with pytest.raises(Refused):  # which needs no other key
                await torchserve.predict("ranjana", b"bad")

    write_keys(path, "old", expiry)
    asyncio.run(act())
    assert far_end.lines == [
        "POST /predictions/ranjana",
        "GET /token?type=inference",
        *2 * ["POST /predictions/ranjana"],
    ]
    assert far_end.requests[1].headers["authorization"] == "Bearer renews"
    # A key that is about to expire is renewed before its use.
    far_end.requests.clear()
    write_keys(path, "old", (datetime.now(UTC) + timedelta(seconds=100)).isoformat())
    asyncio.run(act())
    assert far_end.lines[0] == "GET /token?type=inference"
    assert len(far_end.lines) == 3


@pytest.mark.parametrize(
    ("status", "outcome", "message"),
    [(200, "succeeded", ""), (500, "failed", "gave no new key"), (0, "failed", "is not running")],
)
def test_renewals_are_counted_with_their_outcome(
    tmp_path: Path, status: int, outcome: str, message: str
) -> None:
    path, metrics = tmp_path / "key_file.json", Metrics()
    write_keys(path, "old", "2020-01-01T00:00:00+00:00")
    nobody = {} if status else {"torchserve_management_url": f"http://127.0.0.1:{free_port()}"}

    async def act() -> None:
        far_end = FarEnd(lambda _: (status, {}))
        async with client_of(
            far_end, metrics=metrics, torchserve_key_file=path, **nobody
        ) as torchserve:
            await torchserve.predict("ranjana", b"a")

    if message:
        with pytest.raises(Unavailable, match=message):
            asyncio.run(act())
    else:
        asyncio.run(act())
    text = generate_latest(metrics.registry).decode()
    for each in ("succeeded", "failed"):
        renewals = value(text, "torchserve_key_renewals_total", kind="inference", outcome=each)
        assert renewals == (each == outcome)


def test_versions_are_managed_by_requests_to_torchserve() -> None:
    worker = {"id": "9000", "status": "READY", "pid": 71}
    described = {
        **{"modelVersion": "1.2", "modelUrl": "ranjana.mar", "minWorkers": 2, "batchSize": 8},
        **{"maxBatchDelay": 5, "responseTimeout": 30, "jobQueueStatus": {"pendingRequests": 3}},
        "workers": [worker, {"id": "9001", "status": "LOADING", "pid": -1}],
    }
    far_end = FarEnd(lambda request: (202, [described] if request.line.startswith("GET") else {}))

    async def act() -> None:
        async with client_of(far_end) as torchserve:
            (found,) = await torchserve.versions("ranjana", "all")
            assert found == ServedVersion(
                "1.2", "ranjana.mar", ["READY", "LOADING"], {"9000": 71}, 2, 8, 5, 30, 3
            )
            assert found.ready
            assert not found._replace(states=["LOADING"]).ready
            await torchserve.versions("ranjana")
            await torchserve.register("ranjana", "ranjana-1.3.mar")
            await torchserve.scale("ranjana", "1.3", 4)
            await torchserve.set_default("ranjana", "1.3")
            await torchserve.unregister("ranjana", "1.2")

    asyncio.run(act())
    assert far_end.lines == [
        "GET /models/ranjana/all",
        "GET /models/ranjana",
        "POST /models?url=ranjana-1.3.mar&synchronous=false",
        "PUT /models/ranjana/1.3?min_worker=4&max_worker=4&synchronous=false",
        "PUT /models/ranjana/1.3/set-default",
        "DELETE /models/ranjana/1.2",
    ]


@pytest.mark.parametrize(
    ("status", "expected"), [(409, Conflict), (404, ModelMissing), (500, Unanswered)]
)
def test_management_that_fails_says_why(status: int, expected: type[ApiError]) -> None:
    far_end = FarEnd(lambda _: (status, {}))

    async def act() -> None:
        missing = {"ranjana": ModelMissing("In training.")}
        async with client_of(far_end, missing.get) as torchserve:
            await torchserve.register("ranjana", "ranjana.mar")

    with pytest.raises(expected, match=r"ranjana|training|could not") as raised:
        asyncio.run(act())
    assert type(raised.value) is expected


@pytest.mark.parametrize("missing", [False, True])
def test_an_unknown_model_or_version_is_named(missing: bool) -> None:
    training = {"ranjana": ModelMissing("In training.")} if missing else {}

    async def act() -> None:
        async with client_of(FarEnd(lambda _: (404, {})), training.get) as torchserve:
            await torchserve.predict("ranjana", b"a", "1.3")

    message = "In training" if missing else "There is no version 1.3 of ranjana"
    with pytest.raises(ApiError, match=message):
        asyncio.run(act())


def test_a_model_with_a_full_queue_takes_no_more_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batcher, "_MAX_QUEUE_LENGTH", 3)
    metrics, far_end = Metrics(), FarEnd(read_texts)

    async def act() -> None:
        async with client_of(far_end, metrics=metrics, torchserve_max_concurrency=1) as torchserve:
            waiting = [asyncio.create_task(torchserve.predict("ranjana", b"a")) for _ in range(4)]
            await asyncio.sleep(0)
            with pytest.raises(Unavailable, match="busy"):
                await torchserve.predict("ranjana", b"b")
            waiting += [
                asyncio.create_task(torchserve.predict("ranjana", b"c", shed=False)),
                asyncio.create_task(torchserve.predict("digits", b"d")),
            ]
            assert [each["saw"] for each in await asyncio.gather(*waiting)] == [*"aaaacd"]

    asyncio.run(act())
    text = generate_latest(metrics.registry).decode()
    assert value(text, "requests_shed_total", model="ranjana") == 1


@pytest.mark.parametrize(("cut", "answered"), [(1, True), (2, False)])
def test_a_cut_connection_is_tried_once_more(cut: int, answered: bool) -> None:
    connections = 0

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        await reader.readuntil(b"\r\n\r\n")
        if connections > cut and await reader.readexactly(1) == b"a":
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")

    async def act() -> None:
        async with client_of(answer) as torchserve:
            if answered:
                assert await torchserve.predict("ranjana", b"a") == {}
                return
            with pytest.raises(Unreachable, match="went away"):
                await torchserve.predict("ranjana", b"a")

    asyncio.run(act())
    assert connections == 2


def test_a_torchserve_that_does_not_answer_in_time_is_busy() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _head(reader)
        await reader.read()

    async def act() -> None:
        async with client_of(answer, torchserve_timeout=0.05) as torchserve:
            await torchserve.predict("ranjana", b"a")

    with pytest.raises(Unavailable, match="busy"):
        asyncio.run(act())
