"""Forms of all kinds of clients are read; what cannot be read is explained."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace

import pytest
from python_multipart.exceptions import FormParserError
from starlette.requests import Request
from starlette.types import Message

from auth_api.errors import ApiError
from auth_api.http import spool
from auth_api.http.body_memory import BodyMemory
from auth_api.http.form_framing import FormFraming
from auth_api.http.uploads import read_images, read_writing
from auth_api.schemas.comparison import ComparisonJson, ComparisonQuery
from auth_api.schemas.recognition import BatchJson, BatchQuery
from tests.support.client_forms import CLIENTS, ClientForm, client
from tests.support.pictures import encode, reference

PICTURES = {
    kind: encode(reference(4)[::4, ::4], kind) for kind in ("JPEG", "PNG", "BMP", "GIF", "WEBP")
}
JPEG = PICTURES["JPEG"]
TEXTS = {"target_class": "12", "strictness": "strict"}


@pytest.fixture
def memory(tmp_path: Path) -> BodyMemory:
    return BodyMemory(16 * 1024 * 1024, tmp_path)


def request_of(memory: BodyMemory, form: ClientForm, piece: int = 100_000) -> Request:
    """A request with a form that arrives in pieces."""
    body = form.body
    messages: list[Message] = [
        {"type": "http.request", "body": body[at : at + piece], "more_body": True}
        for at in range(0, len(body) + 1, piece)
    ]
    messages.append({"type": "http.request", "body": b"", "more_body": False})

    async def receive() -> Message:
        return messages.pop(0)

    app = SimpleNamespace(state=SimpleNamespace(body_memory=memory))
    headers = [(b"content-type", form.content_type.encode())] if form.content_type else []
    scope = {"type": "http", "method": "POST", "headers": headers, "app": app}
    return Request(scope, receive)


def read(
    memory: BodyMemory, form: ClientForm, piece: int = 100_000
) -> tuple[bytes, ComparisonQuery]:
    """The image and the options that the service reads of a form."""
    with ExitStack() as held:
        request = request_of(memory, form, piece)
        reading = read_writing(request, ComparisonQuery(), ComparisonJson, held)
        writing, options = asyncio.run(reading)
        return writing.image, options


@pytest.mark.parametrize("kind", PICTURES)
@pytest.mark.parametrize("name", CLIENTS)
def test_the_form_of_a_client_is_read(memory: BodyMemory, name: str, kind: str) -> None:
    form = CLIENTS[name]([PICTURES[kind]], TEXTS, "image")
    image, options = read(memory, form)
    assert image == PICTURES[kind]
    assert (options.target_class, options.strictness) == (12, "strict")


@pytest.mark.parametrize("nothing", ["", "null", "undefined"])
def test_a_field_without_a_value_counts_as_absent(memory: BodyMemory, nothing: str) -> None:
    empty = dict.fromkeys(("strictness", "enhancement_level", "version"), nothing)
    form = CLIENTS["requests"]([JPEG], {"target_class": "12", **empty}, "image")
    assert read(memory, form)[1] == ComparisonQuery(target_class=12)


@pytest.mark.parametrize("name", CLIENTS)
def test_a_form_may_be_cut_into_pieces_anywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(spool, "_FREE_BYTES", 0)
    memory = BodyMemory(0, tmp_path)  # so that no pieces are put together
    small = encode(reference(4)[::8, ::8], "GIF")
    form = CLIENTS[name]([small], TEXTS, "image")
    for piece in (1, 7) if len(form.body) < 10_000 else (97,):
        assert read(memory, form, piece)[0] == small


def form_with(name: str, content: bytes, headers: str = "") -> ClientForm:
    disposition = f'Content-Disposition: form-data; name="{name}"{headers}'
    return client("b", disposition, content=lambda _: content)([b""], {"target_class": "12"}, "")


@pytest.mark.parametrize("name", CLIENTS)
def test_a_batch_of_any_client_is_read(memory: BodyMemory, name: str) -> None:
    form = CLIENTS[name]([*PICTURES.values()], {"model": "digits"}, "images")
    with ExitStack() as held:

        async def load() -> tuple[list[bytes], BatchQuery]:
            request, limit = request_of(memory, form), len(PICTURES["BMP"])
            uploads, options = await read_images(request, BatchQuery(), BatchJson, limit, held)
            return [await upload(held) for upload in uploads], options

        images, options = asyncio.run(load())
    assert images == [*PICTURES.values()]
    assert options.model == "digits"


@pytest.mark.parametrize(
    "body",
    [
        b"--b\n" + b"\n--b\n" * 200_000,
        b"--b\n\n" + b"\n--bb" * 200_000,
        b"x" + b"\n--bb" * 200_000,
        b"x" + b"\n--b" * 200_000,
        b"--b\n" + b"X: y\n" * 200_000,
    ],
    ids=["parts", "words in a part", "words before", "lines before", "headers"],
)
@pytest.mark.parametrize("size", [100, 1_000_000])
def test_an_unusual_form_takes_little_work(body: bytes, size: int) -> None:
    framing, read = FormFraming(b"b"), len(body) // 5
    pieces = [body[start : start + size] for start in range(0, read, size)]
    with pytest.raises(FormParserError):
        b"".join(map(framing.feed, pieces))


FORM = "multipart/form-data"
JSON = b' {"image": "AAAA", "target_class": 1}'
PLAIN = CLIENTS["curl"]([JPEG], {}, "image")

EXPLAINED: dict[str, tuple[ClientForm, int, str, list[str]]] = {
    "another name": (
        CLIENTS["curl"]([JPEG], TEXTS, "photo"),
        400,
        "image_missing",
        ["'image'", "'photo'"],
    ),
    "no name": (
        form_with("", JPEG),
        400,
        "image_missing",
        ["'image'", "''"],
    ),
    "nothing": (ClientForm(f"{FORM}; boundary=b", b"--b--\r\n"), 400, "image_missing", ["nothing"]),
    "no boundary": (ClientForm(FORM, PLAIN.body), 400, "malformed_multipart", ["no boundary"]),
    "an empty boundary": (
        ClientForm(f"{FORM}; boundary=", PLAIN.body),
        400,
        "malformed_multipart",
        ["no boundary"],
    ),
    "another boundary": (
        ClientForm(f"{FORM}; boundary=x", PLAIN.body),
        400,
        "malformed_multipart",
        ["boundary does not occur"],
    ),
    "JSON as a form": (
        ClientForm(f"{FORM}; boundary=x", JSON),
        400,
        "malformed_multipart",
        ["is JSON", "'Content-Type: application/json'"],
    ),
    "JSON as a form without a boundary": (
        ClientForm(FORM, JSON),
        400,
        "malformed_multipart",
        ["is JSON", "'Content-Type: application/json'"],
    ),
    "JSON as curl -d sends it": (
        ClientForm("application/x-www-form-urlencoded", JSON),
        415,
        "unsupported_media_type",
        ["is JSON", "'Content-Type: application/json'"],
    ),
    "JSON as text": (
        ClientForm("text/plain", JSON),
        415,
        "unsupported_media_type",
        ["is JSON", "'Content-Type: application/json'"],
    ),
    "a form as JSON": (
        ClientForm("application/json", PLAIN.body),
        400,
        "malformed_json",
        ["is a multipart form", "Content-Type"],
    ),
    "a form of another kind": (
        ClientForm("multipart/mixed; boundary=b", PLAIN.body),
        415,
        "unsupported_media_type",
        ["multipart/mixed", "multipart/form-data"],
    ),
    "the image itself": (
        ClientForm("image/jpeg", JPEG),
        415,
        "unsupported_media_type",
        ["the image itself", "multipart form", "base64"],
    ),
    "the image without a type": (
        ClientForm("", JPEG),
        415,
        "unsupported_media_type",
        ["no Content-Type", "multipart form"],
    ),
    "nothing at all": (ClientForm("", b""), 400, "body_missing", ["no body", "multipart form"]),
    "a form of texts": (
        ClientForm("application/x-www-form-urlencoded", b"image=AAAA"),
        415,
        "unsupported_media_type",
        ["no files", "multipart form"],
    ),
    "an object as text": (
        form_with("image", b"[object Object]"),
        400,
        "image_not_a_file",
        ["'[object Object]'", "file"],
    ),
    "a path as text": (
        form_with("image", b"file:///storage/emulated/0/DCIM/photo.jpg"),
        400,
        "image_not_a_file",
        ["'file:///storage/emulated/0/DCIM/photo.jp'"],
    ),
    "base64 with an error": (
        form_with("image", b"A" * 1001),
        400,
        "invalid_base64",
        ["not valid base64"],
    ),
    "a text file": (
        form_with("image", b"A" * 1001, '; filename="a.txt"'),
        415,
        "unreadable_image",
        ["not an image"],
    ),
    "a text with an encoding that it has not": (
        client(
            "b",
            "X: y",
            text_headers='Content-Disposition: form-data; name="{name}"'
            "\nContent-Transfer-Encoding: base64",
        )([], {"target_class": "1!"}, ""),
        400,
        "malformed_multipart",
        ["encoding"],
    ),
    "a misspelt option": (
        CLIENTS["curl"]([JPEG], {"enhancment_level": "1", **TEXTS}, "image"),
        400,
        "validation_failed",
        ["enhancment_level", "'enhancement_level'"],
    ),
    "an endless header after LF": (
        ClientForm(f"{FORM}; boundary=b", b"--b\n" + b"X: y\n" * 20_000),
        400,
        "malformed_multipart",
        ["rules"],
    ),
}


@pytest.mark.parametrize("name", EXPLAINED)
def test_a_refusal_leads_to_the_mistake(memory: BodyMemory, name: str) -> None:
    form, status, code, words = EXPLAINED[name]
    with pytest.raises(ApiError) as refused:
        read(memory, form)
    assert (refused.value.status, refused.value.code) == (status, code)
    for word in words:
        assert word in refused.value.message
