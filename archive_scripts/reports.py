"""What evaluations found, for people: a few lines of text, JSON and pictures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

from archive_scripts.evaluation import BINS, Evaluation, ImpostorEvaluation
from archive_scripts.verification import Verification

mpl.use("Agg")


def recognition_lines(name: str, evaluation: Evaluation) -> str:
    """The figures in a few lines of text, with every mistake."""
    names = [character.name for character in evaluation.characters]
    lines = [recognition_summary(name, evaluation)]
    for true, predicted in evaluation.mistakes():
        read = "refused" if predicted < 0 else f"read as {names[predicted]}"
        lines.append(f"  {names[true]} ({true}) {read}")
    return "\n".join(lines)


def recognition_summary(name: str, evaluation: Evaluation) -> str:
    """The figures in a line."""
    return (
        f"{name}: {len(evaluation.labels)} pictures, top-1 {evaluation.top(1):.4f}, "
        f"top-3 {evaluation.top(3):.4f}, "
        f"expected calibration error {evaluation.calibration_error():.4f}"
    )


def impostor_line(name: str, evaluation: ImpostorEvaluation) -> str:
    """How sure the recogniser is of what is no character."""
    pictures = evaluation.refused + len(evaluation.confidences)
    above = ", ".join(
        f"{evaluation.share_above(share):.3f} above {share:.0%}" for share in (0.5, 0.8)
    )
    return f"{name}: {pictures} pictures, {evaluation.refused} refused, {above}"


def verification_lines(name: str, verification: Verification) -> str:
    """The same for same and different."""
    return (
        f"{name}: {len(verification.labels)} pictures against all references, "
        f"right at the threshold {verification.accuracy():.3f} "
        f"(same {verification.same():.3f}, different {verification.different():.3f}), "
        f"area under the curve {verification.area():.4f}, "
        f"best threshold {verification.best_threshold():.3f}"
    )


def save(figures: dict[str, Any], picture: Figure, path: Path) -> None:
    """Writes `path`.json and `path`.png."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.with_suffix(".json").write_text(json.dumps(figures, indent=1) + "\n")
    picture.savefig(path.with_suffix(".png"), dpi=90)


def draw_recognition(name: str, evaluation: Evaluation) -> Figure:
    """The confusion matrix, and confidence beside the share of hits."""
    figure = Figure(figsize=(15, 9), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(2, 1))
    matrix = evaluation.confusion()
    left.imshow(matrix / matrix.sum(axis=1, keepdims=True).clip(min=1), cmap="Blues", vmax=1)
    for row, column in zip(*matrix.nonzero(), strict=True):
        colour = "white" if row == column else "firebrick"
        left.text(column, row, str(matrix[row, column]), ha="center", va="center", c=colour, size=7)
    names = [f"{character.index} {character.name}" for character in evaluation.characters]
    left.set_xticks(range(len(names)), names, rotation=90, size=7)
    left.set_yticks(range(len(names)), names, size=7)
    left.set(xlabel="read as", ylabel="written", title=f"{name}: top-1 {evaluation.top(1):.3f}")
    bins = evaluation.calibration()
    starts = [interval["from"] for interval in bins]
    right.bar(
        starts, [interval["hits"] for interval in bins], 1 / BINS, align="edge", edgecolor="white"
    )
    right.plot((0, 1), (0, 1), color="grey", linestyle="dashed")
    for interval in bins:
        right.text(interval["from"] + 0.05, 0.01, str(interval["pictures"]), ha="center", size=7)
    error = evaluation.calibration_error()
    right.set(xlabel="confidence", ylabel="share of hits", xlim=(0, 1), ylim=(0, 1))
    right.set(title=f"expected calibration error {error:.3f}", aspect="equal")
    return figure


def draw_verification(name: str, verification: Verification) -> Figure:
    """Distances of same and different pairs, and the receiver operating characteristic."""
    figure = Figure(figsize=(13, 6), layout="constrained")
    left, right = figure.subplots(1, 2)
    same, different = verification.pairs()
    for distances, label in ((same, "same"), (different, "different")):
        left.hist(distances, bins=50, range=(0, 1.8), density=True, alpha=0.6, label=label)
    left.axvline(verification.threshold, color="black", linestyle="dashed")
    left.set(xlabel="distance", ylabel="density", title=f"{name}: {len(same)} same pairs")
    left.legend()
    false, true = verification.curve()
    right.plot(false, true)
    right.set(xlabel="different called same", ylabel="same called same", xlim=(-0.01, 0.3))
    right.set(title=f"area under the curve {verification.area():.4f}", ylim=(0.7, 1.005))
    return figure
