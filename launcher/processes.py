"""Child processes that are ours to stop, with all that they started."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

_PR_SET_PDEATHSIG = 1


class Child:
    """A process in a session of its own: Ctrl-C in the terminal reaches the launcher alone,
    and whatever the process starts belongs to its group and goes with it.
    """

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @classmethod
    async def start(
        cls,
        command: Sequence[str],
        *,
        environment: Mapping[str, str],
        directory: Path,
        quiet: bool = False,
    ) -> Child:
        """Starts `command` in `directory`; `quiet` drops its standard output."""
        process = await asyncio.create_subprocess_exec(
            *command,
            env=environment,
            cwd=directory,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL if quiet else None,
            start_new_session=True,
            preexec_fn=_die_with_parent if sys.platform == "linux" else None,
        )
        return cls(process)

    @property
    def pid(self) -> int:
        """Process id, which is the id of the group too."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether the process itself still lives."""
        return self._process.returncode is None

    @property
    def exit_status(self) -> int | None:
        """As in `asyncio.subprocess.Process.returncode`."""
        return self._process.returncode

    async def wait(self) -> int:
        """Waits until the process has ended."""
        return await self._process.wait()

    async def stop(self, patience: float) -> None:
        """Asks the process to end, waits `patience` seconds, then kills its whole group."""
        if self.running:
            with contextlib.suppress(ProcessLookupError):
                self._process.terminate()
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._process.wait(), patience)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        await self._process.wait()


def _die_with_parent() -> None:
    """Has the kernel kill this process when the launcher dies without stopping it."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
