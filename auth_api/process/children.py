"""Child processes that are ours to stop, with all that they started."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO

_PR_SET_PDEATHSIG = 1
# Looked up here: a process that has just been forked off one with threads must not load anything.
_PRCTL: Callable[[int, int], int] | None = (
    ctypes.CDLL(None).prctl if sys.platform == "linux" else None
)

Stream = int | IO[bytes] | None
"""As `subprocess` has them: None is that of the parent."""


# What a process needs of ours: nothing that is secret.
_INHERITED = (
    "PATH",
    "HOME",
    "LANG",
    "LC_ALL",
    "LD_LIBRARY_PATH",
    "VIRTUAL_ENV",
    "CUDA_VISIBLE_DEVICES",
)


class Interrupted(Exception):
    """A process was ended from outside: started again, it would go on."""


class Child:
    """A process in a session of its own: Ctrl-C in the terminal reaches its parent alone,
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
        output: Stream = None,
        errors: Stream = None,
        niceness: int = 0,
        longest_line: int = 64 * 1024,
    ) -> Child:
        """Starts `command` in `directory`.

        `output` may be `subprocess.PIPE`: what of it is not read yet is at most twice the
        `longest_line`, in bytes; then the process waits. `niceness` is how much lower its
        priority is than that of its parent, 0-19.
        """
        process = await asyncio.create_subprocess_exec(
            *command,
            env=environment,
            cwd=directory,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=errors,
            limit=longest_line,
            start_new_session=True,
            preexec_fn=lambda: _begin(niceness),
        )
        return cls(process)

    @property
    def pid(self) -> int:
        """Process id, which is the id of the group too."""
        return self._process.pid

    @property
    def output(self) -> asyncio.StreamReader:
        """What it writes, where `output` was `subprocess.PIPE`."""
        assert self._process.stdout
        return self._process.stdout

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
        try:
            if self.running:
                with contextlib.suppress(ProcessLookupError):
                    self._process.terminate()
                with contextlib.suppress(asyncio.TimeoutError):
                    await asyncio.wait_for(self._process.wait(), patience)
        finally:  # also when nobody waits any longer
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)
        await self._process.wait()


def bare_environment(temporary: Path) -> dict[str, str]:
    """The environment of a process that is to know no secret, with a folder for its temporary
    files. It has one core.
    """
    inherited = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    return {**inherited, "OMP_NUM_THREADS": "1", "TMPDIR": str(temporary)}


def _begin(niceness: int) -> None:
    """What the process does first: it has the kernel kill it when its parent dies without
    stopping it.
    """
    if _PRCTL:
        _PRCTL(_PR_SET_PDEATHSIG, signal.SIGKILL)
    os.nice(niceness)
