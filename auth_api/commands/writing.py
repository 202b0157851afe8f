"""Files that commands write: whole, or as they were before; readable by their owner alone."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from auth_api.errors import BadRequest


@contextmanager
def replaced(file: Path) -> Iterator[BinaryIO]:
    """A file to write to, which takes the place of `file` once all is written.

    Raises BadRequest for a folder, or OSError.
    """
    if file.is_dir():
        raise BadRequest(f"{file} is a folder: name a file.", "not_a_file")
    try:
        # A name that nobody else can have put something at; of the mode 0600.
        descriptor, name = tempfile.mkstemp(".partial", f"{file.name}.", file.parent)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(file)) from error
    partial = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as target:
            yield target
        partial.replace(file)
    finally:
        partial.unlink(missing_ok=True)
