"""Multipart forms of any size: the files of a form are written to one file as they arrive."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import PurePosixPath

from starlette.requests import Request

from auth_api.errors import ApiError, BadRequest
from auth_api.http.multipart import FormReader
from auth_api.http.uploads import image_too_large
from auth_api.jobs.input_files import NewInput

MAX_IMAGES = 1000
"""Images in one job."""

IMAGES = frozenset({"images", "image", "files", "file", "zip"})
"""Accepted field names for the files of a prediction job."""

_MAX_PARTS = 2 * MAX_IMAGES
_ZIP = b"PK"


@dataclass(frozen=True)
class Limits:
    """Limits in bytes."""

    image: int
    upload: int
    """All files of a form, or all that a zip unpacks to."""


@dataclass
class Part:
    """A file of a form. `start` and `length` locate its content in the target file, in bytes."""

    name: str
    start: int
    length: int = 0
    head: bytes = b""
    """The first four bytes."""
    error: ApiError | None = None

    @property
    def is_zip(self) -> bool:
        """Whether the content starts like a zip. No image does."""
        return self.head.startswith(_ZIP)


async def read_form(
    request: Request,
    file: NewInput,
    limits: Limits,
    files: Collection[str],
    fields: Collection[str],
) -> UploadForm:
    """Writes the files of a form with the names `files` to `file`. `fields` are the names of its
    texts. Raises `BadRequest`, `OSError`.
    """
    reader = UploadForm(file, limits, files, fields)
    await reader.read(request)
    return reader


class UploadForm(FormReader):
    """A form whose files are written to one file as they arrive."""

    def __init__(
        self, file: NewInput, limits: Limits, files: Collection[str], fields: Collection[str]
    ) -> None:
        super().__init__(_MAX_PARTS, files, fields)
        self._file = file
        self._limits = limits
        self.parts: list[Part] = []
        """The files in order."""

    def begin(self, name: str, file_name: str | None) -> None:
        """Starts a file."""
        if len(self.parts) == MAX_IMAGES:
            message = f"There are too many images: send up to {MAX_IMAGES} at a time."
            raise BadRequest(message, "too_many_images")
        base_name = PurePosixPath((file_name or "").replace("\\", "/")).name
        self.parts.append(Part(base_name or name, self._file.length))

    def add(self, content: bytes) -> None:
        """Writes a chunk of the file, or removes the file if it is too large."""
        part = self.parts[-1]
        part.head = (part.head + content[:4])[:4]
        if part.error:
            return
        limit = self._limits.upload if part.is_zip else self._limits.image
        if part.length + len(content) > limit:
            self.fail(image_too_large(limit))
            return
        self._file.write(content)
        part.length += len(content)

    def fail(self, error: ApiError) -> None:
        """Removes the file."""
        part = self.parts[-1]
        self._file.truncate(part.start)
        part.length, part.error = 0, error
