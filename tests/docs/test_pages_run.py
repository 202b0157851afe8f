"""The lines of README and of the pages for callers work, from the first to the last.

Those of docs/older-systems.md have a test of their own. Those of docs/models.md train and release,
which tests of models and of trainings do.
"""

from __future__ import annotations

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
    pages = (ROOT / name for name in ("README.md", "docs/using.md", "docs/worksheets.md"))
    blocks = [block for page in pages for block in shell_blocks(page.read_text())]
    calls = [block for block in blocks if "make " not in block]
    key = f"INFERENCE_KEY={ranjana.key('inference')}"
    answers = run_sections(api, [key], calls, folder)
    assert len(answers) == len(calls) > 10
    wrong = [
        (block, answer) for block, answer in zip(calls, answers, strict=True) if _wrong(answer)
    ]
    assert wrong == []


def _wrong(answer: str) -> bool:
    # The job of the example may have ended before it is cancelled.
    return refused(answer) != (["409"] if '"code":"job_finished"' in answer else [])
