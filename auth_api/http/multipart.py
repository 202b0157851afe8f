"""Parses multipart forms as they arrive."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Any

import orjson
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import Request

from auth_api.errors import ApiError, BadRequest
from auth_api.http.content_types import JSON_INSTEAD, is_json, named
from auth_api.http.form_framing import FormFraming
from auth_api.http.part_content import (
    HEAD_BYTES,
    Decoder,
    declared_decoder,
    image_decoder,
    undecodable,
)
from auth_api.http.part_headers import DISPOSITION, ENCODING, MEDIA_TYPE, PartHeaders
from auth_api.http.spool import OFF_LOOP_BYTES, receive_body

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

NOTHING = (b"", b"null", b"undefined")
"""Texts that count as absent: `FormData` turns null and undefined into text."""

_MAX_TEXT_BYTES = 64 * 1024
_MAX_OTHERS = 10
_HEADERS = frozenset({DISPOSITION, MEDIA_TYPE, ENCODING})
_NO_BOUNDARY = (
    "its Content-Type has no boundary; do not set that header yourself, because your HTTP library "
    "writes it with the boundary"
)


class FormReader:
    """Reads a form. It hands the images to `begin`, `add` and `fail`, which a subclass implements,
    and collects the texts. It decodes images that are sent as text.
    """

    def __init__(
        self,
        max_parts: int,
        images: Collection[str],
        fields: Collection[str],
        long_texts: Collection[str] = (),
    ) -> None:
        """`images` are the names of the images, `fields` those of the texts, which may have 64 kB
        together, `long_texts` those of texts that are handed over as images are. Other parts are
        skipped.
        """
        self.others: list[str] = []
        """Names of the first parts that are no images."""
        self.other_files: list[str] = []
        """Those of them that are files."""
        self._parts_left = max_parts
        self._images = images
        self._fields = fields
        self._long_texts = long_texts
        self._text_bytes_left = _MAX_TEXT_BYTES
        self._texts: dict[str, tuple[bytearray, bytes]] = {}
        self._complete = False
        self._name = self._value = b""
        self._headers: dict[bytes, bytes] = {}
        # Of the current part; without a sink it is skipped.
        self._sink: Callable[[bytes], None] | None = None
        self._decoder: Decoder | None = None
        self._part: PartHeaders
        self._in_image = self._is_undecided = False
        self._head = b""

    def begin(self, name: str, file_name: str | None) -> None:
        """An image or a long text begins. `file_name` may be None or empty.

        This and `add` may raise `BadRequest` or `OSError`.
        """
        raise NotImplementedError

    def add(self, content: bytes) -> None:
        """The next bytes of it."""
        raise NotImplementedError

    def fail(self, error: ApiError) -> None:
        """The current image cannot be used. No more of it is added."""
        raise NotImplementedError

    @property
    def texts(self) -> dict[str, Any]:
        """The texts by name; the last value of a repeated field. A field that is empty, or that
        JavaScript made from nothing, counts as absent. Raises `BadRequest`.
        """
        return {
            name: _text_of(*text) for name, text in self._texts.items() if text[0] not in NOTHING
        }

    async def read(self, request: Request) -> None:
        """Reads the whole form of a request. Small ones are parsed without a thread, because that
        is quick enough. Raises `BadRequest`, `Unavailable` or `OSError`.
        """
        _, options = parse_options_header(request.headers["content-type"])
        boundary = options.get(b"boundary", b"")
        parsed, is_json_body = 0, False
        try:
            framing = FormFraming(boundary)
            parser = MultipartParser(boundary, self._callbacks())

            async def parse(chunk: bytes) -> None:
                nonlocal parsed, is_json_body
                if not parsed:
                    is_json_body = is_json(chunk)
                    if not boundary:
                        raise malformed(JSON_INSTEAD if is_json_body else _NO_BOUNDARY)
                parsed += len(chunk)
                if parsed <= OFF_LOOP_BYTES:
                    parser.write(framing.feed(chunk))
                else:
                    await asyncio.to_thread(lambda: parser.write(framing.feed(chunk)))

            await receive_body(request, parse)
            parser.finalize()
        except FormParserError as error:
            raise malformed("it breaks the rules of multipart/form-data") from error
        if not framing.is_found:
            raise malformed(
                JSON_INSTEAD if is_json_body else "its boundary does not occur in the body"
            )
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
            "on_part_end": self._part_end,
            "on_end": self._form_end,
        }

    def _part_begin(self) -> None:
        self._parts_left -= 1
        if self._parts_left < 0:
            raise malformed("it has too many parts")
        self._headers = {}

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header_end(self) -> None:
        name = self._name.lower()
        if name in _HEADERS:
            self._headers[name] = self._value
        self._name = self._value = b""

    def _headers_finished(self) -> None:
        self._part = part = PartHeaders.of(self._headers)
        self._in_image = self._is_undecided = part.name in self._images
        self._head, self._decoder, self._sink = b"", None, None
        if self._in_image:
            self.begin(part.name, part.file_name)
            self._sink = self.add
            return
        if len(self.others) < _MAX_OTHERS:
            self.others.append(part.name)
            self.other_files += [part.name] if part.file_name is not None else []
        if part.name in self._long_texts:
            self.begin(part.name, part.file_name)
            self._sink = self.add
        elif part.name in self._fields:
            text = bytearray()
            self._texts[part.name] = text, part.media_type
            self._sink = self._add_text(text)
        self._decoder = declared_decoder(part.encoding)

    def _add_text(self, text: bytearray) -> Callable[[bytes], None]:
        def add(content: bytes) -> None:
            self._text_bytes_left -= len(content)
            if self._text_bytes_left < 0:
                raise malformed("its fields are too long")
            text.extend(content)

        return add

    def _part_data(self, data: bytes, start: int, end: int) -> None:
        if self._sink is None:
            return
        content = data[start:end]
        if self._is_undecided:
            content = self._head + content
            if len(content) < HEAD_BYTES:
                self._head = content
                return
            self._decide(content[:HEAD_BYTES])
        self._pass_on(content)

    def _part_end(self) -> None:
        if self._is_undecided:
            self._decide(self._head)
            self._pass_on(self._head)
        self._pass_on(None)

    def _decide(self, head: bytes) -> None:
        self._is_undecided = False
        try:
            self._decoder = image_decoder(head, self._part)
        except BadRequest as error:
            self._reject(error)

    def _pass_on(self, content: bytes | None) -> None:
        """Decodes content and passes it on. None is the end of a part."""
        if self._sink is None:
            return
        try:
            if self._decoder:
                feed, finish = self._decoder.feed, self._decoder.finish
                content = finish() if content is None else feed(content)
        except ValueError as error:
            if not self._in_image:
                raise malformed("a field is not what its encoding says") from error
            self._reject(undecodable(self._part))
            return
        if content:
            self._sink(content)

    def _reject(self, error: ApiError) -> None:
        self._sink = None
        self.fail(error)

    def _form_end(self) -> None:
        self._complete = True


def malformed(reason: str) -> BadRequest:
    """The error for a form that cannot be read."""
    return BadRequest(f"The multipart form cannot be read: {reason}.", "malformed_multipart")


def image_missing(name: str, others: Collection[str]) -> BadRequest:
    """The error for a form without an image. It says to send `name`, and what there is instead."""
    has = f"The form has {named(others)} instead." if others else "The form has nothing."
    return BadRequest(f"There is no image: send it as the file '{name}'. {has}", "image_missing")


def _text_of(content: bytearray, media_type: bytes) -> Any:
    """A text in UTF-8, else in Latin-1; a plain value if it is declared as JSON."""
    if media_type.lower().startswith(b"application/json"):
        try:
            return orjson.loads(content)
        except ValueError:
            pass
    try:
        return content.decode().strip()
    except UnicodeDecodeError:
        return content.decode("latin-1").strip()
