"""Requests that are made to cost much: each costs little, is answered, and delays nobody."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from tests.support.apis import Api
from tests.support.pictures import encode, reference
from tests.support.running import Ranjana

pytestmark = pytest.mark.database("sqlite")

MB = 1_000_000
JSON = b"Content-Type: application/json\r\n"
CHUNKED = (
    b"POST /api/signin/ HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n" + JSON + b"\r\n"
)
GET = b"GET /health HTTP/1.1\r\nHost: x\r\n"
# Routes that take pictures, and so larger bodies.
PICTURES = {
    "/api/predict/",
    "/api/predict/batch/",
    "/api/similarity/",
    "/api/worksheets/judge/",
}


def connect(api: Api) -> socket.socket:
    return socket.create_connection(("127.0.0.1", api.port), timeout=60)


def read_to_end(client: socket.socket) -> bytes:
    return b"".join(iter(lambda: client.recv(65536), b""))


def send(api: Api, *parts: bytes) -> bytes:
    """Sends everything before it reads the answer, like many clients do."""
    with connect(api) as client:
        for part in parts:
            client.sendall(part)
        return read_to_end(client)


def require(answer: bytes, status: int, code: str) -> None:
    """Checks the last answer of a connection."""
    head, _, body = answer[answer.rindex(b"HTTP/1.1 ") :].partition(b"\r\n\r\n")
    error = json.loads(body)
    assert head.startswith(b"HTTP/1.1 %d " % status), head
    assert (error["success"], error["code"]) == (False, code)
    assert error["error"].endswith(".")
    assert b"\nx-request-id: " in head.lower()
    assert b"\nconnection: close" in head.lower()


class Peak:
    """The memory of a process above that at the start, in bytes."""

    def __init__(self, api: Api) -> None:
        self._folder = Path(f"/proc/{api.process.pid}")
        (self._folder / "clear_refs").write_text("5")  # resets VmHWM
        self._before = self._read("VmRSS")

    def gained(self) -> int:
        return self._read("VmHWM") - self._before

    def _read(self, name: str) -> int:
        lines = (self._folder / "status").read_text().splitlines()
        (line,) = (line for line in lines if line.startswith(f"{name}:"))
        return int(line.split()[1]) * 1024


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (" " * MB, "empty_image"),
        ("\t\n" * MB, "empty_image"),
        ("\u3000" * MB, "empty_image"),
        ("data:;" * MB, "invalid_base64"),
        ("data:" + ";a=b" * MB, "invalid_base64"),
        (" data:" * MB, "invalid_base64"),
        ("data:;base64," * 9000, "invalid_base64"),
        ("aa " * MB + "a", "invalid_base64"),
    ],
    ids=range(8),
)
@pytest.mark.parametrize("path", ["/api/predict/", "/api/similarity/", "/api/predict/batch/"])
def test_a_text_that_is_no_image_is_refused_at_once(
    api: Api, path: str, text: str, code: str
) -> None:
    peak = Peak(api)
    images = {"images": [text]} if "batch" in path else {"image": text, "target_class": 1}
    response = api.client.post(path, json=images)
    answer = response.json()
    shown = answer["results"][0] if "results" in answer else answer
    assert shown["code"] == code
    assert peak.gained() < 64 * MB


def test_routes_without_pictures_take_small_bodies_only(api: Api) -> None:
    paths = api.client.get("/openapi.json").json()["paths"]
    routes = [
        (path.replace("{id}", "1").replace("{name}", "ranjana"), method)
        for path, methods in paths.items()
        for method, route in methods.items()
        if "application/json" in route.get("requestBody", {}).get("content", {})
        and path not in PICTURES
    ]
    assert len(routes) > 10
    for path, method in routes:
        response = api.client.request(method, path, json={"x": "x" * 65_536})
        assert (response.status_code, response.json()["code"]) == (413, "body_too_large"), path
        assert "64 kB" in response.json()["error"]


@pytest.mark.parametrize("values", ['"x":[' + "1," * MB + "1]", '"x":' + "[" * MB + "]" * MB])
def test_json_with_very_many_values_is_refused_before_it_is_parsed(api: Api, values: str) -> None:
    peak = Peak(api)
    body = b'{"image": "", %s}' % values.encode()
    response = api.client.post(
        "/api/predict/", content=body, headers={"Content-Type": "application/json"}
    )
    assert (response.status_code, response.json()["code"]) == (400, "too_many_values")
    assert peak.gained() < 16 * MB


@pytest.mark.parametrize("values", ["1," * 4 * MB, "[]," * 3 * MB, "[[0,0],[0," * MB])
@pytest.mark.parametrize("is_form", [False, True])
def test_strokes_with_very_many_values_take_a_few_copies_of_their_text(
    api: Api, values: str, is_form: bool
) -> None:
    peak = Peak(api)
    strokes = f"[{values}1]"
    if is_form:
        response = api.client.post("/api/predict/", files={"strokes": ("", strokes.encode())})
    else:
        body, kind = f'{{"strokes": {strokes}}}', {"Content-Type": "application/json"}
        response = api.client.post("/api/predict/", content=body, headers=kind)
    assert (response.status_code, response.json()["code"]) == (400, "validation_failed")
    assert peak.gained() < 5 * len(strokes)


def test_a_batch_in_json_is_smaller_than_in_a_form(api: Api) -> None:
    text = "A" * (20 * MB)
    response = api.client.post("/api/predict/batch/", json={"images": [text]})
    assert (response.status_code, response.json()["code"]) == (413, "body_too_large")
    form = api.client.post("/api/predict/batch/", files={"images": bytes(20 * MB)})
    assert form.json()["results"][0]["code"] == "image_too_large"


def test_many_large_bodies_take_little_memory_however_slowly_they_arrive(api: Api) -> None:
    texts = ["A" * 7_000_000] * 2
    body = json.dumps({"images": texts}).encode()
    head = b"POST /api/predict/batch/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + JSON
    head += b"Content-Length: %d\r\n\r\n" % len(body)
    with ExitStack() as stack:
        clients = [stack.enter_context(connect(api)) for _ in range(10)]
        peak = Peak(api)
        for client in clients:
            client.sendall(head + body[:-1])
        assert api.client.get("/health").status_code == 200
        assert peak.gained() < 48 * MB
        for client in clients:
            client.sendall(body[-1:])
        for client in clients:
            answer = read_to_end(client)
            assert answer.count(b'"unreadable_image"') == 2 or b'"too_many_uploads"' in answer
        assert peak.gained() < 128 * MB


@pytest.mark.parametrize(
    "parts",
    [
        [b"GET /", b"a" * 40_000],
        [b"GET /?", *[b"a" * 1000] * 40],
        [GET + b"X: ", *[b"a" * 1000] * 5000],
        [GET + b"X: ", b"a" * 5_000_000],
        [GET, b"x" * 40_000],
        [GET, b"X: y\r\n" * 200_000],
        [GET, b"X: y\r\n" * 101, b"\r\n"],
        [GET, *[b"X: %s\r\n" % (b"y" * 1000)] * 40, b"\r\n"],
        [b"\r\n" * 50_000],
        [CHUNKED, b"1;", b"a" * 50_000, b"\r\n{\r\n0\r\n\r\n"],
        [CHUNKED, b"1;", *[b"a" * 1000] * 50],
        [CHUNKED, b"1\r\n{\r\n0\r\nX: ", b"a" * 50_000],
        [CHUNKED, b"1\r\n{\r\n0\r\n", b"X: y\r\n" * 200],
        [CHUNKED, b"1\r\n{\r\n0\r\n", *[b"X: %s\r\n" % (b"y" * 1000)] * 50],
    ],
    ids=range(14),
)
def test_a_head_that_is_too_large_is_refused_while_it_arrives(api: Api, parts: list[bytes]) -> None:
    peak = Peak(api)
    require(send(api, *parts), 431, "head_too_large")
    assert peak.gained() < 8 * MB


def test_a_large_head_and_many_chunks_are_served(api: Api) -> None:
    fields = b"".join(b"X-%d: %s\r\n" % (number, b"y" * 290) for number in range(95))
    assert b" 200 OK" in send(api, GET, fields, b"Connection: close\r\n\r\n")
    body = json.dumps({"username": "nobody", "password": "x", "x": "x" * 50_000}).encode()
    chunks = b"".join(b"1;e=f\r\n%c\r\n" % byte for byte in body)
    answer = send(
        api, CHUNKED, chunks, b"0\r\nX-Last: y\r\n\r\n", GET, b"Connection: close\r\n\r\n"
    )
    assert answer.startswith(b"HTTP/1.1 401 ")
    assert b"HTTP/1.1 200 OK" in answer


def test_fields_after_a_body_do_not_count_as_fields_of_the_head(api: Api) -> None:
    name = api.sign_up().username
    body = json.dumps({"username": name, "password": "wrong"}).encode()
    chunk = b"%x\r\n%s\r\n0\r\n" % (len(body), body)
    answer = send(api, CHUNKED, chunk, b"X-Request-ID: smuggled\r\n\r\n", GET, b"Host: y\r\n\r\n")
    assert b"smuggled" not in answer


def test_only_some_requests_of_a_connection_may_wait(api: Api) -> None:
    answer = send(api, (GET + b"\r\n") * 10_000)
    assert 1 < answer.count(b"HTTP/1.1 200 OK") < 100
    assert answer.rpartition(b"HTTP/1.1 ")[2].count(b"connection: close") == 1


@pytest.mark.parametrize("version", [b"1.0", b"1.1"])
@pytest.mark.parametrize(
    ("path", "kind", "status", "code"),
    [
        (b"/api/predict/", b"application/json", 413, "body_too_large"),
        (b"/api/predict/", b"text/plain", 415, "unsupported_media_type"),
        (b"/api/predict/?model=none", b"application/json", 404, "model_not_found"),
        (b"/api/jobs/predict/", b"multipart/form-data; boundary=x", 401, "not_authenticated"),
        (b"/api/jobs/predict/", b"application/json", 413, "body_too_large"),
    ],
)
def test_a_refusal_can_be_read_after_a_large_body(
    api: Api, version: bytes, path: bytes, kind: bytes, status: int, code: str
) -> None:
    size = 9_000_000 if status != 413 else 20_000_000
    head = b"POST %s HTTP/%s\r\nHost: x\r\nConnection: close\r\n" % (path, version)
    head += b"Content-Type: %s\r\nContent-Length: %d\r\n\r\n" % (kind, size)
    require(send(api, head, bytes(size)), status, code)


@pytest.fixture(scope="module")
def strict(ranjana: Ranjana, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """An API with small limits, whose jobs stay queued."""
    settings = {"MAX_CONNECTIONS": "8", "BODY_SECONDS": "1", "JOB_CONCURRENCY": "0"}
    running = Api(tmp_path_factory.mktemp("strict"), ranjana, environment=settings)
    try:
        yield running.wait_until_alive()
    finally:
        running.stop()


def test_a_body_has_a_deadline_however_steadily_it_arrives(strict: Api) -> None:
    with connect(strict) as client:
        client.sendall(b"POST /api/signin/ HTTP/1.1\r\nHost: x\r\nContent-Length: 60000\r\n" + JSON)
        client.sendall(b"\r\n")
        client.settimeout(0.02)
        answer, sent = b"", 0
        while not answer and sent < 50_000:  # faster than 1000 bytes a second
            client.sendall(b" " * 100)
            sent += 100
            with suppress(TimeoutError):
                answer = client.recv(65536)
        client.settimeout(60)
        client.shutdown(socket.SHUT_WR)
        require(answer + read_to_end(client), 408, "request_too_slow")


def test_a_new_connection_replaces_the_one_that_waits_longest(strict: Api) -> None:
    def ask(client: socket.socket) -> None:
        client.sendall(GET + b"\r\n")
        answer = b""
        while not answer.endswith(b'"healthy"}'):
            answer += client.recv(65536)

    with ExitStack() as stack:
        clients = [stack.enter_context(connect(strict)) for _ in range(8)]
        clients[0].sendall(GET)  # half a head
        for client in clients[1:]:
            ask(client)
        assert send(strict, GET, b"Connection: close\r\n\r\n").startswith(b"HTTP/1.1 200 ")
        with suppress(ConnectionError):
            assert clients[0].recv(65536) == b""
        ask(clients[7])


def test_without_a_waiting_connection_a_new_one_is_refused(strict: Api) -> None:
    heads = []
    for _ in range(8):
        user = strict.sign_up()
        job = user.post("/api/jobs/predict/", files={"images": encode(reference(0))}).json()
        heads.append(f"GET {job['url']}events/ HTTP/1.1\r\nHost: x\r\n")
        heads[-1] += f"Authorization: Bearer {user.access}\r\n\r\n"
    with ExitStack() as stack:
        for head in heads:
            client = stack.enter_context(connect(strict))
            client.sendall(head.encode())
            answer = b""
            while b"event: progress" not in answer:  # the answer has begun and does not end
                answer += client.recv(65536)
        answer = send(strict, GET, b"\r\n")
        require(answer, 503, "too_many_connections")
        assert b"\nretry-after: " in answer.lower()
