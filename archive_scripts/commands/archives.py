"""`archives`: builds model_store/*.mar from the committed weights."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from archive_scripts.archives.building import ROOT, build_archives, recipes
from archive_scripts.archives.checksums import sha256
from archive_scripts.commands import Commands
from archive_scripts.commands.output import add_json_option, print_result


def add_to(commands: Commands) -> None:
    """Declares the command."""
    parser = commands.add_parser("archives", help="build model_store/*.mar from the weights")
    parser.add_argument("--store", type=Path, default=ROOT / "model_store")
    parser.add_argument(
        "--workers", type=int, default=_usable_cores(), help="workers per model (default: cores)"
    )
    add_json_option(parser)
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> None:
    built = build_archives(options.store, options.workers)
    missing = [each.name for each in recipes(options.store) if not each.weights.exists()]
    result = {
        "built": [{"archive": str(path), "sha256": sha256(path)} for path in built],
        "left_out": missing,
    }
    rows = [(path.name, f"{path.stat().st_size / 1e6:.1f} MB", sha256(path)) for path in built]
    rows += [(f"left out: {name}", "", _reason(name)) for name in missing]
    lines = [f"built {path}" for path in built]
    lines += [f"left out {name}: {_reason(name)}" for name in missing]
    print_result(options, result, "\n".join(lines), columns=("built", "size", "SHA-256"), rows=rows)


def _reason(model: str) -> str:
    if model == "digits":
        return "its weights are missing, and it is not trained without pictures"
    return "its weights are missing and will be trained"


def _usable_cores() -> int:
    """Cores that this process may use; in a container these are fewer than the machine's."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
