"""Brings forms of old libraries and proxies into the form that `python_multipart` reads.

It skips a preamble, and puts CRLF where lines of the form end with LF alone. Ordinary forms pass
unchanged.
"""

from __future__ import annotations

from collections.abc import Callable

from python_multipart.exceptions import FormParserError

_MAX_HEADERS_BYTES = 64 * 1024


class FormFraming:
    """A form that arrives in pieces."""

    def __init__(self, boundary: bytes) -> None:
        self._delimiter = b"--" + boundary
        self._buffer = b""
        self._at_start = True
        # Each step takes what it can from the buffer. None: the rest is passed on as it is.
        self._step: Callable[[], bytes | None] | None = self._preamble

    @property
    def is_found(self) -> bool:
        """Whether the first boundary has come."""
        return self._step != self._preamble

    def feed(self, piece: bytes) -> bytes:
        """The form so far, with lines that end with CRLF. Raises `FormParserError` if a
        part has too many headers.
        """
        if self._step is None:
            return piece
        if self._at_start and not self._buffer and piece.startswith(self._delimiter + b"\r\n"):
            self._step = None  # an ordinary form
            return piece
        self._buffer += piece
        done = []
        while self._step is not None and (part := self._step()) is not None:
            done.append(part)
        if self._step is None:
            done.append(self._buffer)
            self._buffer = b""
        return b"".join(done)

    def _preamble(self) -> bytes | None:
        """Skips everything before the first line that is a delimiter."""
        buffer, delimiter = self._buffer, self._delimiter
        if self._at_start and delimiter.startswith(buffer[: len(delimiter)]):
            place = 0
        else:
            place = buffer.find(b"\n" + delimiter) + 1
            if not place:
                self._keep(len(buffer) - len(delimiter))
                return None
        self._keep(place)
        self._at_start = True
        after = self._buffer[len(delimiter) : len(delimiter) + 2]
        if len(after) < 2:
            return None
        if after in (b"\r\n", b"--"):
            self._step = None
            return b""
        if after[:1] == b"\n":
            self._take(len(delimiter) + 1)
            self._step = self._headers
            return delimiter + b"\r\n"
        self._keep(len(delimiter))
        return b""

    def _keep(self, start: int) -> None:
        if start > 0:
            self._take(start)
            self._at_start = False

    def _take(self, length: int) -> bytes:
        taken, self._buffer = self._buffer[:length], self._buffer[length:]
        return taken

    def _headers(self) -> bytes | None:
        """Takes the headers of a part, up to an empty line."""
        end = 0 if self._buffer.startswith(b"\n") else self._buffer.find(b"\n\n") + 1
        if not end and not self._buffer.startswith(b"\n"):
            if len(self._buffer) > _MAX_HEADERS_BYTES:
                raise FormParserError
            return None
        self._step = self._content
        return self._take(end + 1).replace(b"\n", b"\r\n")

    def _content(self) -> bytes | None:
        """Takes the content of a part, up to the next delimiter."""
        end = b"\n" + self._delimiter
        place = self._buffer.find(end)
        if place < 0:
            return self._take(max(0, len(self._buffer) - len(end))) or None
        after = self._buffer[place + len(end) :][:2]
        if after == b"--":
            self._step = self._epilogue
        elif after[:1] == b"\n":
            self._step = self._headers
        elif len(after) < 2:
            return self._take(place) or None
        else:  # a longer word
            return self._take(place + 1)
        content = self._take(place)
        self._take(len(end) + (2 if after == b"--" else 1))
        return content + b"\r\n" + self._delimiter + (b"--\r\n" if after == b"--" else b"\r\n")

    def _epilogue(self) -> bytes | None:
        self._buffer = b""
        return None
