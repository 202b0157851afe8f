"""The bytes of the requests of attackers. No HTTP client sends what they send."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

CHUNK_BYTES = 64 * 1024
_BOUNDARY = "attack"


def head(line: str, **headers: object) -> bytes:
    """A complete head; `Content_Length=5` is the header `Content-Length: 5`."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    lines = [f"{line} HTTP/1.1", "Host: x", *(f"{name}: {text}" for name, text in named.items())]
    return "\r\n".join([*lines, "", ""]).encode()


def bearer(access: str) -> dict[str, str]:
    """The header of a signed-in caller, for `head`; none without a token."""
    return {"Authorization": f"Bearer {access}"} if access else {}


def json_head(path: str, length: int, access: str = "") -> bytes:
    """The head of a request whose body is `length` bytes of JSON."""
    kind = "application/json"
    return head(f"POST {path}", Content_Type=kind, Content_Length=length, **bearer(access))


def json_post(path: str, body: bytes, access: str = "") -> list[bytes]:
    """A request with a JSON body."""
    return [json_head(path, len(body), access), body]


def image_json(text: str, **fields: object) -> bytes:
    """JSON with `text` as the image. Letters beyond ASCII are not escaped."""
    return json.dumps({"image": text, **fields}, ensure_ascii=False).encode()


def form_post(
    path: str,
    files: Iterable[tuple[str, bytes]],
    access: str = "",
    fields: Iterable[tuple[str, str]] = (),
) -> list[bytes]:
    """A request with a multipart form; `files` are names of fields with contents."""
    parts = [
        f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{text}\r\n'.encode()
        for name, text in fields
    ]
    for name, content in files:
        parts += [file_opening(name), content, b"\r\n"]
    body = b"".join([*parts, FORM_END])
    return [form_head(path, access, Content_Length=len(body)), body]


def form_head(path: str, access: str = "", **headers: object) -> bytes:
    """The head of a request with a multipart form."""
    kind = f"multipart/form-data; boundary={_BOUNDARY}"
    return head(f"POST {path}", Content_Type=kind, **bearer(access), **headers)


def file_opening(name: str) -> bytes:
    """The start of a file in a form, up to its content."""
    disposition = f'Content-Disposition: form-data; name="{name}"; filename="file"'
    return f"--{_BOUNDARY}\r\n{disposition}\r\n\r\n".encode()


FORM_END = f"--{_BOUNDARY}--\r\n".encode()


def chunked(content: bytes) -> bytes:
    """One chunk of a body with `Transfer-Encoding: chunked`."""
    return b"%x\r\n%b\r\n" % (len(content), content)


def repeated(unit: bytes, total: int) -> Iterator[bytes]:
    """`total` bytes of repetitions of `unit`, in pieces, so that they need no memory at once."""
    piece = unit * max(1, CHUNK_BYTES // len(unit))
    for _ in range(total // len(piece)):
        yield piece
    yield piece[: total % len(piece)]
