"""Reports of evaluations: text, tables, JSON and charts."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from archive_scripts.evaluation.figures import Figures, write_figures
from archive_scripts.evaluation.negatives import NegativeEvaluation
from archive_scripts.evaluation.recognition import Evaluation
from archive_scripts.evaluation.verification import Verification


def recognition_lines(name: str, evaluation: Evaluation) -> str:
    """The figures in one line, then one line per mistake."""
    names = [character.name for character in evaluation.characters]
    lines = [recognition_summary(name, evaluation)]
    for true, predicted in evaluation.mistakes():
        read = "refused" if predicted < 0 else f"read as {names[predicted]}"
        lines.append(f"  {names[true]} ({true}) {read}")
    return "\n".join(lines)


def recognition_summary(name: str, evaluation: Evaluation) -> str:
    """The figures in one line."""
    return (
        f"{name}: {len(evaluation.labels)} pictures, top-1 {evaluation.top(1):.4f}, "
        f"top-3 {evaluation.top(3):.4f}, "
        f"expected calibration error {evaluation.calibration_error():.4f}"
    )


def recognition_rows(figures: Figures) -> list[tuple[str, str]]:
    """The figures as rows of a table."""
    return [
        ("pictures", f"{figures['pictures']:,}"),
        ("top-1", f"{figures['top1']:.4f}"),
        ("top-3", f"{figures['top3']:.4f}"),
        ("calibration error", f"{figures['expected_calibration_error']:.4f}"),
    ]


def mistake_rows(evaluation: Evaluation) -> list[tuple[str, str]]:
    """Every mistake and how often it occurred, as rows of a table."""
    names = [f"{character.name} ({character.index})" for character in evaluation.characters]
    return [
        (f"{names[true]} {'refused' if read < 0 else 'read as ' + names[read]}", str(times))
        for (true, read), times in Counter(evaluation.mistakes()).most_common()
    ]


def verification_rows(figures: Figures) -> list[tuple[str, str]]:
    """The figures of the similarity model, as rows of a table."""
    return [
        ("pictures", f"{figures['pictures']:,}"),
        ("right at the threshold", f"{figures['accuracy']:.4f}"),
        ("same called same", f"{figures['same']:.4f}"),
        ("different called different", f"{figures['different']:.4f}"),
        ("area under the curve", f"{figures['area_under_curve']:.4f}"),
        ("best threshold", f"{figures['best_threshold']:.3f}"),
    ]


def negative_line(name: str, evaluation: NegativeEvaluation) -> str:
    """The figures on pictures that show no character, in one line."""
    pictures = evaluation.refused + len(evaluation.confidences)
    above = ", ".join(
        f"{evaluation.share_above(share):.3f} above {share:.0%}" for share in (0.5, 0.8)
    )
    return f"{name}: {pictures} pictures, {evaluation.refused} refused, {above}"


def verification_lines(name: str, verification: Verification) -> str:
    """The figures of the similarity model, in one line."""
    return (
        f"{name}: {len(verification.labels)} pictures against all references, "
        f"right at the threshold {verification.accuracy():.3f} "
        f"(same {verification.same():.3f}, different {verification.different():.3f}), "
        f"area under the curve {verification.area():.4f}, "
        f"best threshold {verification.best_threshold():.3f}"
    )


def save_report(figures: Figures, path: Path) -> None:
    """Writes the figures to `path`.json and every chart to `path`-CHART.png."""
    # Matplotlib takes a second to import, and most evaluations are without charts.
    from archive_scripts.evaluation.charts import CHARTS, DPI

    write_figures(figures, path.with_name(f"{path.name}.json"))
    for name, draw in CHARTS.items():
        draw(figures).savefig(path.with_name(f"{path.name}-{name}.png"), dpi=DPI)
