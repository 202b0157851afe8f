"""`evaluate recognition`, `similarity`, `digits` and `impostors`: figures."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from archive_scripts.archives.building import RECIPES, ROOT
from archive_scripts.commands import Commands
from archive_scripts.commands.answers import add_json, answer

if TYPE_CHECKING:
    from archive_scripts.evaluation.figures import Figures


def add_to(commands: Commands) -> None:
    """Declares the command and one of its own for each model."""
    models = commands.add_parser(
        "evaluate", help="measure a model on folders of labelled pictures"
    ).add_subparsers(dest="model", required=True)
    for name, run in (("recognition", _recognition), ("similarity", _similarity)):
        parser = models.add_parser(name)
        parser.add_argument(
            "folders", type=Path, nargs="+", help="class_12.png, or one folder a class"
        )
        parser.add_argument("--weights", type=Path, default=ROOT / f"weights/{name}.safetensors")
        parser.add_argument(
            "--photographs",
            type=int,
            default=0,
            help="lay each picture on paper, photograph it so many times and read those",
        )
        _add_output(parser)
        add_json(parser)
        parser.set_defaults(run=run)
    digits = models.add_parser("digits", help="in several forms, through all of preprocessing")
    digits.add_argument("digits", type=Path, help="as for train")
    digits.add_argument(
        "--last", type=int, default=5000, help="the last so many, which training left out"
    )
    digits.add_argument("--weights", type=Path, default=ROOT / "weights/digits.safetensors")
    _add_output(digits)
    add_json(digits)
    digits.set_defaults(run=_digits)
    negatives = models.add_parser(
        "impostors", help="how sure recognition is of pictures that show no character"
    )
    negatives.add_argument("folders", type=Path, nargs="+", help="folders of any pictures")
    negatives.add_argument("--weights", type=Path, default=ROOT / "weights/recognition.safetensors")
    add_json(negatives)
    negatives.set_defaults(run=_negatives)


def _add_output(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--output", type=Path, help="where to write NAME.json and its charts (default: nowhere)"
    )
    parser.add_argument(
        "--data",
        metavar="SENTENCE",
        help="what was measured on, and that the weights never saw it: with it, NAME.json may lie "
        "beside the weights that archives are built from",
    )


def _recognition(options: argparse.Namespace) -> None:
    from archive_scripts.evaluation.recognition import Evaluation, load_inks, probabilities
    from archive_scripts.evaluation.reports import mistake_rows, recognition_lines, recognition_rows
    from archive_scripts.training.networks import describe_weights, load_network

    data = load_inks(options.folders, options.photographs)
    network = load_network(options.weights)
    temperature = describe_weights(options.weights).temperature
    evaluation = Evaluation(data.labels, probabilities(network, temperature, data))
    name = _name(options)
    figures = evaluation.as_json()
    answer(
        options,
        {"name": name, **figures},
        recognition_lines(name, evaluation),
        columns=("", name),
        rows=[*recognition_rows(figures), *mistake_rows(evaluation)],
    )
    if options.output:
        _save(options, figures, options.output)


def _digits(options: argparse.Namespace) -> None:
    from archive_scripts.evaluation.recognition import Evaluation, probabilities
    from archive_scripts.evaluation.reports import recognition_rows, recognition_summary
    from archive_scripts.training.digits import FORMS, digit_inks, load_digits
    from archive_scripts.training.networks import describe_weights, load_network
    from handlers.characters import DIGITS

    digits = load_digits(options.digits).last(options.last)
    found: dict[str, Figures] = {}
    lines = []
    network = load_network(options.weights)
    temperature = describe_weights(options.weights).temperature
    for form in FORMS:
        data = digit_inks(digits, form)
        evaluation = Evaluation(data.labels, probabilities(network, temperature, data), DIGITS)
        found[form] = evaluation.as_json()
        lines.append(recognition_summary(form, evaluation))
        if options.output:
            path = options.output.with_name(f"{options.output.name}-{_slug(form)}")
            _save(options, found[form], path, f" Form: {form}.")
    columns = [name for name, _ in recognition_rows(found[form])]
    rows = [
        (form, *(value for _, value in recognition_rows(figures)))
        for form, figures in found.items()
    ]
    answer(options, {"forms": found}, "\n".join(lines), columns=("form", *columns), rows=rows)


def _negatives(options: argparse.Namespace) -> None:
    from archive_scripts.evaluation.negatives import evaluate_negatives
    from archive_scripts.evaluation.reports import negative_line
    from archive_scripts.training.networks import describe_weights, load_network

    network = load_network(options.weights)
    temperature = describe_weights(options.weights).temperature
    found = {
        folder.name: evaluate_negatives(network, temperature, folder) for folder in options.folders
    }
    answer(
        options,
        {"folders": {name: evaluation.as_json() for name, evaluation in found.items()}},
        "\n".join(negative_line(name, evaluation) for name, evaluation in found.items()),
        columns=("", "pictures", "refused", "above 50 %", "above 80 %"),
        rows=[(name, *evaluation.as_json().values()) for name, evaluation in found.items()],
    )


def _similarity(options: argparse.Namespace) -> None:
    from archive_scripts.evaluation.recognition import load_inks
    from archive_scripts.evaluation.reports import verification_lines, verification_rows
    from archive_scripts.evaluation.verification import verify
    from archive_scripts.synthesis.tensors import reference_inks
    from archive_scripts.training.networks import describe_weights, load_network

    data = load_inks(options.folders, options.photographs)
    network = load_network(options.weights)
    references = reference_inks(ROOT / "reference_images")
    scale = describe_weights(options.weights).scale
    verification = verify(network, references, scale, data)
    name = _name(options)
    figures = verification.as_json()
    answer(
        options,
        {"name": name, **figures},
        verification_lines(name, verification),
        columns=("", name),
        rows=verification_rows(figures),
    )
    if options.output:
        _save(options, figures, options.output)


def _save(options: argparse.Namespace, figures: Figures, path: Path, more: str = "") -> None:
    from archive_scripts.evaluation.figures import of_version
    from archive_scripts.evaluation.reports import save

    if options.data:
        recipe = next(recipe for recipe in RECIPES if recipe.handler == options.model)
        figures = of_version(figures, recipe.name, recipe.version, options.data + more)
    save(figures, path)


def _slug(form: str) -> str:
    return form.replace(",", "").replace(" ", "-")


def _name(options: argparse.Namespace) -> str:
    folders = " and ".join(folder.name for folder in options.folders)
    return f"{folders}, photographed" if options.photographs else folders
