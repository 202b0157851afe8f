"""Multipart forms, byte for byte as HTTP libraries of apps, old libraries and proxies send them."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import NamedTuple
from urllib.parse import quote

Texts = dict[str, str]


class ClientForm(NamedTuple):
    """The body of a request, and its `Content-Type`."""

    content_type: str
    body: bytes


Client = Callable[[Sequence[bytes], Texts, str], ClientForm]
"""Makes the form with the images and the texts; the field of the images has this name."""


def client(
    boundary: str,
    file_headers: str,
    *,
    content_type: str = "multipart/form-data; boundary={boundary}",
    text_headers: str = 'Content-Disposition: form-data; name="{name}"',
    before: bytes = b"",
    after: bytes = b"",
    line_end: bytes = b"\r\n",
    content: Callable[[bytes], bytes] = bytes,
    text: Callable[[str], bytes] = str.encode,
    beside: Sequence[tuple[str, bytes]] = (),
) -> Client:
    """A client by the headers of its parts; `beside` are headers and contents of further ones."""

    def make(images: Sequence[bytes], texts: Texts, name: str) -> ClientForm:
        parts = [(headers, text_) for headers, text_ in beside]
        parts += [(text_headers.format(name=key), text(texts[key])) for key in texts]
        parts += [(file_headers.format(name=name), content(image)) for image in images]
        delimiter = b"--" + boundary.encode()
        body = before
        for headers, data in parts:
            lines = [delimiter, *headers.encode().split(b"\n"), b"", data]
            body += line_end.join(lines) + line_end
        body += delimiter + b"--" + line_end + after
        return ClientForm(content_type.format(boundary=boundary), body)

    return make


def _data_uri(image: bytes) -> bytes:
    return b"data:image/jpeg;base64," + base64.b64encode(image)


def _url_safe(image: bytes) -> bytes:
    return base64.urlsafe_b64encode(image).rstrip(b"=")


_CURL = "------------------------d74496d66958873e"
_DISPOSITION = 'Content-Disposition: form-data; name="{name}"'
_FILE = _DISPOSITION + '; filename="photo.jpg"'
_NEPALI = quote("तस्बिर.jpg")

CLIENTS: dict[str, Client] = {
    "curl": client(_CURL, _FILE + "\nContent-Type: image/jpeg"),
    "requests": client("9c1c2b7a0d5e", _FILE),
    "requests with a Nepali name": client(
        "9c1c2b7a0d5e", _DISPOSITION + f"; filename*=utf-8''{_NEPALI}"
    ),
    "requests with texts as files": client(
        "9c1c2b7a0d5e", _FILE, text_headers=_DISPOSITION + '; filename="{name}"'
    ),
    "Dart without a file name": client(
        "dart-http-boundary-9Zk+_2Lm1.vQ",
        'content-type: application/octet-stream\ncontent-disposition: form-data; name="{name}"',
        text_headers='content-disposition: form-data; name="{name}"',
    ),
    "Dart": client(
        "dart-http-boundary-b_Q2Jm0A+6eLrVd1nO8hXsYk4Z.tGwU9cIxPzKfR3v7NBaMjTq",
        "content-type: application/octet-stream\n"
        'content-disposition: form-data; name="{name}"; filename="तस्बिर %22१%22.jpg"',
        text_headers='content-disposition: form-data; name="{name}"',
    ),
    "Dart with the name in the type": client(
        "dart-http-boundary-9Zk+_2Lm1.vQ",
        'content-disposition: form-data; name="{name}"\n'
        'content-type: application/octet-stream; filename="photo.jpg"',
        text_headers='content-disposition: form-data; name="{name}"',
    ),
    "Dio": client(
        "--dio-boundary-1234567890",
        'content-disposition: form-data; name="{name}"; filename="image_picker_1.jpg"\n'
        "content-type: application/octet-stream",
    ),
    "React Native on Android": client(
        "f1b0c7a2-8a51-4c39-9a54-0f1f6f0c5d2b",
        'content-disposition: form-data; name="{name}"; filename="photo.jpg"\n'
        "content-type: image/jpeg\nContent-Length: 5000",
    ),
    "React Native with a Nepali name": client(
        "MN2pq_7xLw0RkV5-jEzT8aUo3YdBsGf1CiQh6tWv9nZcXyKrSlDgHbJmFuPeAoIq4OyL2",
        f'content-type: image/heic\ncontent-disposition: form-data; name="{{name}}"; '
        f'filename="{_NEPALI}"',
    ),
    "React Native on iOS": client(
        "Xq7.vHCx0tzQeYl-8qQ",
        _FILE + "; filename*=utf-8''photo.jpg\ncontent-type: image/jpeg",
    ),
    "Retrofit with Gson": client(
        "3f6c1d7e",
        _FILE + "\nContent-Type: image/*",
        text_headers=_DISPOSITION + "\nContent-Type: application/json; charset=UTF-8",
        text=lambda text: b'"%b"' % text.encode(),
    ),
    "Apache HttpClient": client(
        "Kf0EXM5rGnYyJ3d2X8",
        _FILE + "\nContent-Type: image/jpeg\nContent-Transfer-Encoding: binary",
        text_headers=_DISPOSITION
        + "\nContent-Type: text/plain; charset=ISO-8859-1\nContent-Transfer-Encoding: 8bit",
    ),
    "an old Android library": client(
        "*****", 'Content-Disposition: form-data; name="{name}";filename="/sdcard/DCIM/a.jpg"'
    ),
    "Cordova": client("+++++org.apache.cordova.formBoundary", _FILE, before=b"\r\n"),
    ".NET": client(
        "5e9c7a34-2a0f-4c0b-8f6e-4b4f8a0a7f10",
        "Content-Disposition: form-data; name={name}; filename=photo.jpg; "
        "filename*=utf-8''photo.jpg",
        content_type='multipart/form-data; boundary="{boundary}"',
        text_headers="Content-Type: text/plain; charset=utf-8\n"
        "Content-Disposition: form-data; name={name}",
    ),
    "a quoted boundary": client(
        "gc0p4Jq0M:2Yt08jU534c0p=?",
        _FILE,
        content_type='multipart/form-data; boundary="{boundary}"',
    ),
    "names in single quotes": client("b", "Content-Disposition: form-data; name='{name}'"),
    "an escaped file name": client("b", _DISPOSITION + r'; filename="a \"good; one\".jpg"'),
    "headers in capitals": client("b", 'CONTENT-DISPOSITION: FORM-DATA; NAME="{name}"'),
    "an extended name": client("b", "Content-Disposition: form-data; name*=utf-8''{name}"),
    "base64 in lines": client(
        "b",
        _FILE + "\nContent-Transfer-Encoding: base64",
        content=base64.encodebytes,
        text_headers=_DISPOSITION + "\nContent-Transfer-Encoding: BASE64",
        text=lambda text: base64.b64encode(text.encode()),
    ),
    "base64 that is none": client("b", _FILE + "\nContent-Transfer-Encoding: base64"),
    "quoted-printable": client(
        "b",
        _FILE + "\nContent-Transfer-Encoding: quoted-printable",
        content=lambda image: binascii.b2a_qp(image, istext=False).replace(b"\n", b"\r\n"),
    ),
    "a base64 text": client("b", _DISPOSITION, content=base64.b64encode),
    "a data URI as text": client("b", _DISPOSITION, content=_data_uri),
    "a data URI as a JSON text": client(
        "b",
        _DISPOSITION + "\nContent-Type: application/json",
        content=lambda image: b'"%b"' % _data_uri(image),
    ),
    "url-safe base64 as a file": client("b", _FILE, content=_url_safe),
    "a preamble and an epilogue": client(
        "b", _FILE, before=b"This is a message.\r\n--bb\r\n\r\n", after=b"The end.\r\n--b\r\nx"
    ),
    "lines that end with LF": client("b", _FILE, line_end=b"\n"),
    "a preamble and LF": client("b", _FILE, before=b"-\n--\n", after=b"\nend", line_end=b"\n"),
    "a Latin-1 text beside the image": client(
        "b",
        _FILE,
        beside=[('Content-Disposition: form-data; name="title"', "caf\u00e9".encode("latin-1"))],
    ),
    "many more texts than are known": client(
        "b",
        _FILE,
        beside=[('Content-Disposition: form-data; name="log"', bytes(200_000)), ("X-Y: z", b"")],
    ),
}
