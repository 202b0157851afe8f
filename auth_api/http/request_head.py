"""Limits the head of a request while it arrives.

Limited are the request line, the fields of the head, and what a chunked body has besides its
content: the extensions of a chunk, and the fields after the last one.
"""

from __future__ import annotations

from typing import Any

from auth_api.errors import HeadTooLarge
from auth_api.http.closing import ClosingProtocol

MAX_BYTES = 32 * 1024
"""Of a head, of the fields after a body, or of the extensions of a chunk."""
MAX_FIELDS = 100
"""Of a head, or after a body."""
MAX_WAITING = 16
"""Requests of one connection that wait while an earlier one is answered."""

# The parser reports neither the extensions of chunks nor an unfinished field, so what was parsed
# between two reports is known only this precisely.
_PIECE_BYTES = 4 * 1024
# `: ` and the end of a line.
_FIELD_OVERHEAD = 4


class _Stop(Exception):
    """Stops the parser."""


class HeadLimitProtocol(ClosingProtocol):
    """Answers 431 to a head that is too large, before all of it is here."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._unreported = 0
        """Bytes that were parsed since the parser reported something complete."""
        self._has_plain_body = False
        """Whether the body of the latest request has a declared length."""
        self._error: HeadTooLarge | None = None

    def data_received(self, data: bytes) -> None:
        """Parses `data`, in pieces unless it is a body of declared length."""
        if len(data) <= _PIECE_BYTES or (self._has_plain_body and self.in_body):
            self._parse(data)
            return
        start = 0
        while start < len(data):
            end = start + _PIECE_BYTES
            if self._has_plain_body and self.in_body:
                end = len(data)
            self._parse(data[start:end])
            start = end

    def _parse(self, data: bytes) -> None:
        if self.is_deaf or self.transport.is_closing():
            self.ignore(data)
            return
        self._unreported += len(data)
        super().data_received(data)
        if self._unreported > MAX_BYTES + _PIECE_BYTES:
            self.refuse(_too_many_bytes())
        elif self.headers and len(self.headers) > MAX_FIELDS:
            self.refuse(_too_many_fields())

    def on_message_begin(self) -> None:
        """The parser has found the start of a request."""
        if len(self.pipeline) >= MAX_WAITING:
            self._stop(HeadTooLarge("Too many requests wait on this connection."))
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """The parser has found a complete head."""
        if len(self.headers) > MAX_FIELDS:
            self._stop(_too_many_fields())
        if self._unreported > MAX_BYTES and self._head_bytes() > MAX_BYTES:
            self._stop(_too_many_bytes())
        self._unreported = 0
        self._has_plain_body = all(name != b"transfer-encoding" for name, _ in self.headers)
        super().on_headers_complete()
        self.headers = []  # of fields after the body, which nobody reads

    def on_chunk_header(self) -> None:
        """The parser has found the size of a chunk and its extensions."""
        self._unreported = 0

    def on_body(self, body: bytes) -> None:
        """The parser has found a part of the body."""
        self._unreported = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The parser has found the end of a request."""
        if len(self.headers) > MAX_FIELDS:
            self._stop(_too_many_fields())
        self._unreported = 0
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """Answers what the parser did not take."""
        if self._error is not None:
            self.refuse(self._error)
        else:
            super().send_400_response(msg)

    def _head_bytes(self) -> int:
        fields = sum(len(name) + len(value) + _FIELD_OVERHEAD for name, value in self.headers)
        return len(self.url) + fields

    def _stop(self, error: HeadTooLarge) -> None:
        self._error = error
        raise _Stop


def _too_many_bytes() -> HeadTooLarge:
    return HeadTooLarge(
        f"The head of the request is too large: the limit is {MAX_BYTES // 1024} kB."
    )


def _too_many_fields() -> HeadTooLarge:
    return HeadTooLarge(f"The request has too many header fields: the limit is {MAX_FIELDS}.")
