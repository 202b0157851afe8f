"""Builds `model_store/*.mar` from weights. Rebuilds an archive only when an input changed."""

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
from handlers.characters import CHARACTERS

ROOT = Path(__file__).resolve().parents[2]

CARD, EVALUATION = "card.md", "evaluation.json"
"""Members of every archive: the model card and the figures of the evaluation."""

_DIGEST_FILE = "inputs.sha256"

# Every module of `archive_scripts` that builds an archive.
_BUILDERS = (
    "archives/building",
    "archives/checksums",
    "archives/contents",
    "archives/export",
    "letterforms/glyphs",
    "letterforms/nib",
    "letterforms/part_names",
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
    """The inputs of one archive."""

    name: str
    version: str
    handler: str
    """The module of `handlers` with the handler class, and the function of
    `archive_scripts.archives.contents` that writes the files it loads."""
    weights: Path
    data: tuple[Path, ...] = ()
    """Other inputs of the contents."""
    worker_share: float = 1.0
    """Workers of this model per requested worker; the product is rounded to at least one."""

    @property
    def card(self) -> Path:
        """The model card, Markdown."""
        return self.weights.with_suffix(".md")

    @property
    def evaluation(self) -> Path:
        """The figures of the evaluation, JSON."""
        return self.weights.with_suffix(".json")

    def inputs(self) -> list[Path]:
        """The files whose change makes the archive outdated."""
        modules = [*_shared_modules(), ROOT / "handlers" / f"{self.handler}.py"]
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
        # Fewer requests than the others, and each worker holds its own copy of torch.
        worker_share=0.5,
        weights=ROOT / "weights" / "digits.safetensors",
    ),
    ArchiveRecipe(
        name="similarity",
        version="1.0",
        handler="similarity",
        weights=ROOT / "weights" / "similarity.safetensors",
        data=(
            ROOT / "archive_scripts" / "letterforms" / "letterforms.json",
            *(ROOT / "reference_images" / f"class_{index}.png" for index in range(len(CHARACTERS))),
        ),
    ),
)


def _shared_modules() -> list[Path]:
    """Every module of `handlers` but those with a handler class, which TorchServe looks for beside
    the folder.
    """
    own = {recipe.handler for recipe in RECIPES}
    return [path for path in sorted((ROOT / "handlers").glob("*.py")) if path.stem not in own]


def build_archives(store: Path, workers: int) -> list[Path]:
    """Builds the missing and outdated archives in `store`. Returns their paths.

    Each archive starts `workers` workers times the recipe's `worker_share`. With `TRAIN_MISSING`, a
    recipe without weights is left out, because the service trains them. Raises FileNotFoundError if
    weights, their card or their figures are missing.
    """
    built = []
    for recipe in recipes(store):
        archive = store / f"{recipe.name}.mar"
        if not recipe.weights.exists():
            if _Environment().train_missing:
                continue
            # Digits are not trained, because that needs pictures.
            train = "" if recipe.name == "digits" else ", or set TRAIN_MISSING=true to train it"
            raise FileNotFoundError(f"{recipe.weights} is missing: put it in place{train}.")
        if build_archive(recipe, archive, workers):
            built.append(archive)
    return built


def recipes(store: Path) -> list[ArchiveRecipe]:
    """All recipes. One without its own weights uses those that were trained into `store`."""
    found = []
    for recipe in RECIPES:
        trained = store / f"{recipe.name}-{recipe.version}.safetensors"
        use_trained = trained.exists() and not recipe.weights.exists()
        found.append(replace(recipe, weights=trained) if use_trained else recipe)
    return found


class _Environment(BaseSettings):
    """Settings that the service reads too."""

    model_config = SettingsConfigDict(env_file=".env", extra="ignore")

    train_missing: bool = False


def build_archive(recipe: ArchiveRecipe, archive: Path, workers: int) -> bool:
    """Builds `archive` and its checksum file unless it is up to date. Returns whether it built.

    Raises FileNotFoundError if weights, their card or their figures are missing.
    """
    share = max(1, round(recipe.worker_share * workers))
    digest = _digest(recipe, share)
    checksum = checksum_file(archive)
    if checksum.exists() and _stored_digest(archive) == digest:
        return False
    # An interrupted build must not leave the checksum of another archive.
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


def _stored_digest(archive: Path) -> str | None:
    try:
        with zipfile.ZipFile(archive) as members:
            return members.read(_DIGEST_FILE).decode()
    except Exception:  # a damaged archive raises many kinds and is rebuilt
        return None


def model_config(workers: int) -> dict[str, object]:
    """The `model-config.yaml` of an archive. Times are in seconds, `maxBatchDelay` in milliseconds.

    The delay is the shortest that TorchServe honours (0 becomes 100), because a single caller waits
    for all of it; under load a batch fills while the workers are busy. Batches above 8 gain nothing
    with a fused model, see `handlers.loading.load_model`.
    """
    return {
        # TorchServe ignores one without the other.
        "minWorkers": workers,
        "maxWorkers": workers,
        "batchSize": 8,
        "maxBatchDelay": 1,
        "jobQueueSize": 256,
        "responseTimeout": 30,
        "startupTimeout": 120,
    }


def _build(recipe: ArchiveRecipe, archive: Path, workers: int, digest: str) -> None:
    # Imported here, because checking for up-to-date archives must not load torch.
    from model_archiver.model_archiver import ModelArchiver
    from model_archiver.model_archiver_config import ModelArchiverConfig

    from archive_scripts.archives import contents

    archive.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="ranjana-archive-") as scratch:
        folder = Path(scratch)
        package = folder / "extra" / "handlers"
        package.mkdir(parents=True)
        for module in _shared_modules():
            shutil.copy(module, package)
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
        # Replaced in one step, because a server may be reading the store.
        partial = archive.with_suffix(".partial")
        try:
            shutil.move(folder / f"{recipe.name}.mar", partial)
            os.replace(partial, archive)
        finally:
            partial.unlink(missing_ok=True)


@contextmanager
def _temporary_files_in(folder: Path) -> Iterator[None]:
    """Sets the temporary directory. The archiver works in `<temporary directory>/<model name>`, and
    one of two simultaneous builds would delete the other's files.
    """
    folder.mkdir()
    before, tempfile.tempdir = tempfile.tempdir, str(folder)
    try:
        yield
    finally:
        tempfile.tempdir = before
