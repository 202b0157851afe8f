"""CSV in which no cell becomes a formula, however a program separates the cells."""

# ruff: noqa: RUF001 - full-width forms

from __future__ import annotations

import csv
import io
import json
import re

import pytest

from auth_api.http.csv_text import csv_head, csv_line

FORMULAS = ("=1+1", "+1+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "＝1+1", "＋1", "－1", "＠A1")
BEFORE = (
    *("", "text,", "text;", "text; ", "text|", "text\t", "text\n", "text\r", "text\r\n"),
    *(
        '"',
        'text;"',
        "text\u2028",
        "text\x85",
        "text，",
        "\ufefftext;\u200b",
        "text;\xa0",
        "text,,;",
    ),
)
BROKEN = re.compile("[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]")
SEPARATED = re.compile("[,;|\t，；｜]")


def cells(line: str) -> list[str]:
    """The cells of a program that knows these separators but no quotes."""
    return [cell for row in BROKEN.split(line) for cell in SEPARATED.split(row)]


@pytest.mark.parametrize("formula", FORMULAS)
def test_no_part_of_a_text_begins_a_formula(formula: str) -> None:
    for before in BEFORE:
        line = csv_line([1, f"{before}{formula}", {"asked": [f"{before}{formula}"]}])
        starts = {cell.strip(' "\0\xa0\u200b\u3000\ufeff\\')[:1] for cell in cells(line)}
        assert starts.isdisjoint("=+-@＝＋－＠"), line


@pytest.mark.parametrize("start", ["\t", "\r", "\n"])
def test_a_tab_or_a_line_break_does_not_begin_a_cell(start: str) -> None:
    assert csv_line([f"{start}cmd"]).startswith("\"'")


def test_every_cell_is_quoted_and_values_are_as_they_were() -> None:
    values = [1, -2.5, True, None, "a - b = c@d.example", 'say "no"', "2026-11-01T00:00:00Z"]
    line = csv_line(values)
    assert (
        line == '"1","-2.5","True","","a - b = c@d.example","say ""no""","2026-11-01T00:00:00Z"\r\n'
    )
    (read,) = csv.reader(io.StringIO(line), strict=True)
    assert read == ["1", "-2.5", "True", "", *values[4:]]
    assert csv_head(("id", "at")) == '\ufeff"id","at"\r\n'


def test_details_stay_json() -> None:
    (read,) = csv.reader(io.StringIO(csv_line([{"n": [1, -2], "=x": "a,=b", "ok": None}])))
    assert json.loads(read[0]) == {"n": [1, -2], "'=x": "a,'=b", "ok": None}


def test_a_long_text_takes_time_that_grows_with_its_length_only() -> None:
    for text in (" " * 1_000_000, ",  " * 300_000, "\t" * 1_000_000, '"' * 1_000_000):
        assert csv_line([text]).count("\r\n") == 1  # minutes, if each position were searched anew
