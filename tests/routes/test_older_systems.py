"""The commands in the guide for users of older systems work."""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest

from archive_scripts.archives.building import ROOT
from tests.support.apis import StartApi

_PAGE = (ROOT / "docs" / "older-systems.md").read_text()
_COMMANDS = ("curl", "REFRESH", ".venv", "echo", "ADMIN")


def lines() -> list[str]:
    """The commands in the last column of the tables."""
    found = []
    for row in _PAGE.splitlines():
        if cells := re.fullmatch(r"\| .*? \| (.*) \|", row):
            commands = re.findall(r"`([^`]*)`", cells[1])
            found += [each.replace(r"\|", "|") for each in commands if each.startswith(_COMMANDS)]
    return found


@pytest.mark.database("sqlite")
def test_every_command_can_be_run(start_api: StartApi) -> None:
    api = start_api()
    if not shutil.which("curl"):
        pytest.skip("needs curl")
    blocks = re.findall(r"```sh\n(.*?)```", _PAGE, re.DOTALL)
    assert len(lines()) > 40
    script = ["set -eo pipefail", *blocks]
    for number, line in enumerate(lines()):
        script += [f"echo '--- {number}'", line, "echo"]
    text = "\n".join(script).replace("http://localhost:8000", str(api.client.base_url))
    text = text.replace("localhost:8083", f"127.0.0.1:{api.metrics_port}")
    done = subprocess.run(
        ["bash", "-c", text],
        cwd=ROOT,
        env=api.environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    answers = re.split(r"--- \d+\n", done.stdout)[1:]
    assert len(answers) == len(lines())
    refused = [
        line
        for line, answer in zip(lines(), answers, strict=True)
        if '"success":false' in answer and "job_finished" not in answer
    ]
    assert refused == []
