"""Copies archives that were built before, as into the image of a container, instead of building."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from archive_scripts.archives.building import recipes, stored_digest, wanted_digest
from archive_scripts.archives.checksums import checksum_file, write_checksum


def copy_archives(built: Path, store: Path, workers: int, version: str | None = None) -> list[Path]:
    """Copies those archives of the folder `built` that are up to date where `store` has not got
    them. Returns their paths in `store`.

    `workers` and `version` are what `build_archives` gets, which builds all others.
    """
    copied = []
    for recipe in recipes(store, version):
        name = f"{recipe.name}.mar"
        wanted = wanted_digest(recipe, workers) if (built / name).exists() else None
        if wanted is None or not stored_digest(built / name) == wanted != stored_digest(
            store / name
        ):
            continue
        store.mkdir(parents=True, exist_ok=True)
        checksum_file(store / name).unlink(missing_ok=True)
        # Replaced in one step, because a server may be reading the store.
        partial = store / f"{recipe.name}.partial"
        try:
            shutil.copyfile(built / name, partial)
            os.replace(partial, store / name)
        finally:
            partial.unlink(missing_ok=True)
        write_checksum(store / name)
        copied.append(store / name)
    return copied
