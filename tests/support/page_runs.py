"""Runs the shell lines of a page beside a service, as a reader would."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import pytest

from archive_scripts.archives.building import ROOT
from tests.support.apis import Api

# The status and the type of each answer go to a file, and are printed at the end of a section.
_CURL = r"""
STATUS=$(mktemp)
trap 'cat $STATUS' EXIT
curl() {
    command curl -sS --max-time 120 -w '%{stderr}HTTP %{http_code} %{content_type}\n' "$@" \
        2>> $STATUS
}
"""
_REFUSED = re.compile(r"HTTP (?!2\d\d )(\d+)")


def run_sections(
    api: Api, before: Sequence[str], sections: Sequence[str], folder: Path = ROOT
) -> list[str]:
    """What each section prints, one after the other in one shell; `before` runs first. `folder` is
    the working directory. Fails if a program does.
    """
    if not shutil.which("curl"):
        pytest.skip("needs curl")
    counted = [
        f"echo '--- {number}'\n{text}\necho\ncat $STATUS; : > $STATUS"
        for number, text in enumerate(sections)
    ]
    script = "\n".join(["exec 2>&1", "set -eo pipefail", _CURL, *before, *counted])
    for written, here in (
        ("http://localhost:8000", str(api.client.base_url)),
        ("localhost:8083", f"127.0.0.1:{api.metrics_port}"),
        ("localhost:8080", api.environment["TORCHSERVE_INFERENCE_URL"].removeprefix("http://")),
        ("data/ranjana.db", f"{api.folder}/data/ranjana.db"),
    ):
        script = script.replace(written, here)
    with subprocess.Popen(
        ["bash", "-c", script],
        cwd=folder,
        env={**api.environment, "TMPDIR": str(api.folder), "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as shell:
        try:
            printed, _ = shell.communicate()
        finally:
            # After a time-out of the test: a program that it started may still run.
            with suppress(ProcessLookupError):
                os.killpg(shell.pid, signal.SIGKILL)
    assert shell.returncode == 0, printed[-3000:]
    return re.split(r"--- \d+\n", printed)[1:]


def refused(printed: str) -> list[str]:
    """The statuses of refusals in what was printed."""
    return _REFUSED.findall(printed)
