"""Charts of figures: a failure is a 503, and a chart is removed with its archive."""

from __future__ import annotations

import asyncio
import json
import os
import time
from pathlib import Path

import pytest

from auth_api.errors import Unavailable
from auth_api.models.evaluation_charts import EvaluationCharts
from auth_api.settings import ROOT

FIGURES = json.loads((ROOT / "weights" / "digits.json").read_text())


def test_a_chart_that_cannot_be_drawn_or_kept_is_a_503(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    kept_nowhere = EvaluationCharts(tmp_path / "file", niceness=0)
    with pytest.raises(Unavailable):
        asyncio.run(kept_nowhere.png("metrics", "a" * 64, FIGURES))
    charts = EvaluationCharts(tmp_path, niceness=0)
    with pytest.raises(Unavailable):
        asyncio.run(charts.png("metrics", "a" * 64, {"kind": "something"}))
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_chart_is_drawn_without_secrets_and_removed_with_its_archive(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Python itself would fail with it, so the process must not get this environment.
    monkeypatch.setenv("PYTHONHOME", "/nowhere")
    charts = EvaluationCharts(tmp_path, niceness=0)
    drawn = asyncio.run(charts.png("metrics", "a" * 64, FIGURES))
    assert drawn.startswith(b"\x89PNG")
    (picture,) = tmp_path.iterdir()
    abandoned, busy = tmp_path / "tmpabc", tmp_path / "tmpdef"
    for folder in (abandoned, busy):
        folder.mkdir()
        (folder / "figures").touch()
    os.utime(abandoned, (time.time() - 90_000,) * 2)
    charts.remove_stale({"a" * 64})
    assert set(tmp_path.iterdir()) == {picture, busy}
    charts.remove_stale(set())
    assert set(tmp_path.iterdir()) == {busy}
