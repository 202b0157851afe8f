"""Weights -> TorchScript -> `model_store/*.mar`, rebuilt only when an input changed."""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[1]

_DIGEST_FILE = "inputs.sha256"

# Everything of `handlers` that a recognition worker imports; the handler itself is packed
# beside the folder, where TorchServe looks for it.
_SHARED_MODULES = (
    "__init__",
    "arrays",
    "base",
    "characters",
    "decoding",
    "errors",
    "framing",
    "isolation",
    "preprocessing",
    "ruled_lines",
)


@dataclass(frozen=True)
class ArchiveRecipe:
    """What goes into one archive."""

    name: str
    version: str
    handler: str
    """Module of `handlers` with the one handler class."""
    weights: Path

    def inputs(self) -> list[Path]:
        """The files whose change makes the archive out of date."""
        modules = [ROOT / "handlers" / f"{name}.py" for name in (*_SHARED_MODULES, self.handler)]
        builders = [
            ROOT / "archive_scripts" / f"{name}.py" for name in ("archives", "export", "networks")
        ]
        return [*modules, *builders, self.weights]


RECIPES = (
    ArchiveRecipe(
        name="ranjana",
        version="1.0",
        handler="recognition",
        weights=ROOT / "weights" / "recognition.safetensors",
    ),
)


def build_archives(store: Path, workers: int) -> list[Path]:
    """Builds what is missing or out of date in `store`; answers the archives it built.

    Each archive starts `workers` workers a model. Raises FileNotFoundError when weights are
    missing.
    """
    built = []
    for recipe in RECIPES:
        archive = store / f"{recipe.name}.mar"
        digest = _digest(recipe, workers)
        if _digest_in(archive) != digest:
            _build(recipe, archive, workers, digest)
            built.append(archive)
    return built


def _digest(recipe: ArchiveRecipe, workers: int) -> str:
    digest = hashlib.sha256(repr((recipe.name, recipe.version, workers)).encode())
    for package in ("torch", "torch-model-archiver"):
        digest.update(importlib.metadata.version(package).encode())
    for path in recipe.inputs():
        digest.update(path.name.encode() + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _digest_in(archive: Path) -> str | None:
    try:
        with zipfile.ZipFile(archive) as members:
            return members.read(_DIGEST_FILE).decode()
    except (OSError, KeyError, zipfile.BadZipFile):
        return None


def model_config(workers: int) -> dict[str, object]:
    """The `model-config.yaml` of an archive; times in seconds, the batch delay in milliseconds.

    Under load a batch fills while the workers are busy, so the delay only matters to a lone
    caller, who waits it out: it is the shortest that TorchServe honours (0 becomes 100).
    Batches above 8 gain nothing more once the model is fused, see `handlers.base.load_model`.
    """
    return {
        # Both, or TorchServe ignores the pair.
        "minWorkers": workers,
        "maxWorkers": workers,
        "batchSize": 8,
        "maxBatchDelay": 1,
        "jobQueueSize": 256,
        "responseTimeout": 30,
        "startupTimeout": 120,
    }


def _build(recipe: ArchiveRecipe, archive: Path, workers: int, digest: str) -> None:
    # Imported here: that an archive is up to date is told without loading torch.
    from model_archiver.model_archiver import ModelArchiver
    from model_archiver.model_archiver_config import ModelArchiverConfig

    from archive_scripts.export import export_model

    archive.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="ranjana-archive-") as scratch:
        folder = Path(scratch)
        package = folder / "extra" / "handlers"
        package.mkdir(parents=True)
        for name in _SHARED_MODULES:
            shutil.copy(ROOT / "handlers" / f"{name}.py", package)
        (folder / "extra" / _DIGEST_FILE).write_text(digest)
        config = folder / "model-config.yaml"
        config.write_text(yaml.safe_dump(model_config(workers), sort_keys=False))
        model = folder / "model.pt"
        export_model(recipe.weights, model)
        with _temporary_files_in(folder / "tmp"):
            ModelArchiver.generate_model_archive(
                ModelArchiverConfig(
                    model_name=recipe.name,
                    version=recipe.version,
                    handler=str(ROOT / "handlers" / f"{recipe.handler}.py"),
                    serialized_file=str(model),
                    extra_files=str(folder / "extra"),
                    config_file=str(config),
                    export_path=scratch,
                    force=True,
                )
            )
        # Whole or not at all: a server may be reading the store.
        partial = archive.with_suffix(".partial")
        shutil.move(folder / archive.name, partial)
        os.replace(partial, archive)


@contextmanager
def _temporary_files_in(folder: Path) -> Iterator[None]:
    """The archiver stages in `<temporary directory>/<model name>`, which two builds at once
    would share and the second would delete under the first.
    """
    folder.mkdir()
    before, tempfile.tempdir = tempfile.tempdir, str(folder)
    try:
        yield
    finally:
        tempfile.tempdir = before
