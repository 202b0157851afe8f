"""Archives made from those of the model store: another version, or spoilt in some way."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path

import yaml

from archive_scripts.archives.building import ROOT

STORE = ROOT / "model_store"
MANIFEST = "MAR-INF/MANIFEST.json"
CONFIG = "model-config.yaml"
# A worker takes seconds of a core to start, and most tests need no second one.
ONE_WORKER = {"minWorkers": 1, "maxWorkers": 1}


def derive(
    source: Path,
    target: Path,
    version: str,
    *,
    members: Mapping[str, bytes] | None = None,
    manifest: Mapping[str, object] | None = None,
    checksum: bool = True,
) -> Path:
    """Writes `source` as another version to `target`, with other `members` and other words in
    its `manifest`; with the file of its checksum unless that is not wanted.
    """
    changed = dict(members or {})
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for info in old.infolist():
            content = old.read(info)
            if info.filename == MANIFEST:
                described = json.loads(content)
                described["model"] |= {"modelVersion": version, **(manifest or {})}
                content = json.dumps(described).encode()
            new.writestr(info.filename, changed.pop(info.filename, content))
        for name, content in changed.items():
            new.writestr(name, content)
    if checksum:
        state_checksum(target)
    return target


def configured(archive: Path, **settings: int) -> dict[str, bytes]:
    """The member of an archive that says how TorchServe runs it, with some other settings."""
    with zipfile.ZipFile(archive) as members:
        config = yaml.safe_load(members.read(CONFIG))
    return {CONFIG: yaml.safe_dump({**config, **settings}).encode()}


def state_checksum(archive: Path) -> str:
    """Writes the file of the checksum beside an archive; answers the checksum."""
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    archive.with_name(f"{archive.name}.sha256").write_text(f"{digest}  {archive.name}\n")
    return digest
