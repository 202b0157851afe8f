"""The model store: which versions have an archive there, and where their weights are.

Beside the archive `ranjana-1.1.mar` of a version that was trained here are its weights,
`ranjana-1.1.safetensors`; `ranjana.mar` is the version that TorchServe starts with, whose weights
came with the source unless they were trained here too.
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

# What a training leaves of a version, and what it may leave when it is killed.
_TRAINED = (".mar", ".mar.sha256", ".partial", ".safetensors", ".safetensors.partial")


class ModelStore:
    """One folder of archives; all of its methods block."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def versions(self, model: str) -> set[str]:
        """The versions of a model that have an archive or weights of that name."""
        named = self._folder.glob(f"{model}-*.safetensors")
        found = {path.stem.removeprefix(f"{model}-") for path in named}
        for archive in self._folder.glob("*.mar"):
            name, version = _manifest(archive)
            if name == model:
                found.add(version)
        return found

    def first_version(self, model: str) -> str | None:
        """The version that TorchServe starts with."""
        name, version = _manifest(self._folder / f"{model}.mar")
        return version if name == model else None

    def weights(self, model: str, version: str) -> Path | None:
        """The weights of a version, if they are there."""
        trained = self._folder / f"{model}-{version}.safetensors"
        if trained.exists():
            return trained.resolve()
        shipped = _SHIPPED[model]
        return shipped if version == self.first_version(model) and shipped.exists() else None

    def remove(self, model: str, version: str) -> None:
        """Removes what a training made, or was about to make, of a version. Raises OSError."""
        for ending in _TRAINED:
            (self._folder / f"{model}-{version}{ending}").unlink(missing_ok=True)


def _manifest(archive: Path) -> tuple[str, str]:
    """Name and version of the model in an archive; nothing of what is none."""
    try:
        model = json.loads(read_member(archive, MANIFEST) or b"{}")["model"]
        return str(model["modelName"]), str(model["modelVersion"])
    except (OSError, KeyError, TypeError, ValueError, RecursionError):
        return "", ""
