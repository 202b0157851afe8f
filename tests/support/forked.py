"""Runs `python -m auth_api` as a fork of a process that has imported the service, because imports
take longer than everything else at a start.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from subprocess import CompletedProcess, TimeoutExpired

from archive_scripts.archives.building import ROOT

_forks = multiprocessing.get_context("forkserver")
_forks.set_forkserver_preload(["tests.support.preloaded", __name__])


class ForkedApi:
    """A process like that of `python -m auth_api`, with a part of the methods of `Popen`."""

    def __init__(self, environment: Mapping[str, str], log: Path) -> None:
        """Appends what it prints to `log`."""
        self._process = _forks.Process(target=_run, args=(dict(environment), str(log), str(log)))
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


def run_command(
    environment: Mapping[str, str], *arguments: str, stdin: str = "", timeout: float = 60
) -> CompletedProcess[str]:
    """Runs `python -m auth_api` with `arguments` until it exits. Raises `TimeoutExpired`."""
    with tempfile.TemporaryDirectory() as folder:
        given, printed, errors = (Path(folder) / name for name in ("stdin", "stdout", "stderr"))
        given.write_text(stdin, newline="")
        streams = str(printed), str(errors), str(given)
        process = _forks.Process(target=_run, args=(dict(environment), *streams, arguments))
        process.start()
        process.join(timeout)
        if process.exitcode is None:
            process.kill()
            raise TimeoutExpired("auth_api", timeout)
        code, output = process.exitcode, printed.read_text()
        return CompletedProcess(arguments, code, output, errors.read_text())


def _run(
    environment: Mapping[str, str],
    printed: str,
    errors: str,
    given: str = os.devnull,
    arguments: Sequence[str] = (),
) -> None:
    from auth_api.__main__ import main

    os.environ.clear()
    os.environ.update(environment)
    os.chdir(ROOT)
    for name, stream in ((printed, sys.stdout), (errors, sys.stderr)):
        with open(name, "ab") as file:
            os.dup2(file.fileno(), stream.fileno())
    sys.stdin = open(given)  # noqa: SIM115 - multiprocessing has closed it
    sys.argv = ["auth_api", *arguments]
    sys.exit(main())
