"""The documentation names files, sections and settings that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from archive_scripts.archives.building import ROOT
from auth_api.settings import RENAMED
from launcher.settings import LauncherSettings
from tests.support.documents import PAGES

_FOLDERS = "auth_api|handlers|launcher|archive_scripts|benchmarks|tests|deploy|requirements"
_PATH = re.compile(rf"`((?:{_FOLDERS})/[\w./-]*)`")
_LINK = re.compile(r"\]\((?!https?:)([^)#\s]*)(?:#([\w-]+))?\)")


def anchors(page: Path) -> set[str]:
    """The anchors of a page, as GitHub makes them of headings."""
    headings = re.findall(r"(?m)^#+ (.+)$", page.read_text())
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_paths_and_links_lead_somewhere(page: Path) -> None:
    text = page.read_text()
    missing = [path for path in _PATH.findall(text) if not (ROOT / path).exists()]
    for target, anchor in _LINK.findall(text):
        linked = (page.parent / target).resolve() if target else page
        if not linked.exists() or (anchor and anchor not in anchors(linked)):
            missing.append(f"{target}#{anchor}")
    assert missing == []


def test_every_page_answers_a_question() -> None:
    index = ROOT / "docs" / "README.md"
    linked = {(index.parent / target).resolve() for target, _ in _LINK.findall(index.read_text())}
    assert {*PAGES, ROOT / "CHANGELOG.md"} - {index, ROOT / "README.md"} <= linked


def test_the_page_of_settings_names_real_ones() -> None:
    page = (ROOT / "docs" / "settings.md").read_text()
    named = set(re.findall(r"`([A-Z][A-Z0-9_]{3,})`", page)) - {"SECRETS_DIR", "DB_PASSWORD"}
    known = {name.upper() for name in (*LauncherSettings.model_fields, *RENAMED)}
    assert named <= known, named - known
