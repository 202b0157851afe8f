"""A multipart form of any size, whose files are written one after the other as they come."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from starlette.requests import Request

from auth_api.errors import ApiError, BadRequest, TooLarge
from auth_api.http.multipart import FormReader, malformed, text_of
from auth_api.jobs.input_files import NewInput

MOST_IMAGES = 1000
"""In one job."""

IMAGES = frozenset({"images", "image", "files", "file", "zip"})
"""What the files of a job that reads images may be called."""

_MOST_PARTS = 2 * MOST_IMAGES
_ZIP = b"PK"


@dataclass(frozen=True)
class Limits:
    """In bytes: of one image, of all that is sent, of all that a zip unpacks to."""

    image: int
    upload: int


@dataclass
class Part:
    """A file of a form: what it is called, and where its content is."""

    name: str
    start: int
    length: int = 0
    head: bytes = b""
    error: ApiError | None = None

    @property
    def is_zip(self) -> bool:
        """By its content; no image begins like that."""
        return self.head.startswith(_ZIP)


@dataclass
class Form:
    """What was in a form."""

    parts: list[Part] = field(default_factory=list)
    """The files, in order."""
    texts: dict[str, str] = field(default_factory=dict)
    """The other fields; of a repeated one the last."""


async def read_form(
    request: Request, file: NewInput, limits: Limits, files: Collection[str], most_text: int = 0
) -> Form:
    """Writes those `files` of a form to `file` that are called so. Its other fields may have
    `most_text` bytes together; 0 leaves them aside.

    Raises BadRequest, or OSError.
    """
    reader = _Reader(file, limits, files, most_text)
    await reader.read(request)
    return reader.content()


class _Reader(FormReader):
    """Writes the files of a form one after the other, as its parser comes upon them."""

    def __init__(
        self, file: NewInput, limits: Limits, files: Collection[str], most_text: int
    ) -> None:
        super().__init__(_MOST_PARTS)
        self._file = file
        self._limits = limits
        self._files = files
        self._most_text = most_text
        self._parts: list[Part] = []
        self._texts: dict[str, bytearray] = {}
        self._text: bytearray | None = None
        self._open = False

    def content(self) -> Form:
        """What there was. Raises BadRequest."""
        return Form(self._parts, {name: text_of(text) for name, text in self._texts.items()})

    def begin(self, name: str, file_name: str | None) -> None:
        """Opens a file, or begins a text that is wanted."""
        self._open = name in self._files
        self._text = None
        if not self._open:
            if self._most_text and file_name is None:
                self._text = self._texts[name] = bytearray()
            return
        if len(self._parts) == MOST_IMAGES:
            raise BadRequest(
                f"There are too many images: send up to {MOST_IMAGES} at a time.",
                "too_many_images",
            )
        error = None
        if file_name is None:
            error = BadRequest("The image is text: send a file.", "image_not_a_file")
        shown = PurePosixPath((file_name or "").replace("\\", "/")).name
        self._parts.append(Part(shown or name, self._file.length, error=error))

    def add(self, content: bytes) -> None:
        """Writes it, up to what one file may have."""
        if self._text is not None:
            self._text += content
            self._most_text -= len(content)
            if self._most_text <= 0:
                raise malformed("its fields are too long")
        if not self._open:
            return
        part = self._parts[-1]
        part.head = (part.head + content[:4])[:4]
        if part.error:
            return
        limit = self._limits.upload if part.is_zip else self._limits.image
        if part.length + len(content) > limit:
            self._file.back_to(part.start)
            part.length, part.error = 0, too_large(limit)
            return
        self._file.write(content)
        part.length += len(content)


def too_large(limit: int) -> TooLarge:
    """What is said of an image of more than `limit` bytes."""
    return TooLarge(
        f"The image is too large: up to {limit / (1024 * 1024):g} MB are taken.", "image_too_large"
    )
