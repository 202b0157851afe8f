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
from dataclasses import dataclass, replace
from pathlib import Path

import yaml
from pydantic_settings import BaseSettings, SettingsConfigDict

from archive_scripts.archives.checksums import checksum_file, write_checksum

ROOT = Path(__file__).resolve().parents[2]

CARD, EVALUATION = "card.md", "evaluation.json"
"""Members of every archive: what people should know of its weights, and the figures."""

_DIGEST_FILE = "inputs.sha256"

# Everything of `handlers` that any worker imports; the handler itself is packed beside the
# folder, where TorchServe looks for it.
_SHARED_MODULES = (
    "__init__",
    "alignment",
    "arrays",
    "base",
    "characters",
    "comparison",
    "decoding",
    "distance",
    "enhancement",
    "errors",
    "faults",
    "feedback",
    "framing",
    "grouping",
    "heatmap",
    "isolation",
    "letterforms",
    "loading",
    "logs",
    "observing",
    "options",
    "pictures",
    "places",
    "preprocessing",
    "reading",
    "ruled_lines",
)

# Everything of `archive_scripts` that an archive is built with.
_BUILDERS = (
    "archives/building",
    "archives/checksums",
    "archives/contents",
    "archives/export",
    "letterforms/glyphs",
    "letterforms/nib",
    "letterforms/reference_forms",
    "letterforms/references",
    "letterforms/splines",
    "letterforms/strokes",
    "letterforms/writer_style",
    "synthesis/tensors",
    "training/networks",
    "training/torchvision_import",
)


@dataclass(frozen=True)
class ArchiveRecipe:
    """What goes into one archive."""

    name: str
    version: str
    handler: str
    """Module of `handlers` with the one handler class, and function of
    `archive_scripts.archives.contents` that makes what that handler loads."""
    weights: Path
    data: tuple[Path, ...] = ()
    """Files beside the weights that the contents are made of."""
    worker_share: float = 1.0
    """Workers of this model for each that a build is asked for, at least one."""

    @property
    def card(self) -> Path:
        """What people should know of the weights, in Markdown."""
        return self.weights.with_suffix(".md")

    @property
    def evaluation(self) -> Path:
        """Figures of the weights, as `charts` draws them."""
        return self.weights.with_suffix(".json")

    def inputs(self) -> list[Path]:
        """The files whose change makes the archive out of date."""
        modules = [ROOT / "handlers" / f"{name}.py" for name in (*_SHARED_MODULES, self.handler)]
        builders = [ROOT / "archive_scripts" / f"{name}.py" for name in _BUILDERS]
        return [*modules, *builders, self.weights, self.card, self.evaluation, *self.data]


RECIPES = (
    ArchiveRecipe(
        name="ranjana",
        version="1.0",
        handler="recognition",
        weights=ROOT / "weights" / "recognition.safetensors",
    ),
    ArchiveRecipe(
        name="digits",
        version="1.0",
        handler="digits",
        worker_share=0.5,
        weights=ROOT / "weights" / "digits.safetensors",
    ),
    ArchiveRecipe(
        name="similarity",
        version="1.0",
        handler="similarity",
        # Asked for less often than recognition, and each worker holds another copy of torch.
        worker_share=0.5,
        weights=ROOT / "weights" / "similarity.safetensors",
        data=(
            ROOT / "archive_scripts" / "letterforms" / "letterforms.json",
            *(ROOT / "reference_images" / f"class_{index}.png" for index in range(36)),
        ),
    ),
)


def build_archives(store: Path, workers: int) -> list[Path]:
    """Builds what is missing or out of date in `store`; answers the archives it built.

    Each archive starts `workers` workers or the share of them that its recipe says. Without
    weights of its own a recipe takes those that were trained into the `store`; if there are none
    either, it is left out when missing models are to be trained (`TRAIN_MISSING`). Raises
    FileNotFoundError when weights, their card or their figures are missing.
    """
    built = []
    for recipe in recipes(store):
        archive = store / f"{recipe.name}.mar"
        if not recipe.weights.exists() and _missing_are_trained():
            continue
        if build_archive(recipe, archive, workers):
            built.append(archive)
    return built


def recipes(store: Path) -> list[ArchiveRecipe]:
    """All recipes, with the weights that `store` has for want of others."""
    found = []
    for recipe in RECIPES:
        trained = store / f"{recipe.name}-{recipe.version}.safetensors"
        instead = trained.exists() and not recipe.weights.exists()
        found.append(replace(recipe, weights=trained) if instead else recipe)
    return found


def _missing_are_trained() -> bool:
    return _Environment().train_missing


class _Environment(BaseSettings):
    """What the service is told too, in the same way."""

    model_config = SettingsConfigDict(env_file=".env", extra="ignore")

    train_missing: bool = False


def build_archive(recipe: ArchiveRecipe, archive: Path, workers: int) -> bool:
    """Builds `archive`, unless it is up to date, and answers whether it did.

    Beside it comes its checksum, as `sha256sum` writes it and `sha256sum --check` reads it.
    Raises FileNotFoundError as above.
    """
    share = max(1, round(recipe.worker_share * workers))
    digest = _digest(recipe, share)
    checksum = checksum_file(archive)
    if checksum.exists() and _digest_in(archive) == digest:
        return False
    # Never one that belongs to another archive, should this be interrupted.
    checksum.unlink(missing_ok=True)
    _build(recipe, archive, share, digest)
    write_checksum(archive)
    return True


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
    except Exception:  # zipfile and its decompressors raise many kinds: it is built anew
        return None


def model_config(workers: int) -> dict[str, object]:
    """The `model-config.yaml` of an archive; times in seconds, the batch delay in milliseconds.

    Under load a batch fills while the workers are busy, so the delay only matters to a lone
    caller, who waits it out: it is the shortest that TorchServe honours (0 becomes 100).
    Batches above 8 gain nothing more once the model is fused, see `handlers.loading.load_model`.
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

    from archive_scripts.archives import contents

    archive.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="ranjana-archive-") as scratch:
        folder = Path(scratch)
        package = folder / "extra" / "handlers"
        package.mkdir(parents=True)
        for name in _SHARED_MODULES:
            shutil.copy(ROOT / "handlers" / f"{name}.py", package)
        shutil.copy(recipe.card, folder / "extra" / CARD)
        shutil.copy(recipe.evaluation, folder / "extra" / EVALUATION)
        (folder / "extra" / _DIGEST_FILE).write_text(digest)
        config = folder / "model-config.yaml"
        config.write_text(yaml.safe_dump(model_config(workers), sort_keys=False))
        model = folder / "model.pt"
        getattr(contents, recipe.handler)(recipe.weights, model, folder / "extra")
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
        try:
            shutil.move(folder / f"{recipe.name}.mar", partial)
            os.replace(partial, archive)
        finally:
            partial.unlink(missing_ok=True)


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
