"""The words on a worksheet, in English and in Nepali."""

from __future__ import annotations

from dataclasses import dataclass

_DIGITS = str.maketrans("0123456789", "०१२३४५६७८९")


@dataclass(frozen=True)
class Labels:
    """The texts of one language."""

    language: str
    title: str
    name: str
    date: str
    advice: tuple[str, str]
    """How to photograph a sheet, in two lines."""
    nib: str
    latin_names: bool
    """Whether readers need the names of characters in Latin letters."""

    def page(self, number: int, pages: int) -> str:
        """The number of a page."""
        text = f"{number} / {pages}"
        return text.translate(_DIGITS) if self.language == "ne" else text


LABELS = {
    labels.language: labels
    for labels in (
        Labels(
            language="en",
            title="Ranjana worksheet",
            name="Name",
            date="Date",
            advice=(
                "Write with a dark pen. Then photograph the whole sheet,",
                "with all four corners.",
            ),
            nib="Hold the edge of the nib at 34°.",
            latin_names=True,
        ),
        Labels(
            language="ne",
            title="रञ्जना अभ्यास पाना",
            name="नाम",
            date="मिति",
            advice=("गाढा मसीले लेख्नुहोस्। त्यसपछि चारै कुना देखिने गरी", "पूरै पानाको फोटो खिच्नुहोस्।"),
            nib="कलमको टुप्पोको धार ३४° मा राख्नुहोस्।",
            latin_names=False,
        ),
    )
}
"""By language."""
