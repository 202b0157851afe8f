"""The commands: `python -m archive_scripts <command> --help`."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from archive_scripts.archives import ROOT, build_archives


def main(arguments: list[str] | None = None) -> int:
    """Runs one command; answers the exit status."""
    parser = argparse.ArgumentParser(prog="python -m archive_scripts", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    _add_archives(commands)
    _add_references(commands)
    _add_train(commands)
    _add_evaluate(commands)
    options = parser.parse_args(arguments)
    try:
        options.run(options)
    except (OSError, ValueError) as error:
        print(f"{options.command}: {error}", file=sys.stderr)
        return 1
    return 0


Commands = "argparse._SubParsersAction[argparse.ArgumentParser]"


def _add_archives(commands: Commands) -> None:
    parser = commands.add_parser("archives", help="build model_store/*.mar from the weights")
    parser.add_argument("--store", type=Path, default=ROOT / "model_store")
    parser.add_argument(
        "--workers", type=int, default=usable_cores(), help="workers a model (default: cores)"
    )
    parser.set_defaults(run=_archives)


def _archives(options: argparse.Namespace) -> None:
    for archive in build_archives(options.store, options.workers):
        print(f"built {archive}")


def _add_references(commands: Commands) -> None:
    parser = commands.add_parser("references", help="draw reference_images/ with a font")
    parser.add_argument("--font", type=Path, required=True)
    parser.add_argument("--output", type=Path, default=ROOT / "reference_images")
    parser.set_defaults(run=_references)


def _references(options: argparse.Namespace) -> None:
    from archive_scripts.references import draw_references

    draw_references(options.font, options.output)


def _add_sources(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--font", type=Path, action="append", default=[], dest="fonts")
    parser.add_argument(
        "--glyphs",
        type=Path,
        action="append",
        default=[],
        help="folder of class_N.png, white on black",
    )


def _add_train(commands: Commands) -> None:
    parser = commands.add_parser("train", help="train the recognition network on synthesis")
    _add_sources(parser)
    parser.add_argument("--images", type=int, default=1_000_000, help="synthetic images to see")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--loaders", type=int, default=1, help="processes that draw images")
    parser.add_argument("--checkpoint", type=Path, default=ROOT / "checkpoints/recognition.pt")
    parser.add_argument("--output", type=Path, default=ROOT / "weights/recognition.safetensors")
    parser.set_defaults(run=_train)


def _train(options: argparse.Namespace) -> None:
    from archive_scripts.datasets import load_letterforms
    from archive_scripts.networks import recognition_network, save_weights
    from archive_scripts.training import TrainingSettings, train

    letterforms = load_letterforms(options.fonts, options.glyphs)
    settings = TrainingSettings(images=options.images, seed=options.seed)
    network = train(
        recognition_network,
        letterforms,
        settings,
        options.checkpoint,
        device=options.device,
        loaders=options.loaders,
    )
    save_weights(network, options.output)
    print(f"wrote {options.output}")


def _add_evaluate(commands: Commands) -> None:
    parser = commands.add_parser(
        "evaluate", help="measure the recognition weights on folders of labelled images"
    )
    parser.add_argument("folders", type=Path, nargs="+", help="folders of class_N.png")
    parser.add_argument("--weights", type=Path, default=ROOT / "weights/recognition.safetensors")
    parser.add_argument(
        "--photographs",
        type=int,
        default=0,
        help="lay each picture on paper, photograph it so many times and read those",
    )
    parser.set_defaults(run=_evaluate)


def _evaluate(options: argparse.Namespace) -> None:
    from archive_scripts.evaluation import evaluate, report
    from archive_scripts.networks import load_weights, recognition_network

    network = load_weights(recognition_network(), options.weights)
    for folder in options.folders:
        print(report(folder, evaluate(network, folder, options.photographs)))


def usable_cores() -> int:
    """Cores this process may run on, which in a container are fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


if __name__ == "__main__":
    sys.exit(main())
