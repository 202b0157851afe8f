"""Checksums of archives, in files beside them that `sha256sum --check` reads."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path


def sha256(path: Path) -> str:
    """Of a file's content, in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def checksum_file(archive: Path) -> Path:
    """Where the checksum of an archive is."""
    return archive.with_name(f"{archive.name}.sha256")


def write_checksum(archive: Path) -> None:
    """Writes it, whole or not at all."""
    checksum = checksum_file(archive)
    partial = checksum.with_suffix(".partial")
    partial.write_text(f"{sha256(archive)}  {archive.name}\n")
    os.replace(partial, checksum)
