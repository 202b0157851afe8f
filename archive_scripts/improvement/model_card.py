"""Model cards (Markdown) of weights that were trained on demand."""

from __future__ import annotations

import datetime as dt
import re
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from archive_scripts.archives.building import ArchiveRecipe
from archive_scripts.archives.checksums import sha256
from archive_scripts.evaluation.figures import Figures
from archive_scripts.improvement.specification import Parameters, Specification
from archive_scripts.improvement.split import PictureSplit
from archive_scripts.improvement.validation import Validator, summary
from archive_scripts.training.networks import Weights

_LIMITS = {
    "recognition": "* Words, lines and joined characters may be read as one of the 62 characters.",
    "similarity": "* A distance says which character it is, not how well it is written.",
    "digits": "* A picture that shows no digit may be read as one: look at the confidence.",
}


def evaluation_data(validator: Validator) -> str:
    """A sentence that names the evaluation data."""
    parts = []
    if validator.real.images:
        real = _count(len(validator.real.images), "labelled picture")
        parts.append(f"{real} held out of training")
    if validator.synthetic.images:
        synthetic = _count(len(validator.synthetic.images), "photograph")
        parts.append(f"{synthetic} of synthetic handwriting that no training draws")
    return f"On {' and '.join(parts)}: this training never saw any of them."


def version_of(start: Path, recipe: ArchiveRecipe) -> str:
    """The model and version of the initial weights, or their file name."""
    if start.resolve() == recipe.weights.resolve():
        return f"{recipe.name} {recipe.version}"
    match = re.fullmatch(r"([a-z]+)-(.+)", start.stem)
    return f"{match[1]} {match[2]}" if match else start.name


@dataclass(frozen=True)
class Outcome:
    """The result of a training."""

    parameters: Parameters
    weights: Weights
    calibrated: str
    """How the temperature or scale was found; completes the sentence "The temperature ..."."""
    start: str | None
    """The version of the initial weights."""
    before: Figures | None
    """The figures of the initial weights, if they are of the same model."""
    after: Figures


def model_card(
    specification: Specification, pictures: PictureSplit, validator: Validator, outcome: Outcome
) -> str:
    """The model card of a training."""
    weights = outcome.weights
    calibration = "scale" if validator.handler == "similarity" else "temperature"
    start = "random weights"
    if specification.start is not None:
        start = f"{outcome.start} (SHA-256 {sha256(specification.start)[:12]})"
    job = f", training {specification.job}" if specification.job is not None else ""
    today = dt.datetime.now(dt.UTC).date()
    introduction = (
        f"Trained on demand on {today}{job}. Network `{weights.network}`, started from {start}. "
        "The card of version 1.0 describes the model and its purpose."
    )
    figures = (
        f"{evaluation_data(validator)} The {calibration}, {getattr(weights, calibration)}, "
        f"{outcome.calibrated}. All pictures were preprocessed. `evaluation.json` has every figure."
    )
    tuning = ""
    if specification.mode == "tune":
        chosen = (
            f"The best of {specification.trials} trials, chosen by its accuracy on the pictures of "
            "the figures below. On other pictures the figures would be a little lower."
        )
        tuning = f"\n{_paragraph(chosen)}\n"
    return f"""# Model card: {specification.model} {specification.version}

{_paragraph(introduction)}

## Training

{_material(specification, pictures)}
{tuning}
| | |
|---|---|
{_table(outcome.parameters)}
## Figures

{_paragraph(figures)}

| | before | after |
|---|---|---|
{_comparison(outcome.before, outcome.after)}
## Known limits

{_limits(validator, outcome.start)}"""


def _paragraph(text: str) -> str:
    return textwrap.fill(text, 98, break_on_hyphens=False)


def _material(specification: Specification, pictures: PictureSplit) -> str:
    lines = []
    if specification.synthesis:
        lines.append("* synthetic handwriting: described letterforms, in other writers' styles")
    if specification.model == "digits":
        lines.append("* letters, signs and scribbles, which are no digits")
    if pictures.labelled:
        lines.append(f"* {_count(pictures.labelled, 'labelled picture')}")
    if pictures.corrections:
        lines.append(f"* {_count(pictures.corrections, 'correction')} by users who agreed to it")
    if pictures.held_out:
        held_out = len(pictures.held_out)
        lines.append(f"\nOf these pictures {held_out:,} were held out, by a hash of their content.")
    return "\n".join(lines)


def _table(parameters: Parameters) -> str:
    rows = parameters.model_dump().items()
    return "".join(f"| {name.replace('_', ' ')} | {value:g} |\n" for name, value in rows)


def _comparison(before: Figures | None, after: Figures) -> str:
    old: dict[str, Any] = summary(before) if before else {}
    rows = (
        f"| {name.replace('_', ' ')} | {old.get(name, '-')} | {value} |\n"
        for name, value in summary(after).items()
    )
    return "".join(rows)


def _limits(validator: Validator, start: str | None) -> str:
    lines = [_LIMITS[validator.handler]]
    if start is not None:
        lines.append(f"* The training data of {start} are on its own card.")
    if len(validator.real.images) < 100:
        real = _count(len(validator.real.images), "real picture")
        lines.append(f"* {real} held out: a difference of a few hundredths is not significant.")
    lines.append("* Trained with one seed only.")
    return "\n".join(lines) + "\n"


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}" + ("" if number == 1 else "s")
