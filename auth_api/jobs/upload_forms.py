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
from auth_api.jobs.zip_directory import ends_like_zip

MAX_IMAGES = 1000
"""Images in one job."""

IMAGES = frozenset({"images", "image", "files", "file", "zip"})
"""Accepted field names for the files of a prediction job."""

_MAX_PARTS = 2 * MAX_IMAGES
_ZIP = b"PK"
# A zip may stand behind a program that unpacks it, of Windows, Linux or a shell.
_PROGRAMS = b"MZ", b"\x7fELF", b"#!"
_ZIP_FIELDS = frozenset({"zip", "labelled"})
_ZIP_SUFFIXES = ".zip", ".exe"


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
    is_called_zip: bool = False

    @property
    def is_zip(self) -> bool:
        """Whether the content starts like a zip. No image does."""
        return self.head.startswith(_ZIP)

    @property
    def may_be_zip(self) -> bool:
        """Whether there may be a zip behind something else."""
        return self.is_zip or self.is_called_zip or self.head.startswith(_PROGRAMS)


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

    def zip(self) -> Part | None:
        """The one zip of the form, None if it has images; blocks. Raises its error, and
        `BadRequest` if there is more than the zip.
        """
        zips = [part for part in self.parts if part.is_zip]
        if not zips and len(self.parts) == 1 and self.parts[0].may_be_zip:
            zips = self.parts if ends_like_zip(self._file.path) else []
        if zips and len(self.parts) > 1:
            raise BadRequest("Send either images or one zip, not both.", "several_uploads")
        for part in self.parts:
            if part.error and zips:
                raise part.error
            if part.length > self._limits.image and not zips:
                part.error = image_too_large(self._limits.image)
        return zips[0] if zips else None

    def begin(self, name: str, file_name: str | None) -> None:
        """Starts a file."""
        if len(self.parts) == MAX_IMAGES:
            message = f"There are too many images: send up to {MAX_IMAGES} at a time."
            raise BadRequest(message, "too_many_images")
        base_name = PurePosixPath((file_name or "").replace("\\", "/")).name
        is_called_zip = name in _ZIP_FIELDS or base_name.lower().endswith(_ZIP_SUFFIXES)
        part = Part(base_name or name, self._file.length, is_called_zip=is_called_zip)
        self.parts.append(part)

    def add(self, content: bytes) -> None:
        """Writes a chunk of the file, or removes the file if it is too large."""
        part = self.parts[-1]
        part.head = (part.head + content[:4])[:4]
        if part.error:
            return
        limit = self._limits.upload if part.may_be_zip else self._limits.image
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
