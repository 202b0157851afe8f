"""Charts of the figures of an evaluation: confusion matrix, receiver operating characteristic and
metrics of each class.

Draws both kinds of figures, of recognition and of verification.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from archive_scripts.evaluation.figures import Figures

DPI = 100
"""Resolution of the charts, in pixels per inch."""

_RIGHT, _WRONG, _LINE, _MUTED = "#1f5fa8", "#b3261e", "#14365f", "#6b7280"
_PALE = LinearSegmentedColormap.from_list("right", ["#ffffff", "#1f5fa8"])
_PALE_WRONG = LinearSegmentedColormap.from_list("wrong", ["#fbe3df", "#b3261e"])


def confusion_matrix(figures: Figures) -> Figure:
    """Counts pictures by true class (row) and predicted class (column).

    Hits are blue, mistakes red; a darker cell is a larger share of its row.
    """
    matrix = np.array(figures["confusion"])
    names = [f"{row['class']} {row['name']}" for row in figures["per_class"]]
    count = len(names)
    side = 4 + 0.28 * count
    figure = Figure(figsize=(side, side), layout="constrained")
    axes = figure.add_subplot()
    share = matrix / matrix.sum(axis=1, keepdims=True).clip(min=1)
    hit = np.eye(count, dtype=bool)
    for shown, colours in ((hit, _PALE), (~hit, _PALE_WRONG)):
        axes.imshow(np.ma.masked_where(~shown | (matrix == 0), share), cmap=colours, vmin=0, vmax=1)
    size = 8 if count > 20 else 11
    for row, column in np.argwhere(matrix).tolist():
        colour = "white" if share[row, column] > 0.5 else "black"
        axes.text(
            column, row, str(matrix[row, column]), ha="center", va="center", c=colour, size=size
        )
    axes.set_xticks(range(count), names, rotation=90, size=size + 1)
    axes.set_yticks(range(count), names, size=size + 1)
    axes.set_xticks(np.arange(count + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(count + 1) - 0.5, minor=True)
    axes.grid(which="minor", color="#e5e7eb", linewidth=0.6)
    # A mistake in the middle of many classes is far from the names at the lower left.
    axes.tick_params(which="both", length=0, labeltop=count > 40, labelright=count > 40)
    verifies = figures["kind"] == "verification"
    axes.set(xlabel="nearest reference" if verifies else "read as", ylabel="written")
    hits = int(np.trace(matrix))
    axes.set_title(_title(figures, f"{hits:,} of {figures['pictures']:,} pictures right"))
    return figure


def roc_curve(figures: Figures) -> Figure:
    """True positive rate by false positive rate.

    For recognition: each class against the rest, and their average. For verification: pairs of the
    same character against pairs of different ones.
    """
    figure = Figure(figsize=(14, 7), layout="constrained")
    whole, corner = figure.subplots(1, 2)
    curves = figures["roc"]
    for axes in (whole, corner):
        if figures["kind"] == "verification":
            curve = curves["verification"]
            label = _curve_label("all pairs", curve)
            _draw_curve(axes, curve, color=_LINE, linewidth=2.5, label=label)
            axes.set(xlabel="different called same", ylabel="same called same")
        else:
            _draw_classes(axes, curves)
            axes.set(xlabel="false positive rate", ylabel="true positive rate")
        axes.grid(color="#e5e7eb")
    whole.plot((0, 1), (0, 1), color=_MUTED, linestyle="dashed", linewidth=1, label="chance")
    whole.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01), aspect="equal")
    whole.legend(loc="lower right", fontsize=10)
    whole.set_title(_title(figures, f"{figures['pictures']:,} pictures"))
    # Good models differ only in the upper left corner.
    corner.set_xscale("log")
    lowest = min(
        line.get_ydata()[np.asarray(line.get_xdata()) >= _MIN_RATE].min() for line in corner.lines
    )
    corner.set(xlim=(_MIN_RATE, 1), ylim=(min(0.95, np.floor(lowest * 20) / 20), 1.002))
    corner.set_title("the same, rare false alarms enlarged")
    return figure


_MIN_RATE = 1e-4
"""Lowest false positive rate of the enlarged chart."""
_NAMED_CLASSES = 5
"""The classes with the smallest areas have their own colour and label."""


def _draw_classes(axes: Axes, curves: dict[str, Any]) -> None:
    ranked = sorted(
        (curve for curve in curves["classes"] if curve["points"]), key=lambda curve: curve["auc"]
    )
    weakest = [curve for curve in ranked[:_NAMED_CLASSES] if curve["auc"] < 1]
    for curve in ranked[len(weakest) :]:
        _draw_curve(axes, curve, color="#c5cbd5", linewidth=0.8)
    for number, curve in enumerate(weakest):
        label = _curve_label(f"{curve['class']} {curve['name']}", curve)
        _draw_curve(axes, curve, color=f"C{number + 1}", linewidth=1.5, label=label)
    if curves["macro"]["points"]:
        label = _curve_label("average of the classes", curves["macro"])
        _draw_curve(axes, curves["macro"], color=_LINE, linewidth=2.5, label=label)


def _draw_curve(axes: Axes, curve: dict[str, Any], **style: Any) -> None:
    false, true = np.array(curve["points"]).T
    # A logarithmic axis has no zero: start the curve just left of its range.
    axes.plot(false.clip(min=_MIN_RATE / 2), true, **style)


def _curve_label(name: str, curve: dict[str, Any]) -> str:
    return f"{name}: area {curve['auc']:.4f}"


def metrics(figures: Figures) -> Figure:
    """Metrics of each class.

    For recognition: precision, recall and F1, and the calibration. For verification: shares of
    right answers, and the distances of the pairs.
    """
    verifies = figures["kind"] == "verification"
    columns = ("same", "different") if verifies else ("precision", "recall", "f1")
    rows = figures["per_class"]
    height = 2 + 0.30 * len(rows)
    figure = Figure(figsize=(14, max(6.5, height)), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(3, 2))
    places = np.arange(len(rows))
    left.set(xlim=(0, 1), ylim=(len(rows) - 0.4, -0.6), xlabel="share")
    thickness = 0.8 / len(columns)
    for number, (column, colour) in enumerate(zip(columns, _BARS, strict=False)):
        values = [np.nan if row[column] is None else row[column] for row in rows]
        offset = (number - (len(columns) - 1) / 2) * thickness
        label = _COLUMNS.get(column, column)
        left.barh(places + offset, values, thickness, color=colour, label=label)
        for place, value in zip(places, values, strict=True):
            text = "" if np.isnan(value) else f"{value:.3f}"
            left.text(1.02 + 0.08 * number, place, text, size=8, va="center", color=colour)
    names = [f"{row['class']} {row['name']} ({row['pictures']:,})" for row in rows]
    left.set_yticks(places, names, size=9)
    left.grid(axis="x", color="#e5e7eb")
    left.set_axisbelow(True)
    figure.legend(loc="outside lower left", ncols=len(columns), frameon=False)
    if verifies:
        _draw_distances(right, figures)
        summary = f"accuracy {figures['accuracy']:.3f} at a distance of {figures['threshold']}"
    else:
        _draw_calibration(right, figures)
        summary = f"top-1 {figures['top1']:.4f}, top-3 {figures['top3']:.4f}"
    left.set_title(_title(figures, summary))
    return figure


_BARS = ("#14365f", "#3f8fd0", "#b97a10")
_COLUMNS = {"same": "same called same", "different": "different called different", "f1": "F1"}


def _draw_calibration(axes: Axes, figures: Figures) -> None:
    bins = figures["calibration"]
    width = 1 / len(bins)
    starts = [interval["from"] for interval in bins]
    hits = [interval["hits"] for interval in bins]
    axes.bar(starts, hits, width, align="edge", color=_RIGHT, edgecolor="white")
    axes.plot((0, 1), (0, 1), color=_MUTED, linestyle="dashed")
    for interval in bins:
        axes.annotate(
            f"{interval['pictures']:,}",
            (interval["from"] + width / 2, interval["hits"]),
            (0, 3),
            textcoords="offset points",
            ha="center",
            size=9,
        )
    axes.set(xlabel="confidence (pictures above each bar)", ylabel="share of hits", aspect="equal")
    axes.set(xlim=(0, 1), ylim=(0, 1.05), anchor="N")
    axes.set_title(f"expected calibration error {figures['expected_calibration_error']:.4f}")


def _draw_distances(axes: Axes, figures: Figures) -> None:
    distances = figures["distances"]
    edges = np.array(distances["edges"])
    for name, colour in (("same", _RIGHT), ("different", "#e0a030")):
        counts = np.array(distances[name])
        axes.stairs(
            counts / max(1, counts.sum()), edges, fill=True, alpha=0.6, color=colour, label=name
        )
    axes.axvline(figures["threshold"], color="black", linestyle="dashed", label="threshold")
    axes.set(xlabel="distance", ylabel="share of the pairs")
    axes.set_xlim(0, float(edges[-1]))
    axes.legend()
    axes.set_title(f"area under the curve {figures['area_under_curve']:.4f}")


def _title(figures: Figures, text: str) -> str:
    if "model" not in figures:
        return text
    return f"{figures['model']} {figures['version']}: {text}"


CHARTS: dict[str, Callable[[Figures], Figure]] = {
    "confusion-matrix": confusion_matrix,
    "roc-curve": roc_curve,
    "metrics": metrics,
}
"""Draws each chart, by name."""
