"""Checks an archive before TorchServe loads it, because an archive contains code that it runs.

An archive must be a plain file of the model store, have the stated checksum, unpack into its own
folder, and name the right model and handler.
"""

from __future__ import annotations

import json
import re
import stat
import zipfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from auth_api.errors import BadRequest, NotFound
from auth_api.models.archives import MANIFEST, sha256_of, stated_sha256
from auth_api.schemas.versions import is_version

HANDLERS: Mapping[str, str] = {
    "ranjana": "recognition.py",
    "similarity": "similarity.py",
    "digits": "digits.py",
}
"""The handler file of each model."""

_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}\.mar")
_MAX_ENTRIES = 2000
_MAX_BYTES = 2 * 1024**3
_MAX_MANIFEST_BYTES = 64 * 1024


class ValidArchive(NamedTuple):
    """An archive that passed the checks."""

    file: str
    """Its name in the model store."""
    version: str
    sha256: str
    """Hexadecimal."""


def validate(store: Path, model: str, file: str, sha256: str | None) -> ValidArchive:
    """Checks a file of the model store; blocks.

    `sha256` is the expected checksum; None takes it from `<file>.sha256` beside the archive. Raises
    `NotFound`, or `BadRequest` with the reason.
    """
    if not _FILE_NAME.fullmatch(file):
        raise refused("an archive is named by its file in the model store, such as ranjana-1.1.mar")
    path = store / file
    _require_plain_file(path)
    expected = sha256 or stated_sha256(path)
    if expected is None:
        raise refused(f"there is no checksum: state it, or put {file}.sha256 beside it")
    try:
        found = sha256_of(path)
        if found != expected.lower():
            raise refused("its checksum is wrong: it is damaged, or it is another archive")
        with zipfile.ZipFile(path) as members:
            described = _manifest(members)
    except BadRequest:
        raise
    except Exception as error:  # zipfile and its decompressors raise many kinds
        raise refused("it is damaged and cannot be read") from error
    return ValidArchive(file, _version(described, model), found)


def refused(reason: str) -> BadRequest:
    """The error for an archive. `reason` completes the sentence "The archive is refused: ..."."""
    return BadRequest(f"The archive is refused: {reason}.", "archive_refused")


def _require_plain_file(path: Path) -> None:
    try:
        found = path.lstat()
    except OSError as error:
        raise NotFound(
            f"There is no {path.name} in the model store.", "archive_not_found"
        ) from error
    if not stat.S_ISREG(found.st_mode):
        raise refused("it is a link or not a file")
    if found.st_size > _MAX_BYTES:
        raise refused("it is too large")


def _manifest(members: zipfile.ZipFile) -> dict[str, Any]:
    """Checks all entries and returns the model that the manifest describes."""
    infos = members.infolist()
    names = [info.filename for info in infos]
    if len(infos) > _MAX_ENTRIES or sum(info.file_size for info in infos) > _MAX_BYTES:
        raise refused("it is too large when unpacked")
    if len(set(names)) < len(names):
        raise refused("two of its entries have the same name")
    for info in infos:
        path = PurePosixPath(info.filename.replace("\\", "/"))
        if path.is_absolute() or ".." in path.parts or ":" in info.filename:
            raise refused("the path of an entry leads out of the archive")
        mode = info.external_attr >> 16
        if stat.S_IFMT(mode) not in {0, stat.S_IFREG, stat.S_IFDIR}:
            raise refused("it has links or devices")
    if MANIFEST not in names or members.getinfo(MANIFEST).file_size > _MAX_MANIFEST_BYTES:
        raise refused("it has no manifest")
    if (damaged := members.testzip()) is not None:
        raise refused(f"its entry {damaged[:80]!a} is damaged")
    manifest = json.loads(members.read(MANIFEST))
    described = manifest.get("model") if isinstance(manifest, dict) else None
    if not isinstance(described, dict):
        raise refused("its manifest describes no model")
    for member in ("handler", "serializedFile", "configFile"):
        if described.get(member) not in names:
            raise refused(f"its manifest names no {member} that is in it")
    return described


def _version(described: dict[str, Any], model: str) -> str:
    if described.get("modelName") != model:
        raise refused(f"it is for another model: {str(described.get('modelName'))[:40]!a}")
    if described["handler"] != HANDLERS[model]:
        raise refused(f"its handler is not that of {model}")
    version = described.get("modelVersion")
    if not isinstance(version, str) or not is_version(version):
        raise refused("its version is not of the form 1.2 or 1.2.3")
    return version
