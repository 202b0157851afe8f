"""Draws the evaluation figures of an archive as pictures, once, and keeps them in a folder.

A separate process draws, because matplotlib takes a second and a hundred megabytes.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

from auth_api.errors import Unavailable
from auth_api.process.children import Child, bare_environment
from auth_api.settings import ROOT

logger = logging.getLogger(__name__)

Kind = Literal["metrics", "confusion-matrix", "roc-curve"]

_TIMEOUT_SECONDS = 60.0
_LOGGED_CHARACTERS = 2000
_SCRATCH_PREFIX = "tmp"
# Far longer than drawing takes: the process that used such a folder was killed.
_STALE_SECONDS = 24 * 3600.0


class EvaluationCharts:
    """The charts in one folder. `niceness`, 0-19, lowers the priority of drawing."""

    def __init__(self, folder: Path, *, niceness: int) -> None:
        self._folder = folder
        self._niceness = niceness
        # One chart at a time, and never the same chart twice.
        self._drawing = asyncio.Lock()

    async def png(self, kind: Kind, sha256: str, figures: dict[str, Any]) -> bytes:
        """Returns the chart of an archive's figures; draws it if needed. Raises `Unavailable`."""
        path = self._folder / f"{sha256}-{kind}.png"
        try:
            async with self._drawing:
                if not path.exists():
                    await self._draw(kind, figures, path)
            return await asyncio.to_thread(path.read_bytes)
        except OSError as error:
            logger.exception("no chart was drawn", extra={"kind": kind})
            raise _unavailable() from error

    def remove_stale(self, known: Collection[str]) -> None:
        """Removes charts of archives whose checksum is not `known`, and folders that a killed
        process left; blocks.
        """
        for path in self._folder.glob("*.png"):
            if path.name.partition("-")[0] not in known:
                with suppress(OSError):
                    path.unlink()
        for path in self._folder.glob(f"{_SCRATCH_PREFIX}*"):
            with suppress(OSError):
                if time.time() - path.stat().st_mtime > _STALE_SECONDS:
                    shutil.rmtree(path, ignore_errors=True)

    async def _draw(self, kind: Kind, figures: dict[str, Any], path: Path) -> None:
        self._folder.mkdir(0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=_SCRATCH_PREFIX, dir=self._folder) as scratch:
            folder = Path(scratch)
            source, target, log = (folder / name for name in ("figures", "chart.png", "errors"))
            source.write_text(json.dumps(figures))
            command = ["-m", "archive_scripts", "chart", kind, str(source), str(target)]
            with log.open("wb") as errors:
                child = await Child.start(
                    [sys.executable, *command],
                    environment=bare_environment(folder),
                    directory=ROOT,
                    output=subprocess.DEVNULL,
                    errors=errors,
                    niceness=self._niceness,
                )
            try:
                with suppress(TimeoutError):
                    await asyncio.wait_for(child.wait(), _TIMEOUT_SECONDS)
            finally:
                await child.stop(0)
            if child.exit_status != 0:
                said = log.read_text(errors="replace")[-_LOGGED_CHARACTERS:]
                details = {"kind": kind, "status": child.exit_status, "said": said}
                logger.error("no chart was drawn", extra=details)
                raise _unavailable()
            os.replace(target, path)


def _unavailable() -> Unavailable:
    return Unavailable("The picture cannot be drawn at the moment.", "chart_unavailable")
