"""Brings forms of old libraries and proxies into the form that `python_multipart` reads.

It skips a preamble, and puts CRLF where lines of the form end with LF alone. Ordinary forms pass
unchanged.
"""

from __future__ import annotations

from collections.abc import Callable

from python_multipart.exceptions import FormParserError

_MAX_HEADERS_BYTES = 64 * 1024
# Lines that begin like a delimiter. The largest form has 2,000 parts.
_MAX_DELIMITERS = 5_000


class FormFraming:
    """A form that arrives in pieces."""

    def __init__(self, boundary: bytes) -> None:
        self._delimiter = b"--" + boundary
        self._buffer = b""
        self._at = 0
        """Up to here, the buffer is done."""
        self._is_start = True
        self._delimiters_left = _MAX_DELIMITERS
        # Each step takes what it can from the buffer. None: the rest is passed on as it is.
        self._step: Callable[[], bytes | None] | None = self._preamble

    @property
    def is_found(self) -> bool:
        """Whether the first boundary has come."""
        return self._step != self._preamble

    def feed(self, piece: bytes) -> bytes:
        """The form so far, with lines that end with CRLF. Raises `FormParserError` if a
        part has too many headers, or the form too many parts.
        """
        if self._step is None:
            return piece
        if self._is_start and not self._buffer and piece.startswith(self._delimiter + b"\r\n"):
            self._step = None  # an ordinary form
            return piece
        self._buffer, self._at = self._buffer[self._at :] + piece, 0
        done = []
        while self._step is not None and (part := self._step()) is not None:
            done.append(part)
        if self._step is None:
            done.append(self._take(len(self._buffer)))
        return b"".join(done)

    def _take(self, end: int) -> bytes:
        """The buffer up to `end`, which is then done; nothing if it is already."""
        start, self._at = self._at, max(self._at, end)
        return self._buffer[start : self._at]

    def _preamble(self) -> bytes | None:
        """Skips everything before the first line that is a delimiter."""
        buffer, delimiter = self._buffer, self._delimiter
        start = self._at
        if not (self._is_start and delimiter.startswith(buffer[start : start + len(delimiter)])):
            start = buffer.find(b"\n" + delimiter, self._at) + 1
            if not start:
                self._skip(len(buffer) - len(delimiter))
                return None
        self._count()
        self._skip(start)
        self._is_start = True
        end = start + len(delimiter)
        after = buffer[end : end + 2]
        if len(after) < 2:
            return None
        if after in (b"\r\n", b"--"):
            self._step = None
            return b""
        if after[:1] == b"\n":
            self._skip(end + 1)
            self._step = self._headers
            return delimiter + b"\r\n"
        self._skip(end)  # a longer word
        return b""

    def _count(self) -> None:
        self._delimiters_left -= 1
        if self._delimiters_left < 0:
            raise FormParserError

    def _skip(self, end: int) -> None:
        if end > self._at:
            self._at = end
            self._is_start = False

    def _headers(self) -> bytes | None:
        """Takes the headers of a part, up to an empty line."""
        if self._buffer.startswith(b"\n", self._at):
            end = self._at + 1
        else:
            end = self._buffer.find(b"\n\n", self._at) + 2
            if end < 2:
                if len(self._buffer) - self._at > _MAX_HEADERS_BYTES:
                    raise FormParserError
                return None
        self._step = self._content
        return self._take(end).replace(b"\n", b"\r\n")

    def _content(self) -> bytes | None:
        """Takes the content of a part, up to the next delimiter."""
        mark = b"\n" + self._delimiter
        place = self._buffer.find(mark, self._at)
        if place < 0:
            return self._take(len(self._buffer) - len(mark)) or None
        self._count()
        end = place + len(mark)
        after = self._buffer[end : end + 2]
        if after == b"--":
            self._step, line = self._epilogue, mark + b"--\n"
        elif after[:1] == b"\n":
            self._step, line = self._headers, mark + b"\n"
        elif len(after) < 2:
            return self._take(place) or None
        else:  # a longer word
            return self._take(end)
        content = self._take(place)
        self._at = end + len(line) - len(mark) - (after == b"--")
        return content + line.replace(b"\n", b"\r\n")

    def _epilogue(self) -> bytes | None:
        self._at = len(self._buffer)
        return None
