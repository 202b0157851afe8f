"""The chart of `docs/performance.md`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.load import Load, percentile

Curve = dict[int, float]
"""Answers per second by number of callers."""

# Distinguishable with colour blindness (Okabe and Ito 2008).
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")


def plot(
    path: Path,
    curves: Mapping[str, Curve],
    offered: Mapping[str, Mapping[float, Load]],
    peak: float,
) -> None:
    """Draws answers by callers, and answers and refusals by offered load.

    The offered load is in shares of `peak`, in answers per second.
    """
    matplotlib.use("Agg")
    figure = Figure(figsize=(13, 4.2), layout="constrained")
    callers, goodput, waiting = figure.subplots(1, 3)
    colours = dict(zip(curves, _COLOURS, strict=False))
    for name, curve in curves.items():
        callers.plot(list(curve), list(curve.values()), marker="o", ms=3, color=colours[name])
        last = max(curve)
        callers.annotate(
            name, (last, curve[last]), (5, 0), textcoords="offset points", fontsize=8,
            color=colours[name], va="center",
        )  # fmt: skip
    callers.set_xscale("log", base=2)
    callers.set_xlim(1, 2 * max(max(curve) for curve in curves.values()))
    _label(callers, "callers, each waiting for its answer", "answers a second")
    for name, loads in offered.items():
        shares = list(loads)
        answers = [load.throughput for load in loads.values()]
        goodput.plot(shares, answers, marker="o", ms=3, color=colours[name], label=name)
        waiting.plot(
            shares, [load.percentile(0.99) for load in loads.values()],
            marker="o", ms=3, color=colours[name], label=f"{name}: answers",
        )  # fmt: skip
        waiting.plot(
            shares, [percentile(load.refusals, 0.99) for load in loads.values()],
            marker="x", ls="--", ms=4, color=colours[name], label=f"{name}: refusals",
        )  # fmt: skip
    goodput.axhline(peak, color="#999999", lw=0.8, ls=":")
    waiting.set_yscale("log")
    _label(goodput, "offered, in shares of the peak", "answers a second")
    _label(waiting, "offered, in shares of the peak", "99 % within, milliseconds")
    goodput.legend(fontsize=8, frameon=False)
    waiting.legend(fontsize=8, frameon=False)
    figure.savefig(path, dpi=110)


def _label(axes: Axes, x: str, y: str) -> None:
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.set_ylim(bottom=0 if axes.get_yscale() == "linear" else None)
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
