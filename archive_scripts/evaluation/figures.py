"""Reads and writes figures of evaluations, which `charts` draws and every archive holds."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

Figures = dict[str, Any]
"""The result of `Evaluation.as_json` or `Verification.as_json`."""


def with_version(figures: Figures, model: str, version: str, data: str) -> Figures:
    """Adds the model and its version. `data` is a sentence that names the evaluation data and says
    that the model never saw them.
    """
    return {"model": model, "version": version, "data": data, **figures}


def write_figures(figures: Figures, path: Path) -> None:
    """Writes JSON in one step, one figure per line."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = (
        f"{json.dumps(name)}: {json.dumps(value, ensure_ascii=False)}"
        for name, value in figures.items()
    )
    partial = path.with_name(f"{path.name}.partial")
    partial.write_text("{\n " + ",\n ".join(lines) + "\n}\n", encoding="utf-8")
    os.replace(partial, path)


def read_figures(path: Path) -> Figures:
    """Reads a file of figures. Raises ValueError for another file, OSError if it is missing."""
    try:
        figures = json.loads(path.read_text(encoding="utf-8"))
        if figures["kind"] in ("recognition", "verification"):
            return dict(figures)
    except (ValueError, KeyError, TypeError):
        pass
    raise ValueError(f"{path} has no figures that `evaluate` or `improve` wrote")
