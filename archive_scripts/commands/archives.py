"""`archives`: model_store/*.mar from the committed weights."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from archive_scripts.archives import ROOT, build_archives, recipes
from archive_scripts.commands import Commands


def add_to(commands: Commands) -> None:
    """Declares the command."""
    parser = commands.add_parser("archives", help="build model_store/*.mar from the weights")
    parser.add_argument("--store", type=Path, default=ROOT / "model_store")
    parser.add_argument(
        "--workers", type=int, default=usable_cores(), help="workers a model (default: cores)"
    )
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> None:
    for archive in build_archives(options.store, options.workers):
        print(f"built {archive}")
    for recipe in recipes(options.store):
        if not recipe.weights.exists():
            print(f"left out {recipe.name}: its weights are missing and will be trained")


def usable_cores() -> int:
    """Cores this process may run on, which in a container are fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
