"""Parses multipart forms as they arrive."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from typing import TYPE_CHECKING

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import Request

from auth_api.errors import BadRequest
from auth_api.http.spool import OFF_LOOP_BYTES, receive_body

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks


class FormReader:
    """Reads a form. It hands the images to `begin` and `add`, which a subclass implements, and
    collects the texts.
    """

    def __init__(self, max_parts: int, names: Collection[str], max_text: int) -> None:
        """`names` are those of the images. The other fields that are no files may have `max_text`
        bytes together; 0 ignores them.
        """
        self._parts_left = max_parts
        self._names = names
        self._text_bytes_left = max_text
        self._keeps_texts = max_text > 0
        self._texts: dict[str, bytearray] = {}
        self._text: bytearray | None = None
        self._in_image = False
        self._complete = False
        self._field = b""
        self._value = b""
        self._disposition = b""

    def begin(self, name: str, file_name: str | None) -> None:
        """An image begins. It is a file if `file_name` is not None; that name may be empty.

        This and `add` may raise `BadRequest` or `OSError`.
        """
        raise NotImplementedError

    def add(self, content: bytes) -> None:
        """The next bytes of the current image."""
        raise NotImplementedError

    @property
    def texts(self) -> dict[str, str]:
        """The texts; the last value of a repeated field. Raises `BadRequest`."""
        return {name: _text_of(text) for name, text in self._texts.items()}

    async def read(self, request: Request) -> None:
        """Reads the whole form of a request. Small ones are parsed without a thread, because that
        is quick enough. Raises `BadRequest`, `Unavailable` or `OSError`.
        """
        _, options = parse_options_header(request.headers["content-type"])
        boundary = options.get(b"boundary")
        if not boundary:
            raise malformed("it has no boundary")
        parsed = 0
        try:
            parser = MultipartParser(boundary, self._callbacks())

            async def parse(chunk: bytes) -> None:
                nonlocal parsed
                parsed += len(chunk)
                if parsed <= OFF_LOOP_BYTES:
                    parser.write(chunk)
                else:
                    await asyncio.to_thread(parser.write, chunk)

            await receive_body(request, parse)
            parser.finalize()
        except FormParserError as error:
            raise malformed("it breaks the rules of multipart/form-data") from error
        if not self._complete:
            raise malformed("it ends too early")

    def _callbacks(self) -> MultipartCallbacks:
        return {
            "on_part_begin": self._part_begin,
            "on_header_field": self._header_field,
            "on_header_value": self._header_value,
            "on_header_end": self._header_end,
            "on_headers_finished": self._headers_finished,
            "on_part_data": self._part_data,
            "on_end": self._form_end,
        }

    def _part_begin(self) -> None:
        self._parts_left -= 1
        if self._parts_left < 0:
            raise malformed("it has too many parts")
        self._disposition = b""

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._field += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header_end(self) -> None:
        if self._field.lower() == b"content-disposition":
            self._disposition = self._value
        self._field = self._value = b""

    def _headers_finished(self) -> None:
        _, options = parse_options_header(self._disposition)
        name, file_name = _decoded(options.get(b"name", b"")), options.get(b"filename")
        self._in_image = name in self._names
        self._text = None
        if self._in_image:
            self.begin(name, None if file_name is None else _decoded(file_name))
        elif self._keeps_texts and file_name is None:
            self._text = self._texts[name] = bytearray()

    def _part_data(self, data: bytes, start: int, end: int) -> None:
        if self._in_image:
            self.add(data[start:end])
        elif self._text is not None:
            self._text_bytes_left -= end - start
            if self._text_bytes_left < 0:
                raise malformed("its fields are too long")
            self._text += data[start:end]

    def _form_end(self) -> None:
        self._complete = True


def malformed(reason: str) -> BadRequest:
    """The error for a form that cannot be read."""
    return BadRequest(f"The multipart form cannot be read: {reason}.", "malformed_multipart")


def _text_of(content: bytearray) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise malformed("a field is not UTF-8") from error


def _decoded(value: bytes) -> str:
    return value.decode("utf-8", "replace")
