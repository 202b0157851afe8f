"""Makes the web font of the page: Nithya Ranjana with Devanagari only."""

from __future__ import annotations

from pathlib import Path

from archive_scripts.letterforms.font_subsets import open_font, subset_options, write_subset

# Letters, signs, digits and dandas; the space; and the joiners, by which a writer chooses between a
# conjunct and its letters.
_CODE_POINTS = (*range(0x0900, 0x0980), 0x0020, 0x200C, 0x200D)
# Optional features are left out: alternate letters, and the vertical forms of monograms.
_OPTIONAL_FEATURES = frozenset({"aalt", "salt", "ss01", "ss02", "ss03", "ss04"})


def write_web_font(font: Path, output: Path) -> None:
    """Writes the subset of `font` as WOFF2: without hints, with all conjuncts.

    Raises `OSError` if `font` cannot be read, and `ValueError` if it is no font.
    """
    options = subset_options()
    options.flavor = "woff2"
    options.desubroutinize = True  # larger before compression, smaller after it
    whole = open_font(font, options)
    features = {
        record.FeatureTag
        for name in ("GSUB", "GPOS")
        for record in whole[name].table.FeatureList.FeatureRecord
    }
    options.layout_features = sorted(features - _OPTIONAL_FEATURES)
    write_subset(whole, output, options, _CODE_POINTS)
