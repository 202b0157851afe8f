"""`calibrate recognition`, `similarity` and `digits`: fits a temperature or a scale."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from archive_scripts.archives.building import ROOT
from archive_scripts.commands import (
    Commands,
    add_evaluation_data,
    add_negative_fonts,
    evaluation_images,
)
from archive_scripts.commands.output import add_json_option, print_result


def add_to(commands: Commands) -> None:
    """Declares the command and one subcommand per model."""
    models = commands.add_parser(
        "calibrate", help="calibrate weights on labelled pictures that they never saw"
    ).add_subparsers(dest="model", required=True)
    for name, run, summary in (
        ("recognition", _run, "fit the temperature, so that confidence is the share of hits"),
        ("similarity", _run, "fit the scale of distances, so that the threshold 0.45 is the best"),
        ("digits", _digits, "fit the temperature, on all forms of evaluate and on negatives"),
    ):
        parser = models.add_parser(name, help=summary, description=f"{summary.capitalize()}.")
        add_evaluation_data(parser, name)
        if name == "digits":
            add_negative_fonts(parser)
        else:
            parser.add_argument(
                "--apply-to", type=Path, help="weights to write the result to (default: --weights)"
            )
        add_json_option(parser)
        parser.set_defaults(run=run)


def _digits(options: argparse.Namespace) -> None:
    import numpy as np

    from archive_scripts.evaluation.recognition import fit_temperature
    from archive_scripts.synthesis.digit_negatives import digit_negatives
    from archive_scripts.training.digits import (
        FORMS,
        digit_ink_images,
        load_digits,
        negative_ink_images,
    )
    from archive_scripts.training.labelled import LabelledInkImages
    from archive_scripts.training.networks import describe_weights, load_network, save_weights

    digits = load_digits(options.digits).last(options.last)
    forms = [digit_ink_images(digits, form) for form in FORMS]
    negatives = digit_negatives(options.negative_fonts)
    forms.append(negative_ink_images(digits, negatives))
    data = LabelledInkImages(
        [image for form in forms for image in form.images],
        np.concatenate([form.labels for form in forms]),
    )
    network, weights = load_network(options.weights), describe_weights(options.weights)
    temperature = round(fit_temperature(network, data), 3)
    save_weights(network, replace(weights, temperature=temperature), options.weights)
    _print_result(options, {"temperature": temperature}, options.weights)


def _run(options: argparse.Namespace) -> None:
    from archive_scripts.evaluation.recognition import fit_temperature
    from archive_scripts.evaluation.verification import fit_scale
    from archive_scripts.synthesis.tensors import reference_tensors
    from archive_scripts.training.networks import describe_weights, load_network, save_weights

    data = evaluation_images(options)
    network = load_network(options.weights)
    path = options.apply_to or options.weights
    if options.model == "recognition":
        found = {"temperature": round(fit_temperature(network, data), 3)}
    else:
        references = reference_tensors(ROOT / "reference_images")
        found = {"scale": round(fit_scale(network, references, data), 3)}
    save_weights(load_network(path), replace(describe_weights(path), **found), path)
    _print_result(options, found, path)


def _print_result(options: argparse.Namespace, found: dict[str, float], path: Path) -> None:
    lines = "\n".join(f"{name} {value} kept in {path}" for name, value in found.items())
    print_result(options, {**found, "weights": str(path)}, lines)
