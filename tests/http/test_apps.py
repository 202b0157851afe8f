"""Requests of apps in React Native and Flutter, byte for byte, and what goes wrong in them.

docs/apps.md describes these.
"""

from __future__ import annotations

import base64
import json
import re
import socket
import time
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from http.client import HTTPResponse
from typing import Any, NamedTuple

import cv2
import jwt
import numpy as np
import pytest
from PIL import Image

from tests.accounts.test_tokens import backdate_use, claims_of, refresh, secret_of
from tests.support.apis import Api, User
from tests.support.client_forms import CLIENTS, ClientForm
from tests.support.pictures import encode, reference

pytestmark = pytest.mark.database("sqlite")

COMPARE = "/api/similarity/"
JPEG = encode(reference(4), "JPEG")
TEXTS = {"target_class": "4", "strictness": "normal"}

# The heads as they arrive, in the order and the case of each HTTP library.
OKHTTP = """POST {path} HTTP/1.1
accept: application/json
authorization: Bearer {token}
Content-Type: {type}
{framing}
Host: {host}
Connection: Keep-Alive
Accept-Encoding: gzip
User-Agent: okhttp/4.12.0
"""
IOS = """POST {path} HTTP/1.1
Host: {host}
Content-Type: {type}
Accept: application/json
Connection: keep-alive
Authorization: Bearer {token}
Accept-Language: ne-NP;q=1.0
{framing}
Accept-Encoding: gzip, deflate
User-Agent: Letters/7 CFNetwork/1568.300.101 Darwin/24.2.0
"""
DART = """POST {path} HTTP/1.1
user-agent: Dart/3.5 (dart:io)
authorization: Bearer {token}
accept-encoding: gzip
{framing}
host: {host}
content-type: {type}
"""


class Sent(NamedTuple):
    """How an app sends a form."""

    head: str
    client: str
    """Its name in `CLIENTS`."""
    chunk: int = 0
    """Bytes of a chunk; 0 for a body whose length is declared."""


SENT = {
    "React Native, Android, a file": Sent(OKHTTP, "React Native on Android"),
    "React Native, Android, a stream": Sent(OKHTTP, "React Native on Android", 8192),
    "React Native, iOS": Sent(IOS, "React Native on iOS"),
    "React Native, a Nepali name": Sent(IOS, "React Native with a Nepali name"),
    "React Native, a data URI": Sent(OKHTTP, "a data URI as text"),
    "Flutter, http, a path": Sent(DART, "Dart"),
    "Flutter, http, bytes": Sent(DART, "Dart without a file name"),
    "Flutter, http, a name in the type": Sent(DART, "Dart with the name in the type"),
    "Flutter, dio": Sent(DART, "Dio"),
    "Flutter, dio, a stream": Sent(DART, "Dio", 1000),
}


class Answer(NamedTuple):
    """A response, whose connection stays open."""

    status: int
    content: dict[str, Any]


class App:
    """An app that keeps one connection open."""

    def __init__(self, user: User, connection: socket.socket) -> None:
        self._user = user
        self._connection = connection
        self.token = user.access

    def send(self, head: str, form: ClientForm, chunk: int = 0, path: str = COMPARE) -> Answer:
        framing = f"content-length: {len(form.body)}"
        if head != DART:
            framing = f"Content-Length: {len(form.body)}"
        if chunk:
            framing = "Transfer-Encoding: chunked" if head != DART else "transfer-encoding: chunked"
        text = head.format(
            path=path,
            token=self.token,
            type=form.content_type,
            framing=framing,
            host=f"127.0.0.1:{self._user.api.port}",
        )
        self._connection.sendall(text.replace("\n", "\r\n").encode() + b"\r\n")
        self._connection.sendall(b"".join(_chunks(form.body, chunk)) if chunk else form.body)
        response = HTTPResponse(self._connection)
        response.begin()
        return Answer(response.status, json.loads(response.read()))


def _chunks(body: bytes, size: int) -> Iterator[bytes]:
    for start in range(0, len(body), size):
        piece = body[start : start + size]
        yield b"%x\r\n%b\r\n" % (len(piece), piece)
    yield b"0\r\n\r\n"


@contextmanager
def app_of(user: User) -> Iterator[App]:
    with closing(socket.create_connection(("127.0.0.1", user.api.port), 60)) as connection:
        yield App(user, connection)


def form(picture: bytes, name: str = "Dio", **texts: str) -> ClientForm:
    return CLIENTS[name]([picture], {**TEXTS, **texts}, "image")


def as_json(text: str, kind: str = "application/json") -> ClientForm:
    """JSON, with a picture as text."""
    return ClientForm(kind, json.dumps({"image": text, "target_class": 4}).encode())


@pytest.mark.parametrize("name", SENT)
def test_a_form_of_an_app_is_answered_and_its_connection_kept(user: User, name: str) -> None:
    sent = SENT[name]
    with app_of(user) as app:
        for _ in range(2):
            answer = app.send(sent.head, form(JPEG, sent.client), sent.chunk)
            assert (answer.status, answer.content["is_same_character"]) == (200, True)
    assert len(user.get("/api/history/similarities/").json()["results"]) == 2


@pytest.mark.parametrize("head", [OKHTTP, DART])
def test_base64_in_json_is_answered_however_it_is_written(user: User, head: str) -> None:
    plain = base64.b64encode(JPEG).decode()
    lines = re.sub("(.{76})", r"\1\r\n", plain)
    written = {
        "expo": plain,
        "a data URI": f"data:image/jpeg;base64,{plain}",
        "Android, in lines": base64.encodebytes(JPEG).decode(),
        "a data URI in lines": f"data:image/jpeg;base64,{lines}",
        "url-safe": base64.urlsafe_b64encode(JPEG).decode().rstrip("="),
    }
    with app_of(user) as app:
        for name, text in written.items():
            for kind in ("application/json", "application/json; charset=utf-8"):
                assert app.send(head, as_json(text, kind)).status == 200, name


def test_each_mistake_of_an_app_gets_a_sentence_that_names_it(user: User) -> None:
    good = form(JPEG)
    mistakes = {
        "image_missing": CLIENTS["Dio"]([JPEG], TEXTS, "photo"),
        # `append("image", {uri})` where fetch is not React Native's own, and a path as text.
        "image_not_a_file": CLIENTS["a base64 text"]([], {"image": "[object Object]"}, ""),
        # A content: address that may not be read any more.
        "empty_image": form(b""),
        # `headers: {"Content-Type": "multipart/form-data"}`, without the boundary.
        "malformed_multipart": ClientForm("multipart/form-data", good.body),
        # `http.post(url, body: bytes)`.
        "unsupported_media_type": ClientForm("application/octet-stream", JPEG),
        "body_missing": ClientForm("text/plain;charset=UTF-8", b""),
        "validation_failed": form(JPEG, targetClass="4", target_class=""),
        "unreadable_image": form(b"<html>Sign in to the network of the school</html>" * 20),
    }
    with app_of(user) as app:
        for code, sent in mistakes.items():
            answer = app.send(DART, sent)
            assert answer.content["code"] == code, answer
            assert 400 <= answer.status < 500
            assert answer.content["error"].endswith((".", "'"))
    assert user.get("/api/history/similarities/").json()["results"] == []


def test_a_photograph_that_is_too_large_gets_its_answer_after_all_of_it_was_sent(
    user: User,
) -> None:
    large = form(JPEG + bytes(11 * 1024**2))
    for head, chunk in ((OKHTTP, 0), (DART, 65536)):
        with app_of(user) as app:  # the service closes the connection
            answer = app.send(head, large, chunk)
            assert (answer.status, answer.content["code"]) == (413, "body_too_large")
    # As apps make it smaller: 2000 pixels are enough.
    phone = cv2.resize(reference(4), (4000, 3000), interpolation=cv2.INTER_LINEAR)
    small = encode(Image.fromarray(phone).resize((2000, 1500)), "JPEG", quality=80)
    assert len(small) < 1024**2
    with app_of(user) as app:
        assert app.send(OKHTTP, form(small)).status == 200


def test_what_cameras_write_is_read_whatever_the_app_calls_it(user: User) -> None:
    turned = Image.fromarray(np.rot90(reference(4)).copy())
    exif = Image.Exif()
    exif[0x0112] = 6  # the picture has to be turned by 90 degrees to the right
    pictures = {
        "HEIC": encode(reference(4), "HEIF"),
        "EXIF": encode(turned, "JPEG", exif=exif),
        "WebP": encode(reference(4), "WEBP"),
    }
    with app_of(user) as app:
        for name, picture in pictures.items():
            # Declared as image/jpeg, photo.jpg
            answer = app.send(OKHTTP, form(picture, "React Native on Android"))
            assert (answer.status, answer.content["is_same_character"]) == (200, True), name


def test_an_expired_token_is_renewed_and_a_lost_answer_of_that_does_not_matter(
    api: Api, user: User
) -> None:
    past = {**claims_of(user.access), "exp": int(time.time()) - 1}
    with app_of(user) as app:
        app.token = jwt.encode(past, secret_of(api))
        expired = app.send(OKHTTP, form(JPEG))
        assert (expired.status, expired.content["code"]) == (401, "token_expired")
        renewed = refresh(api, user.refresh)
        # Two requests of one app that expired together, or an answer that got lost.
        assert refresh(api, user.refresh).json() == renewed.json()
        app.token = renewed.json()["access"]
        assert app.send(OKHTTP, form(JPEG)).status == 200
        # An app that kept the old refresh token.
        backdate_use(api, claims_of(user.refresh)["sid"], 11)
        for token in (user.refresh, renewed.json()["refresh"]):
            ended = refresh(api, token)
            assert (ended.status_code, ended.json()["code"]) == (401, "session_ended")


def test_an_attempt_that_is_sent_again_later_counts_once(user: User) -> None:
    hour_ago = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)
    attempt = {"attempt_id": str(uuid.uuid4()), "written_at": hour_ago.isoformat()}
    numbers = []
    for head in (DART, OKHTTP):  # a connection for each, as after a time-out
        with app_of(user) as app:
            numbers.append(app.send(head, form(JPEG, **attempt)).content["comparison_id"])
    assert numbers[0] == numbers[1]
    (entry,) = user.get("/api/history/similarities/").json()["results"]
    assert datetime.fromisoformat(entry["written_at"]) == hour_ago
    with app_of(user) as app:
        other = app.send(DART, form(JPEG, **{**attempt, "target_class": "5"}))
        assert (other.status, other.content["code"]) == (409, "attempt_id_taken")
