"""Starts APIs as forks of a process that has imported the service, because imports take longer than
everything else at a start.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from subprocess import TimeoutExpired

from archive_scripts.archives.building import ROOT

_forks = multiprocessing.get_context("forkserver")
_forks.set_forkserver_preload(["tests.support.preloaded", __name__])


class ForkedApi:
    """A process like that of `python -m auth_api`, with a part of the methods of `Popen`."""

    def __init__(self, environment: Mapping[str, str], log: Path) -> None:
        """Appends what it prints to `log`."""
        self._process = _forks.Process(target=_run, args=(dict(environment), str(log)))
        self._process.start()

    @property
    def pid(self) -> int:
        assert self._process.pid
        return self._process.pid

    def poll(self) -> int | None:
        """The exit status, or minus the number of the signal that ended it; None while it runs."""
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        """Raises `TimeoutExpired`."""
        self._process.join(timeout)
        if self._process.exitcode is None:
            raise TimeoutExpired("auth_api", timeout or 0)
        return self._process.exitcode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)


def _run(environment: Mapping[str, str], log: str) -> None:
    from auth_api.__main__ import main

    os.environ.clear()
    os.environ.update(environment)
    os.chdir(ROOT)
    with open(log, "ab") as stream:
        os.dup2(stream.fileno(), sys.stdout.fileno())
        os.dup2(stream.fileno(), sys.stderr.fileno())
    sys.argv = ["auth_api"]
    sys.exit(main())
