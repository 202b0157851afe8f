"""`chart confusion-matrix`, `roc-curve` and `metrics`: pictures of the figures of an evaluation."""

from __future__ import annotations

import argparse
from pathlib import Path

from archive_scripts.commands import Commands
from archive_scripts.commands.answers import add_json, answer

_CHARTS = {
    "confusion-matrix": "what each class was taken for",
    "roc-curve": "false alarms that each share of hits costs",
    "metrics": "what each class is worth, and calibration or distances",
}


def add_to(commands: Commands) -> None:
    """Declares the command and one of its own for each chart."""
    charts = commands.add_parser("chart", help="draw the figures of an evaluation").add_subparsers(
        dest="chart", required=True
    )
    for name, summary in _CHARTS.items():
        parser = charts.add_parser(name, help=summary, description=f"Draw {summary}.")
        parser.add_argument(
            "figures", type=Path, help="JSON that evaluate or improve wrote: weights/digits.json"
        )
        parser.add_argument("output", type=Path, help="the picture, by its ending: chart.png")
        add_json(parser)
        parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> None:
    from archive_scripts.evaluation.charts import CHARTS, DPI
    from archive_scripts.evaluation.figures import read_figures

    CHARTS[options.chart](read_figures(options.figures)).savefig(options.output, dpi=DPI)
    answer(options, {"written": str(options.output)}, f"wrote {options.output}")
