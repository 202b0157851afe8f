"""The model store: which versions have an archive there, and where their weights are.

A version that was trained here has an archive `ranjana-1.1.mar` and weights
`ranjana-1.1.safetensors`. TorchServe starts with `ranjana.mar`; its weights come with the source,
or were trained here too.
"""

from __future__ import annotations

import json
from pathlib import Path

from auth_api.models.archives import MANIFEST, read_member
from auth_api.settings import ROOT

_SHIPPED = {
    "ranjana": ROOT / "weights" / "recognition.safetensors",
    "similarity": ROOT / "weights" / "similarity.safetensors",
    "digits": ROOT / "weights" / "digits.safetensors",
}

# The endings of the files of a training, finished or killed.
_ENDINGS = (".mar", ".mar.sha256", ".partial", ".safetensors", ".safetensors.partial")


class ModelStore:
    """One folder of archives. All methods block."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def versions(self, model: str) -> set[str]:
        """Returns the versions of a model that have an archive or weights."""
        weights = self._folder.glob(f"{model}-*.safetensors")
        found = {path.stem.removeprefix(f"{model}-") for path in weights}
        for archive in self._folder.glob("*.mar"):
            name, version = _manifest(archive)
            if name == model:
                found.add(version)
        return found

    def first_version(self, model: str) -> str | None:
        """Returns the version that TorchServe starts with; None without an archive."""
        name, version = _manifest(self._folder / f"{model}.mar")
        return version if name == model else None

    def weights(self, model: str, version: str) -> Path | None:
        """Returns the path of a version's weights; None without any."""
        trained = self._folder / f"{model}-{version}.safetensors"
        if trained.exists():
            return trained.resolve()
        shipped = _SHIPPED[model]
        return shipped if version == self.first_version(model) and shipped.exists() else None

    def remove(self, model: str, version: str) -> None:
        """Removes all files that a training of a version makes. Raises `OSError`."""
        for ending in _ENDINGS:
            (self._folder / f"{model}-{version}{ending}").unlink(missing_ok=True)


def _manifest(archive: Path) -> tuple[str, str]:
    """Name and version of the model in an archive; empty if it cannot be read."""
    try:
        model = json.loads(read_member(archive, MANIFEST) or b"{}")["model"]
        return str(model["modelName"]), str(model["modelVersion"])
    except (OSError, KeyError, TypeError, ValueError, RecursionError):
        return "", ""
