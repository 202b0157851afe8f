"""Multipart forms, taken apart as they come."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import Request

from auth_api.errors import BadRequest

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

AT_A_TIME = 1024 * 1024
"""Bytes that are parsed together; so many are quick enough not to need a thread."""


class FormReader:
    """Is told what is in a form; a subclass says what becomes of it."""

    def __init__(self, most_parts: int) -> None:
        self._left = most_parts
        self._complete = False
        self._header = b""
        self._value = b""
        self._disposition = b""

    def begin(self, name: str, file_name: str | None) -> None:
        """A part begins, which is a file if it has a name for one, empty or not.

        May raise BadRequest or OSError, as may `add`.
        """
        raise NotImplementedError

    def add(self, content: bytes) -> None:
        """More of the part that has begun."""
        raise NotImplementedError

    async def read(self, request: Request) -> None:
        """Reads the form of a request to its end. Raises BadRequest or OSError."""
        _, options = parse_options_header(request.headers["content-type"])
        boundary = options.get(b"boundary")
        if not boundary:
            raise malformed("it has no boundary")
        waiting, large = bytearray(), False
        try:
            parser = MultipartParser(boundary, self._callbacks())
            async for chunk in request.stream():
                waiting += chunk
                if len(waiting) >= AT_A_TIME:
                    large = True
                    await asyncio.to_thread(parser.write, bytes(waiting))
                    waiting.clear()
            if large:
                await asyncio.to_thread(parser.write, bytes(waiting))
            else:
                parser.write(bytes(waiting))
            parser.finalize()
        except FormParserError as error:
            raise malformed("it breaks the rules of multipart/form-data") from error
        if not self._complete:
            raise malformed("it ends too early")

    def _callbacks(self) -> MultipartCallbacks:
        return {
            "on_part_begin": self._part_begins,
            "on_header_field": self._header_name,
            "on_header_value": self._header_value,
            "on_header_end": self._header_ends,
            "on_headers_finished": self._headers_end,
            "on_part_data": self._part_goes_on,
            "on_end": self._form_ends,
        }

    def _part_begins(self) -> None:
        self._left -= 1
        if self._left < 0:
            raise malformed("it has too many parts")
        self._disposition = b""

    def _header_name(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header_ends(self) -> None:
        if self._header.lower() == b"content-disposition":
            self._disposition = self._value
        self._header = self._value = b""

    def _headers_end(self) -> None:
        _, options = parse_options_header(self._disposition)
        file_name = options.get(b"filename")
        self.begin(
            _plain(options.get(b"name", b"")), None if file_name is None else _plain(file_name)
        )

    def _part_goes_on(self, data: bytes, start: int, end: int) -> None:
        self.add(data[start:end])

    def _form_ends(self) -> None:
        self._complete = True


def malformed(reason: str) -> BadRequest:
    """What is said of a form that is none, or not one of ours."""
    return BadRequest(f"The multipart form cannot be read: {reason}.", "malformed_multipart")


def text_of(content: bytes | bytearray) -> str:
    """That of a field that is no file. Raises BadRequest."""
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise malformed("a field is not UTF-8") from error


def _plain(value: bytes) -> str:
    return value.decode("utf-8", "replace")
