"""Figures of an evaluation as files: what `charts` draws and every archive carries."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

Figures = dict[str, Any]
"""What `Evaluation.as_json` and `Verification.as_json` answer."""


def of_version(figures: Figures, model: str, version: str, data: str) -> Figures:
    """The figures with what they are of: `data` says in a sentence what was measured on, and
    that the model never saw it.
    """
    return {"model": model, "version": version, "data": data, **figures}


def write_figures(figures: Figures, path: Path) -> None:
    """Writes JSON, a figure a line, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = (
        f"{json.dumps(name)}: {json.dumps(value, ensure_ascii=False)}"
        for name, value in figures.items()
    )
    partial = path.with_name(f"{path.name}.partial")
    partial.write_text("{\n " + ",\n ".join(lines) + "\n}\n", encoding="utf-8")
    os.replace(partial, path)


def read_figures(path: Path) -> Figures:
    """Reads such a file. Raises ValueError where it is none, OSError where there is none."""
    try:
        figures = json.loads(path.read_text(encoding="utf-8"))
        if figures["kind"] in ("recognition", "verification"):
            return dict(figures)
    except (ValueError, KeyError, TypeError):
        pass
    raise ValueError(f"{path} has no figures that `evaluate` or `improve` wrote")
