"""SHA-256 checksums of archives, in files that `sha256sum --check` reads."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path


def sha256(path: Path) -> str:
    """The checksum of a file, in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def checksum_file(archive: Path) -> Path:
    """The path of an archive's checksum file."""
    return archive.with_name(f"{archive.name}.sha256")


def write_checksum(archive: Path) -> None:
    """Writes the checksum file in one step."""
    checksum = checksum_file(archive)
    partial = checksum.with_suffix(".partial")
    partial.write_text(f"{sha256(archive)}  {archive.name}\n")
    os.replace(partial, checksum)
