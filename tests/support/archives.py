"""Makes archives from those of the model store: other versions and broken ones."""

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
# A worker's start takes seconds of a core, most of them for the batch sizes that it warms up.
ONE_WORKER = {"minWorkers": 1, "maxWorkers": 1, "batchSize": 2}


def derive(
    source: Path,
    target: Path,
    version: str,
    *,
    members: Mapping[str, bytes] | None = None,
    manifest: Mapping[str, object] | None = None,
    checksum: bool = True,
) -> Path:
    """Copies `source` to `target` as `version`; `members` and `manifest` replace or add entries.

    Also writes the checksum file if `checksum` is true. Returns `target`.
    """
    changed = dict(members or {})
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for info in old.infolist():
            content = old.read(info)
            if info.filename == MANIFEST:
                document = json.loads(content)
                document["model"] |= {"modelVersion": version, **(manifest or {})}
                content = json.dumps(document).encode()
            new.writestr(info.filename, changed.pop(info.filename, content))
        for name, content in changed.items():
            new.writestr(name, content)
    if checksum:
        state_checksum(target)
    return target


def configured(archive: Path, **settings: int) -> dict[str, bytes]:
    """The configuration member of an archive with changed settings, for `derive`."""
    with zipfile.ZipFile(archive) as members:
        config = yaml.safe_load(members.read(CONFIG))
    return {CONFIG: yaml.safe_dump({**config, **settings}).encode()}


def make_store(folder: Path, workers: Mapping[str, int]) -> Path:
    """Fills a folder with the archives of some models, each with so many workers. Returns it."""
    for model, count in workers.items():
        archive = STORE / f"{model}.mar"
        few = {**ONE_WORKER, "minWorkers": count, "maxWorkers": count}
        derive(archive, folder / archive.name, "1.0", members=configured(archive, **few))
    return folder


def state_checksum(archive: Path) -> str:
    """Writes the checksum file beside an archive; returns the checksum."""
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    archive.with_name(f"{archive.name}.sha256").write_text(f"{digest}  {archive.name}\n")
    return digest
