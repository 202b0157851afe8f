"""Figures as pictures: drawn once for each archive, by a process of its own, and kept.

matplotlib needs a second and a hundred megabytes; neither is the service's to spend while
it answers.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys
import tempfile
from pathlib import Path
from typing import Any, Literal

from auth_api.errors import Unavailable
from auth_api.settings import ROOT

logger = logging.getLogger(__name__)

Kind = Literal["metrics", "confusion-matrix", "roc-curve"]

_SECONDS = 60.0
_NICE = 10


class Charts:
    """The pictures in one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        # One at a time: whoever asks for the same one meanwhile finds it there.
        self._turn = asyncio.Lock()

    async def png(self, kind: Kind, sha256: str, figures: dict[str, Any]) -> bytes:
        """The picture of the figures of the archive with that checksum. Raises Unavailable."""
        path = self._folder / f"{sha256}-{kind}.png"
        async with self._turn:
            if not path.exists():
                await self._draw(kind, figures, path)
        return await asyncio.to_thread(path.read_bytes)

    async def _draw(self, kind: Kind, figures: dict[str, Any], path: Path) -> None:
        self._folder.mkdir(0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self._folder) as scratch:
            source, target = Path(scratch, "figures.json"), Path(scratch, "chart.png")
            source.write_text(json.dumps(figures))
            status, trouble = await _run(
                [sys.executable, "-m", "archive_scripts", "chart", kind, str(source), str(target)]
            )
            if status != 0:
                logger.error("no chart was drawn", extra={"kind": kind, "trouble": trouble})
                raise Unavailable("The picture cannot be drawn at the moment.", "chart_unavailable")
            os.replace(target, path)


async def _run(command: list[str]) -> tuple[int, str]:
    """The exit status of a process of low priority, and the end of what it complained of."""
    process = await asyncio.create_subprocess_exec(
        "nice",
        "-n",
        str(_NICE),
        *command,
        cwd=ROOT,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        _, trouble = await asyncio.wait_for(process.communicate(), _SECONDS)
    except BaseException as error:
        if process.returncode is None:
            process.kill()
            await process.wait()
        if isinstance(error, asyncio.TimeoutError):
            return -1, "it took too long"
        raise
    return process.returncode or 0, trouble.decode(errors="replace")[-2000:]
