"""Every bad input gets a clear 4xx in the one error shape, and the service goes on."""

from __future__ import annotations

import base64
import json
import re
import socket
from collections.abc import Iterator

import httpx2
import pytest

from tests.support.bad_images import BAD_IMAGES
from tests.support.pictures import encode, reference
from tests.support.running import Ranjana

GOOD = encode(reference(0))
MULTIPART = "multipart/form-data"


@pytest.fixture(scope="module", autouse=True)
def log_start(ranjana: Ranjana) -> int:
    """Length of the log, in characters, before the first test of this file."""
    return len(ranjana.log.read_text())


@pytest.fixture(autouse=True)
def _alive_afterwards(ranjana: Ranjana) -> Iterator[None]:
    yield
    assert ranjana.predict(GOOD).json()["predicted_class"] == 0


def refused(response: httpx2.Response, status: int, code: str) -> None:
    answer = response.json()
    assert (response.status_code, answer["code"]) == (status, code), response.text
    assert answer["success"] is False
    assert re.fullmatch(r"[A-Z].*\.", answer["error"]) or code == "validation_failed"
    assert set(answer) <= {"success", "error", "code", "details"}
    assert "Traceback" not in response.text
    assert response.headers["X-Request-ID"]


@pytest.mark.parametrize("name", BAD_IMAGES)
def test_bad_image(ranjana: Ranjana, name: str) -> None:
    image, status, code = BAD_IMAGES[name]
    response = ranjana.client.post(
        "/api/predict/", files={"image": ("named.png", image, "image/png")}
    )
    refused(response, status, code)
    # And directly from TorchServe, as operators and other services do.
    direct = ranjana.ask_directly("ranjana", image)
    assert (direct.status_code, direct.json()["code"]) == (status, code)


def test_no_image(ranjana: Ranjana) -> None:
    refused(ranjana.client.post("/api/predict/", files={"other": GOOD}), 400, "image_missing")
    for path in ("predict", "predict/batch", "similarity", "worksheets/judge", "signin"):
        for kind in ("", "image/jpeg", "application/octet-stream"):
            headers = {"Content-Type": kind} if kind else {}
            response = ranjana.client.post(f"/api/{path}/", headers=headers)
            refused(response, 400, "body_missing")
    refused(ranjana.client.post("/api/predict/", json={}), 400, "validation_failed")


def test_empty_file(ranjana: Ranjana) -> None:
    refused(ranjana.client.post("/api/predict/", files={"image": b""}), 400, "empty_image")
    refused(ranjana.client.post("/api/predict/", json={"image": ""}), 400, "empty_image")


def test_two_images(ranjana: Ranjana) -> None:
    twice = [("image", GOOD), ("image", GOOD)]
    refused(ranjana.client.post("/api/predict/", files=twice), 400, "several_images")
    both = [("image", GOOD), ("file", GOOD)]
    refused(ranjana.client.post("/api/predict/", files=both), 400, "several_images")


def test_an_image_as_a_text_field(ranjana: Ranjana) -> None:
    text = [("image", (None, "a,b"))]
    refused(ranjana.client.post("/api/predict/", files=text), 400, "image_not_a_file")


def test_too_many_form_parts(ranjana: Ranjana) -> None:
    many = [(f"field{number}", GOOD) for number in range(40)]
    refused(ranjana.client.post("/api/predict/", files=many), 400, "malformed_multipart")


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        (MULTIPART, b"--x\r\n\r\n"),
        (f"{MULTIPART}; boundary=", b"--x\r\n\r\n"),
        (f"{MULTIPART}; boundary=x", b"no boundary in here"),
        (f"{MULTIPART}; boundary=x", b"--x\r\nContent-Disposition form-data\r\n\r\n\r\n--x--"),
        (f"{MULTIPART}; boundary=x", b'--x\r\nContent-Disposition: form-data; name="image"'),
        (
            f"{MULTIPART}; boundary=x",
            b"--x\r\nContent-Disposition: form-data\r\n\r\nv\r\n--x--\r\n",
        ),
        (f"{MULTIPART}; boundary={'y' * 5000}", b"--y"),
    ],
)
def test_malformed_multipart(ranjana: Ranjana, content_type: str, body: bytes) -> None:
    response = ranjana.client.post(
        "/api/predict/", content=body, headers={"Content-Type": content_type}
    )
    assert response.status_code == 400, response.text
    assert response.json()["code"] in {"malformed_multipart", "image_missing"}


def test_a_form_with_a_boundary_other_than_declared(ranjana: Ranjana) -> None:
    body = b'--a\r\nContent-Disposition: form-data; name="image"; filename="a"\r\n\r\n' + GOOD
    response = ranjana.client.post(
        "/api/predict/",
        content=body + b"\r\n--a--\r\n",
        headers={"Content-Type": f"{MULTIPART}; boundary=b"},
    )
    assert response.status_code == 400, response.text


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "malformed_json"),
        (b"{", "malformed_json"),
        (b'{"image": ', "malformed_json"),
        (b"[]", "malformed_json"),
        (b"null", "malformed_json"),
        (b'"text"', "malformed_json"),
        (b"\xff\xfe\x00", "malformed_json"),
        (b"[" * 5_000, "malformed_json"),
        (b'{"image":' * 5_000, "malformed_json"),
        (b"[" * 100_000, "too_many_values"),
        (b'{"image": "", "x": [' + b"1," * 100_000 + b"1]}", "too_many_values"),
        (b'{"image": null}', "validation_failed"),
        (b'{"image": 3}', "validation_failed"),
        (b'{"image": ["a"]}', "validation_failed"),
        (b'{"image": "not base64!"}', "invalid_base64"),
        ('{"image": "आगे"}'.encode(), "invalid_base64"),
        (b'{"image": "data:image/png;base64,%%%"}', "invalid_base64"),
        (b'{"image": "data:image/png,raw"}', "invalid_base64"),
    ],
)
def test_malformed_json(ranjana: Ranjana, body: bytes, code: str) -> None:
    response = ranjana.client.post(
        "/api/predict/", content=body, headers={"Content-Type": "application/json"}
    )
    refused(response, 400, code)


def test_base64_of_something_else(ranjana: Ranjana) -> None:
    text = base64.b64encode(b"no picture").decode()
    refused(ranjana.client.post("/api/predict/", json={"image": text}), 415, "unreadable_image")


@pytest.mark.parametrize("content_type", ["image/png", "text/plain", "application/xml"])
def test_a_body_of_another_type(ranjana: Ranjana, content_type: str) -> None:
    response = ranjana.client.post(
        "/api/predict/", content=GOOD, headers={"Content-Type": content_type}
    )
    refused(response, 415, "unsupported_media_type")


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ({"model": "nope"}, 404, "model_not_found"),
        ({"model": "../../models"}, 404, "model_not_found"),
        ({"model": ""}, 404, "model_not_found"),
        ({"model": "x" * 1000}, 400, "validation_failed"),
        ({"version": "9.9"}, 404, "model_not_found"),
        ({"version": "1/../../ping"}, 400, "validation_failed"),
        ({"version": ""}, 400, "validation_failed"),
    ],
)
def test_unknown_model_or_version(
    ranjana: Ranjana, query: dict[str, str], status: int, code: str
) -> None:
    refused(ranjana.predict(GOOD, **query), status, code)


def test_25_megabytes(ranjana: Ranjana) -> None:
    refused(ranjana.predict(bytes(25_000_000)), 413, "body_too_large")
    direct = ranjana.ask_directly("ranjana", bytes(25_000_000))
    assert (direct.status_code, direct.json()["code"]) == (413, "image_too_large")
    assert direct.json()["error"] == "The request is too large: the limit is 11 MB."


def test_25_megabytes_of_undeclared_length(ranjana: Ranjana) -> None:
    def pieces() -> Iterator[bytes]:
        for _ in range(25):
            yield bytes(1_000_000)

    response = ranjana.client.post(
        "/api/predict/", content=pieces(), headers={"Content-Type": "application/json"}
    )
    refused(response, 413, "body_too_large")


def test_a_declared_length_above_the_limit_is_rejected_before_the_body_arrives(
    ranjana: Ranjana,
) -> None:
    with socket.create_connection(("127.0.0.1", ranjana.port), timeout=20) as connection:
        connection.sendall(
            b"POST /api/predict/ HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            b"Content-Length: 25000000\r\n\r\n"
        )
        head = connection.recv(65536)
    assert head.startswith(b"HTTP/1.1 413")


def test_a_caller_that_disconnects_half_way(ranjana: Ranjana) -> None:
    for _ in range(5):
        with socket.create_connection(("127.0.0.1", ranjana.port), timeout=20) as connection:
            connection.sendall(
                b"POST /api/predict/ HTTP/1.1\r\nHost: x\r\n"
                b"Content-Type: multipart/form-data; boundary=x\r\n"
                b'Content-Length: 5000\r\n\r\n--x\r\nContent-Disposition: form-data; name="image"'
            )


def test_bad_input_is_never_logged_as_an_error(ranjana: Ranjana, log_start: int) -> None:
    """This test is the last of the file, because it reads the log of all others."""
    logged = ranjana.log.read_text()[log_start:]
    lines = [line for line in logged.splitlines() if line.startswith("{")]
    errors = [line for line in lines if json.loads(line)["level"] in {"error", "critical"}]
    assert lines
    assert errors == []
    assert "Traceback" not in logged
