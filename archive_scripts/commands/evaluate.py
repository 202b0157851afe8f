"""`evaluate recognition`, `similarity`, `digits` and `impostors`: measures weights.

`impostors` evaluates negatives: pictures that show no character.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from archive_scripts.archives.building import RECIPES, ROOT
from archive_scripts.commands import (
    Commands,
    add_evaluation_data,
    add_negative_fonts,
    evaluation_images,
)
from archive_scripts.commands.output import add_json_option, print_result
from handlers.characters import CHARACTER_SETS

if TYPE_CHECKING:
    from torch import nn

    from archive_scripts.evaluation.figures import Figures
    from archive_scripts.evaluation.negatives import NegativeEvaluation
    from archive_scripts.training.networks import Weights


def add_to(commands: Commands) -> None:
    """Declares the command and one subcommand per model."""
    models = commands.add_parser(
        "evaluate", help="measure weights on labelled pictures"
    ).add_subparsers(dest="model", required=True)
    for name, run, summary in (
        ("recognition", _recognition, "on pictures of characters"),
        ("similarity", _similarity, "on pictures of characters, against the references"),
        ("digits", _digits, "on MNIST, in several forms"),
    ):
        parser = models.add_parser(name, help=summary)
        add_evaluation_data(parser, name)
        if name == "digits":
            _add_negatives(parser)
        elif name == "recognition":
            _add_characters(parser)
        _add_output(parser)
        add_json_option(parser)
        parser.set_defaults(run=run)
    negatives = models.add_parser(
        "impostors", help="how confident recognition is on pictures that show no character"
    )
    negatives.add_argument("folders", type=Path, nargs="+", help="folders of any pictures")
    negatives.add_argument("--weights", type=Path, default=ROOT / "weights/recognition.safetensors")
    _add_characters(negatives)
    add_json_option(negatives)
    negatives.set_defaults(run=_negatives)


def _add_negatives(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--negatives",
        type=Path,
        action="append",
        default=[],
        help="a folder of any pictures that show no digit",
    )
    add_negative_fonts(parser)


def _add_characters(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--characters",
        choices=CHARACTER_SETS,
        default="all",
        help="the characters that are answered (default: all)",
    )


def _add_output(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--output", type=Path, help="write OUTPUT.json and its charts (default: nothing)"
    )
    parser.add_argument(
        "--data",
        metavar="SENTENCE",
        help="names the data and says that the weights never saw them; archives need it in the "
        "JSON beside their weights",
    )


def _recognition(options: argparse.Namespace) -> None:
    from archive_scripts.evaluation.recognition import Evaluation, probabilities
    from archive_scripts.evaluation.reports import mistake_rows, recognition_lines, recognition_rows

    characters = CHARACTER_SETS[options.characters]
    data = evaluation_images(options, characters)
    network, weights = _load_weights(options)
    predicted = probabilities(network, weights.temperature, data, characters)
    evaluation = Evaluation(data.labels, predicted, characters)
    name, figures = _name(options), evaluation.as_json()
    rows = [*recognition_rows(figures), *mistake_rows(evaluation)]
    _report(options, name, figures, recognition_lines(name, evaluation), rows)


def _similarity(options: argparse.Namespace) -> None:
    from archive_scripts.evaluation.reports import verification_lines, verification_rows
    from archive_scripts.evaluation.verification import verify
    from archive_scripts.synthesis.tensors import reference_tensors

    data = evaluation_images(options)
    network, weights = _load_weights(options)
    references = reference_tensors(ROOT / "reference_images")
    verification = verify(network, references, weights.scale, data)
    name, figures = _name(options), verification.as_json()
    lines = verification_lines(name, verification)
    _report(options, name, figures, lines, verification_rows(figures))


def _digits(options: argparse.Namespace) -> None:
    from archive_scripts.evaluation.recognition import Evaluation, probabilities
    from archive_scripts.evaluation.reports import (
        negative_line,
        recognition_rows,
        recognition_summary,
    )
    from archive_scripts.training.digits import FORMS, digit_ink_images, load_digits
    from handlers.characters import DIGITS

    digits = load_digits(options.digits).last(options.last)
    network, weights = _load_weights(options)
    negatives = _digit_negatives(options, network, weights)
    negative_figures = {name: evaluation.as_json() for name, evaluation in negatives.items()}
    found: dict[str, Figures] = {}
    lines, rows = [], []
    for form in FORMS:
        data = digit_ink_images(digits, form)
        predicted = probabilities(network, weights.temperature, data, DIGITS)
        evaluation = Evaluation(data.labels, predicted, DIGITS)
        found[form] = figures = evaluation.as_json()
        lines.append(recognition_summary(form, evaluation))
        rows.append([("form", form), *recognition_rows(figures)])
        if options.output:
            slug = form.replace(",", "").replace(" ", "-")
            path = options.output.with_name(f"{options.output.name}-{slug}")
            added = {"negatives": negative_figures} if negatives else {}
            _save(options, {**figures, **added}, path, f" Form: {form}.")
    lines += [negative_line(name, evaluation) for name, evaluation in negatives.items()]
    columns = [*dict(rows[0]), "above 50 %"]
    values = [[*dict(row).values(), ""] for row in rows]
    values += [
        [name, f"{each['pictures']:,}", "", "", "", f"{each['above_half']:.4f}"]
        for name, each in negative_figures.items()
    ]
    result = {"forms": found, "negatives": negative_figures}
    print_result(options, result, "\n".join(lines), columns=columns, rows=values)


def _digit_negatives(
    options: argparse.Namespace, network: nn.Module, weights: Weights
) -> dict[str, NegativeEvaluation]:
    from archive_scripts.evaluation.negatives import (
        evaluate_negatives,
        negatives_in,
        printed_negatives,
    )
    from handlers.characters import DIGITS
    from handlers.preprocessing import preprocess_digit

    images = {folder.name: negatives_in(folder, preprocess_digit) for folder in options.negatives}
    images |= printed_negatives(options.negative_fonts)
    return {
        name: evaluate_negatives(network, weights.temperature, of_kind, DIGITS)
        for name, of_kind in images.items()
    }


def _negatives(options: argparse.Namespace) -> None:
    from archive_scripts.evaluation.negatives import evaluate_negatives, negatives_in
    from archive_scripts.evaluation.reports import negative_line

    network, weights = _load_weights(options)
    characters = CHARACTER_SETS[options.characters]
    found = {
        folder.name: evaluate_negatives(
            network, weights.temperature, negatives_in(folder), characters
        )
        for folder in options.folders
    }
    figures = {name: evaluation.as_json() for name, evaluation in found.items()}
    print_result(
        options,
        {"folders": figures},
        "\n".join(negative_line(name, evaluation) for name, evaluation in found.items()),
        columns=("", "pictures", "refused", "above 50 %", "above 80 %"),
        rows=[(name, *of_folder.values()) for name, of_folder in figures.items()],
    )


def _load_weights(options: argparse.Namespace) -> tuple[nn.Module, Weights]:
    from archive_scripts.training.networks import describe_weights, load_network

    return load_network(options.weights), describe_weights(options.weights)


def _report(
    options: argparse.Namespace,
    name: str,
    figures: Figures,
    lines: str,
    rows: Sequence[tuple[str, str]],
) -> None:
    print_result(options, {"name": name, **figures}, lines, columns=("", name), rows=rows)
    if options.output:
        _save(options, figures, options.output)


def _save(options: argparse.Namespace, figures: Figures, path: Path, more: str = "") -> None:
    from archive_scripts.evaluation.figures import with_version
    from archive_scripts.evaluation.reports import save_report

    if options.data:
        from archive_scripts.improvement.fixed_set import fixed_figures

        recipe = next(recipe for recipe in RECIPES if recipe.handler == options.model)
        figures = {**figures, "fixed": fixed_figures(recipe.handler, *_load_weights(options))}
        figures = with_version(figures, recipe.name, recipe.version, options.data + more)
    save_report(figures, path)


def _name(options: argparse.Namespace) -> str:
    folders = " and ".join(folder.name for folder in options.folders)
    where = " on tables" if options.tables else ""
    return f"{folders}, photographed{where}" if options.photographs else folders
