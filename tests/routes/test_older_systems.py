"""The guide for users of older systems: each line works, and answers what the guide says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

import pytest

from archive_scripts.archives.building import ROOT
from tests.support.apis import StartApi
from tests.support.documents import shell_blocks, shell_text
from tests.support.page_runs import refused, run_sections

_PAGE = (ROOT / "docs" / "older-systems.md").read_text()


class Row(NamedTuple):
    """A row of a table: the commands of a line, and parts of the answer."""

    what: str
    path: str
    lines: str
    answers: list[str]


def rows() -> list[Row]:
    """All rows of all tables."""
    found = []
    for line in _PAGE.splitlines():
        if not line.startswith("|") or set(line) <= set("|- "):
            continue
        what, path, now, answer = (cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip("|")))
        if now != "now":
            found.append(Row(what, path, shell_text(now), re.findall(r"`([^`]*)`", answer)))
    return found


def mistake(row: Row, printed: str) -> str | None:
    """What is wrong in an answer, None if nothing is."""
    missing = [part for part in row.answers if _plain(part) not in _plain(printed)]
    if not missing and not refused(printed):
        return None
    return f"{row.what}: {refused(printed)} {missing} {printed[:500]}"


def _plain(text: str) -> str:
    """Without the blanks of JSON, which the service leaves out."""
    return re.sub(r'(?<=[:,\]}"]) ', "", text)


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A model store that trainings may write to."""
    folder = tmp_path / "store"
    folder.mkdir()
    for archive in (ROOT / "model_store").glob("*.mar*"):
        (folder / archive.name).symlink_to(archive)
    return folder


@pytest.mark.timeout(900)  # a hundred commands and two trainings
@pytest.mark.database("sqlite")
def test_every_row_answers_what_it_says(start_api: StartApi, store: Path) -> None:
    api = start_api(
        {
            "CORS_ORIGINS": "https://app.example.org",
            "MODEL_STORE": str(store),
            "TRAINING_CONCURRENCY": "1",
        }
    )
    *beside, alone = rows()
    answers = run_sections(api, shell_blocks(_PAGE), [row.lines for row in beside])
    assert len(answers) == len(beside)
    mistakes = (mistake(*each) for each in zip(beside, answers, strict=True))
    assert [each for each in mistakes if each] == []
    api.stop()
    (answer,) = run_sections(api, [], [alone.lines])
    assert mistake(alone, answer) is None
    again = start_api(beside=api)
    fields = {"username": "chief", "password": "a long quiet river"}
    assert again.client.post("/api/signin/", json=fields).status_code == 401


def test_every_row_has_a_line_and_an_answer() -> None:
    assert len(rows()) > 70
    assert [row.what for row in rows() if not row.lines or not row.answers] == []
    assert [row.what for row in rows() if "`" not in row.path and row.path not in _NO_PATH] == []


_NO_PATH = {"", "every path"}


@pytest.mark.parametrize(
    ("answers", "printed"),
    [
        (['"digit": 8'], '{"digit":3}\nHTTP 200 application/json'),
        (['"digit": 8'], '{"digit":8,"success":false}\nHTTP 409 application/json'),
        (["`201`"], "{}\nHTTP 200 application/json"),
        (["image/png"], "HTTP 200 application/json"),
    ],
)
def test_another_answer_is_a_mistake(answers: list[str], printed: str) -> None:
    assert mistake(Row("a digit", "", "", answers), printed)
