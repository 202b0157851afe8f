"""What people should know of weights that were trained on demand, in Markdown."""

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
from archive_scripts.improvement.judging import Judge, summary
from archive_scripts.improvement.pictures import Pictures
from archive_scripts.improvement.specification import Parameters, Specification
from archive_scripts.training.networks import Weights

_LIMITS = {
    "recognition": "* Vowels, digits, words and lines are read as one of the 36 characters.",
    "similarity": "* A distance says which character it is, not how well it is written.",
    "digits": "* What is no digit is called one.",
}


def measured_on(judge: Judge) -> str:
    """What the figures are of, in a sentence."""
    parts = []
    if judge.real.inks:
        parts.append(f"{_count(len(judge.real.inks), 'labelled picture')} held out of training")
    if judge.synthetic.inks:
        synthetic = _count(len(judge.synthetic.inks), "photograph")
        parts.append(f"{synthetic} of synthetic handwriting that no training draws")
    return f"On {' and '.join(parts)}: this training never saw any of them."


def version_of(start: Path, recipe: ArchiveRecipe) -> str:
    """The version of the weights that a training starts from, or their file's name."""
    if start.resolve() == recipe.weights.resolve():
        return f"{recipe.name} {recipe.version}"
    named = re.fullmatch(r"([a-z]+)-(.+)", start.stem)
    return f"{named[1]} {named[2]}" if named else start.name


@dataclass(frozen=True)
class Outcome:
    """What came of a training."""

    parameters: Parameters
    weights: Weights
    calibrated: str
    """How `weights` were, after "the temperature"."""
    start: str | None
    """The version of what it started from."""
    before: Figures | None
    """The figures of that, where it is of the same model."""
    after: Figures


def card(specification: Specification, pictures: Pictures, judge: Judge, outcome: Outcome) -> str:
    """The whole card."""
    wanted, weights = specification, outcome.weights
    calibration = "scale" if judge.handler == "similarity" else "temperature"
    begun = "random weights"
    if wanted.start is not None:
        begun = f"{outcome.start} (SHA-256 {sha256(wanted.start)[:12]})"
    by = f", training {wanted.job}" if wanted.job is not None else ""
    today = dt.datetime.now(dt.timezone.utc).date()
    of = (
        f"Trained on demand on {today}{by}. Network `{weights.network}`, started from {begun}. "
        "What the model is and what it is meant for is on the card of version 1.0."
    )
    figures = (
        f"{measured_on(judge)} The {calibration}, {getattr(weights, calibration)}, "
        f"{outcome.calibrated}. All pictures went through the whole preprocessing. "
        "Every figure is in `evaluation.json`."
    )
    tuned = ""
    if wanted.mode == "tune":
        chosen = (
            f"The best of {wanted.trials} trials, chosen by its accuracy on the pictures that the "
            "figures below are of: they are a little better than strangers would find."
        )
        tuned = f"\n{_paragraph(chosen)}\n"
    return f"""# Model card: {wanted.model} {wanted.version}

{_paragraph(of)}

## Training

{_material(wanted, pictures)}
{tuned}
| | |
|---|---|
{_table(outcome.parameters)}
## Figures

{_paragraph(figures)}

| | before | after |
|---|---|---|
{_compared(outcome.before, outcome.after)}
## Known limits

{_limits(judge, outcome.start)}"""


def _paragraph(text: str) -> str:
    return textwrap.fill(text, 98, break_on_hyphens=False)


def _material(specification: Specification, pictures: Pictures) -> str:
    lines = []
    if specification.synthesis:
        lines.append("* synthetic handwriting: described letterforms, written by other hands")
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


def _compared(before: Figures | None, after: Figures) -> str:
    old: dict[str, Any] = summary(before) if before else {}
    rows = (
        f"| {name.replace('_', ' ')} | {old.get(name, '-')} | {value} |\n"
        for name, value in summary(after).items()
    )
    return "".join(rows)


def _limits(judge: Judge, start: str | None) -> str:
    lines = [_LIMITS[judge.handler]]
    if start is not None:
        lines.append(f"* What {start} itself was trained on is on its card, not here.")
    if len(judge.real.inks) < 100:
        real = _count(len(judge.real.inks), "real picture")
        lines.append(f"* {real} held out: a difference of a few hundredths means nothing.")
    lines.append("* One seed.")
    return "\n".join(lines) + "\n"


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}" + ("" if number == 1 else "s")
