"""Writes files completely or not at all, readable by their owner only."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from auth_api.errors import BadRequest


@contextmanager
def atomic_write(file: Path) -> Iterator[BinaryIO]:
    """Opens a temporary file that replaces `file` at the end.

    Raises `BadRequest` if `file` is a folder, `OSError`.
    """
    if file.is_dir():
        raise BadRequest(f"{file} is a folder: name a file.", "not_a_file")
    try:
        # The name is random, so that nobody else can have made the file. Its mode is 0600.
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
