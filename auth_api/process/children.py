"""Starts child processes and stops them together with everything that they started."""

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

from auth_api.process.confinement import Confinement, confine, make_ruleset

_PR_SET_PDEATHSIG = 1
# Loaded here, because a child forked from a process with threads must not load libraries.
_PRCTL: Callable[[int, int], int] | None = (
    ctypes.CDLL(None).prctl if sys.platform == "linux" else None
)

Stream = int | IO[bytes] | None
"""As in `subprocess`; None is the stream of the parent."""

# Variables that a child needs; none of them is secret.
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
    """A process was ended from outside. A new start would resume its work."""


class Child:
    """A process in its own session.

    Ctrl-C in the terminal reaches only the parent. Everything that the process starts belongs to
    its process group and ends with it.
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
        confinement: Confinement | None = None,
    ) -> Child:
        """Starts `command` in `directory`.

        If `output` is `subprocess.PIPE`, it buffers up to twice `longest_line` bytes; then the
        process waits for its reader. `niceness`, 0-19, lowers the priority below the parent's.
        """
        ruleset = await asyncio.to_thread(make_ruleset, confinement) if confinement else None
        try:
            process = await asyncio.create_subprocess_exec(
                *command,
                env=environment,
                cwd=directory,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=errors,
                limit=longest_line,
                start_new_session=True,
                preexec_fn=lambda: _begin(niceness, ruleset),
            )
        finally:
            if ruleset is not None:
                os.close(ruleset)
        return cls(process)

    @property
    def pid(self) -> int:
        """Process id, which is also the id of the group."""
        return self._process.pid

    @property
    def output(self) -> asyncio.StreamReader:
        """The standard output, if `output` was `subprocess.PIPE`."""
        assert self._process.stdout
        return self._process.stdout

    @property
    def running(self) -> bool:
        """Whether the process itself is alive; its group may outlive it."""
        return self._process.returncode is None

    @property
    def exit_status(self) -> int | None:
        """As in `asyncio.subprocess.Process.returncode`."""
        return self._process.returncode

    async def wait(self) -> int:
        """Waits for the end of the process; returns its exit status."""
        return await self._process.wait()

    async def stop(self, timeout: float) -> None:
        """Sends SIGTERM, waits up to `timeout` seconds, then kills the whole group."""
        try:
            if self.running:
                with contextlib.suppress(ProcessLookupError):
                    self._process.terminate()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._process.wait(), timeout)
        finally:  # also if the caller is cancelled
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)
        await self._process.wait()


def bare_environment(temporary: Path, prefixes: tuple[str, ...] = ()) -> dict[str, str]:
    """An environment without secrets, with one thread, and with the variables of some `prefixes`;
    `temporary` holds temporary files.
    """
    inherited = {
        name: value
        for name, value in os.environ.items()
        if name in _INHERITED or name.startswith(prefixes)
    }
    return {**inherited, "OMP_NUM_THREADS": "1", "TMPDIR": str(temporary)}


def _begin(niceness: int, ruleset: int | None) -> None:
    """Runs first in the child."""
    if _PRCTL:  # the kernel kills the child if its parent dies without stopping it
        _PRCTL(_PR_SET_PDEATHSIG, signal.SIGKILL)
    os.nice(niceness)
    if ruleset is not None:
        confine(ruleset)
