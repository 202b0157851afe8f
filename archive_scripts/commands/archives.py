"""`archives`: builds model_store/*.mar from the committed weights."""

from __future__ import annotations

import argparse
from pathlib import Path

from archive_scripts.archives.building import ROOT, build_archives, recipes
from archive_scripts.archives.checksums import sha256
from archive_scripts.archives.copying import copy_archives
from archive_scripts.commands import Commands
from archive_scripts.commands.output import add_json_option, print_result
from auth_api.configuration.cores import usable_cores
from auth_api.schemas.versions import is_version


def add_to(commands: Commands) -> None:
    """Declares the command."""
    parser = commands.add_parser("archives", help="build model_store/*.mar from the weights")
    parser.add_argument("--store", type=Path, default=ROOT / "model_store")
    parser.add_argument(
        "--workers", type=int, default=usable_cores(), help="workers per model (default: cores)"
    )
    parser.add_argument(
        "--built", type=Path, help="a folder of archives; those that are up to date are copied"
    )
    parser.add_argument(
        "--version", type=_version, help="version of the archives, like 1.2.3 (default: 1.0)"
    )
    add_json_option(parser)
    parser.set_defaults(run=_run)


def _version(text: str) -> str:
    if not is_version(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no version like 1.2.3")
    return text


def _run(options: argparse.Namespace) -> None:
    wanted = options.store, options.workers, options.version
    copied = copy_archives(options.built, *wanted) if options.built else []
    built = build_archives(*wanted)
    missing = [each.name for each in recipes(options.store) if not each.weights.exists()]
    result = {
        "copied": [str(path) for path in copied],
        "built": [{"archive": str(path), "sha256": sha256(path)} for path in built],
        "left_out": missing,
    }
    rows = [(path.name, "copied", "") for path in copied]
    rows += [(path.name, f"{path.stat().st_size / 1e6:.1f} MB", sha256(path)) for path in built]
    rows += [(f"left out: {name}", "", _reason(name)) for name in missing]
    lines = [f"copied {path}" for path in copied] + [f"built {path}" for path in built]
    lines += [f"left out {name}: {_reason(name)}" for name in missing]
    print_result(options, result, "\n".join(lines), columns=("built", "size", "SHA-256"), rows=rows)


def _reason(model: str) -> str:
    if model == "digits":
        return "its weights are missing, and it is not trained without pictures"
    return "its weights are missing and will be trained"
