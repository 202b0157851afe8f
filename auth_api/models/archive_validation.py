"""What an archive must be before TorchServe sees it.

Whoever can have an archive registered can have code executed: only a plain file of the model
store is taken, only with the checksum that was stated when it was made, only for the model and the
handler that it says it is for. What is inside must unpack into its own folder.
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
"""The handler of each model."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}\.mar")
_MOST_ENTRIES = 2000
_MOST_BYTES = 2 * 1024**3
_MOST_MANIFEST_BYTES = 64 * 1024


class ValidArchive(NamedTuple):
    """An archive that may be tried out."""

    archive: str
    version: str
    sha256: str


def check(store: Path, model: str, archive: str, sha256: str | None) -> ValidArchive:
    """Looks at a file of the model store; blocks. `sha256` is what its caller expects, else what
    the file `<archive>.sha256` beside it says counts.

    Raises NotFound, or BadRequest with the reason for which it is refused.
    """
    if not _NAME.fullmatch(archive):
        raise refused("an archive is named by its file in the model store, such as ranjana-1.1.mar")
    path = store / archive
    _require_plain_file(path)
    expected = sha256 or stated_sha256(path)
    if expected is None:
        raise refused(f"there is no checksum: state it, or put {archive}.sha256 beside it")
    try:
        found = sha256_of(path)
        if found != expected.lower():
            raise refused(
                "its checksum is another one: it is damaged, or not the one that was meant"
            )
        with zipfile.ZipFile(path) as members:
            manifest = _manifest(members)
    except BadRequest:
        raise
    except Exception as error:  # zipfile and its decompressors raise many kinds
        raise refused("it is damaged and cannot be read") from error
    return ValidArchive(archive, _version(manifest, model), found)


def refused(reason: str) -> BadRequest:
    """The error for an archive; `reason` is the rest of the sentence."""
    return BadRequest(f"The archive is refused: {reason}.", "archive_refused")


def _require_plain_file(path: Path) -> None:
    try:
        found = path.lstat()
    except OSError as error:
        raise NotFound(
            f"There is no {path.name} in the model store.", "archive_not_found"
        ) from error
    if not stat.S_ISREG(found.st_mode):
        raise refused("it is a link or no file")
    if found.st_size > _MOST_BYTES:
        raise refused("it is too large")


def _manifest(members: zipfile.ZipFile) -> dict[str, Any]:
    """The manifest of an archive whose entries are all harmless and undamaged."""
    infos = members.infolist()
    names = [info.filename for info in infos]
    if len(infos) > _MOST_ENTRIES or sum(info.file_size for info in infos) > _MOST_BYTES:
        raise refused("it unpacks to too much")
    if len(set(names)) < len(names):
        raise refused("two of its entries have one name")
    for info in infos:
        path = PurePosixPath(info.filename.replace("\\", "/"))
        if path.is_absolute() or ".." in path.parts or ":" in info.filename:
            raise refused("the name of an entry leads out of it")
        mode = info.external_attr >> 16
        if stat.S_IFMT(mode) not in {0, stat.S_IFREG, stat.S_IFDIR}:
            raise refused("it has links or devices")
    if MANIFEST not in names or members.getinfo(MANIFEST).file_size > _MOST_MANIFEST_BYTES:
        raise refused("it has no manifest")
    if (damaged := members.testzip()) is not None:
        raise refused(f"its entry {damaged[:80]!a} is damaged")
    manifest = json.loads(members.read(MANIFEST))
    described = manifest.get("model") if isinstance(manifest, dict) else None
    if not isinstance(described, dict):
        raise refused("its manifest says nothing of a model")
    for member in ("handler", "serializedFile", "configFile"):
        if described.get(member) not in names:
            raise refused(f"its manifest names no {member} that is in it")
    return described


def _version(described: dict[str, Any], model: str) -> str:
    if described.get("modelName") != model:
        raise refused(f"it is of another model: {str(described.get('modelName'))[:40]!a}")
    if described["handler"] != HANDLERS[model]:
        raise refused(f"its handler is not that of {model}")
    version = described.get("modelVersion")
    if not isinstance(version, str) or not is_version(version):
        raise refused("its version is not of the form 1.2 or 1.2.3")
    return version
