"""`chart confusion-matrix`, `roc-curve` and `metrics`: draws the figures of an evaluation."""

from __future__ import annotations

import argparse
from pathlib import Path

from archive_scripts.commands import Commands
from archive_scripts.commands.output import add_json_option, print_result

_CHARTS = {
    "confusion-matrix": "the confusion matrix: true and predicted classes",
    "roc-curve": "the receiver operating characteristic",
    "metrics": "the metrics of each class, and calibration or distances",
}


def add_to(commands: Commands) -> None:
    """Declares the command and one subcommand per chart."""
    charts = commands.add_parser("chart", help="draw the figures of an evaluation").add_subparsers(
        dest="chart", required=True
    )
    for name, summary in _CHARTS.items():
        parser = charts.add_parser(name, help=summary, description=f"Draw {summary}.")
        parser.add_argument(
            "figures", type=Path, help="JSON from evaluate or improve, such as weights/digits.json"
        )
        parser.add_argument(
            "output", type=Path, help="the picture; its suffix decides the format: chart.png"
        )
        add_json_option(parser)
        parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> None:
    from archive_scripts.evaluation.charts import CHARTS, DPI
    from archive_scripts.evaluation.figures import read_figures

    CHARTS[options.chart](read_figures(options.figures)).savefig(options.output, dpi=DPI)
    print_result(options, {"written": str(options.output)}, f"wrote {options.output}")
