"""The lines of README and of the pages for callers work, from the first to the last.

Those of docs/older-systems.md have a test of their own. Those of docs/models.md train and release,
which tests of models and of trainings do. Commands take seconds to start: tests of commands run
them.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from archive_scripts.archives.building import ROOT
from tests.support.apis import StartApi
from tests.support.digits import held_out
from tests.support.documents import shell_blocks
from tests.support.page_runs import refused, run_sections
from tests.support.pictures import encode, reference
from tests.support.running import Ranjana
from tests.support.worksheets import rendered


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A checkout, and the pictures that a reader has."""
    for name in (".venv", "reference_images"):
        (tmp_path / name).symlink_to(ROOT / name)
    character = reference(2)
    for name in ("photo.jpg", "page.jpg"):
        (tmp_path / name).write_bytes(encode(character, "JPEG"))
    (tmp_path / "drawing.png").write_bytes(encode(character))
    for name, digit in (("a.png", 3), ("b.png", 8)):
        (tmp_path / name).write_bytes(encode(held_out(digit, 0)))
    return tmp_path


@pytest.mark.database("sqlite")
def test_the_pages_for_callers_run_as_they_are(
    start_api: StartApi, ranjana: Ranjana, folder: Path
) -> None:
    api = start_api()
    sheet = api.client.get("/api/worksheets/?characters=0,2,19").content
    (folder / "sheet.jpg").write_bytes(encode(rendered(sheet), "JPEG"))
    key = f"INFERENCE_KEY={ranjana.key('inference')}"
    answers = run_sections(api, [key], _calls(), folder)
    assert len(answers) == len(_calls()) > 10
    wrong = [each for each in zip(_calls(), answers, strict=True) if _wrong(each[1])]
    assert wrong == []


def _calls() -> list[str]:
    """The blocks of the pages that have calls, without what starts or is a command of ours."""
    names = ("README.md", "docs/using.md", "docs/worksheets.md")
    blocks = [block for name in names for block in shell_blocks((ROOT / name).read_text())]
    lines = (re.sub(r"(?m)^.*(-m auth_api|make \w+).*\n", "", block) for block in blocks)
    return [block for block in lines if "curl" in block]


def _wrong(answer: str) -> bool:
    # The job of the example may have ended before it is cancelled.
    return refused(answer) != (["409"] if '"code":"job_finished"' in answer else [])
