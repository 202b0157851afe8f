"""The refusals on the page docs/troubleshooting.md, to compare answers with."""

from __future__ import annotations

import html
import re
from typing import NamedTuple

import httpx2

from archive_scripts.archives.building import ROOT

_CODED = re.compile(r"(\d+) `(\w+)`")


class Refusal(NamedTuple):
    """A row of the page. `N` in its sentence stands for a number."""

    status: int
    code: str
    sentence: str

    def fits(self, answer: httpx2.Response) -> bool:
        """Whether an answer is this refusal."""
        body = answer.json()
        found = answer.status_code, body.get("code")
        return found == (self.status, self.code) and says(self.sentence, str(body.get("error")))


def says(written: str, said: str) -> bool:
    """Whether a sentence of the page is the one that was said."""
    pattern = re.sub(r"\bN\b", r"[\\d.]+", re.escape(html.unescape(written)))
    return re.fullmatch(pattern, said) is not None


def rows_under(heading: str) -> list[list[str]]:
    """The cells of the rows of the table under a heading, without its first one."""
    page = (ROOT / "docs" / "troubleshooting.md").read_text()
    lines = page.split(f"## {heading}\n")[1].split("\n## ")[0].splitlines()
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in lines if line[:1] == "|"
    ]
    return rows[2:]


def refusals() -> list[Refusal]:
    """The rows of the page that have a status."""
    page = (ROOT / "docs" / "troubleshooting.md").read_text()
    found = []
    for heading in re.findall(r"(?m)^## (.+)$", page):
        for first, sentence, *_ in rows_under(heading):
            if match := _CODED.fullmatch(first):
                found.append(Refusal(int(match[1]), match[2], sentence))
    return found
