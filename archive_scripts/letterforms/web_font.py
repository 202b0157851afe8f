"""Makes the web font of the page: Nithya Ranjana with Devanagari only."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

from fontTools.subset import Options, Subsetter, load_font, save_font

# Letters, signs, digits and dandas; the space; and the joiners, by which a writer chooses between a
# conjunct and its letters.
_CODE_POINTS = (*range(0x0900, 0x0980), 0x0020, 0x200C, 0x200D)
# Optional features are left out: alternate letters, and the vertical forms of monograms.
_OPTIONAL_FEATURES = frozenset({"aalt", "salt", "ss01", "ss02", "ss03", "ss04"})


def write_web_font(font: Path, output: Path) -> None:
    """Writes the subset of `font` as WOFF2: without hints, with all conjuncts.

    Raises `OSError` if `font` cannot be read, and `fontTools.ttLib.TTLibError` if it is no font.
    """
    options = Options()
    options.flavor = "woff2"
    options.hinting = False
    options.desubroutinize = True  # larger before compression, smaller after it
    options.name_IDs = ["*"]  # copyright and licence stay
    subset = load_font(BytesIO(font.read_bytes()), options)
    features = {
        record.FeatureTag
        for name in ("GSUB", "GPOS")
        for record in subset[name].table.FeatureList.FeatureRecord
    }
    options.layout_features = sorted(features - _OPTIONAL_FEATURES)
    subsetter = Subsetter(options)
    subsetter.populate(unicodes=_CODE_POINTS)
    subsetter.subset(subset)
    output.parent.mkdir(parents=True, exist_ok=True)
    save_font(subset, output, options)
