"""What worksheets are drawn with: small fonts, and the table of marks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from fontTools.ttLib import TTFont
from PIL import Image

from archive_scripts.__main__ import main
from archive_scripts.archives.building import ROOT
from archive_scripts.letterforms.references import draw_references
from handlers.characters import CHARACTERS
from tests.support.pictures import reference

FILES = ROOT / "auth_api/worksheets/files"
RANJANA, TEXT = FILES / "nithya-ranjana.otf", FILES / "noto-sans-devanagari.ttf"


def test_the_fonts_have_what_is_printed(tmp_path: Path) -> None:
    assert RANJANA.stat().st_size < 20_000
    draw_references(RANJANA, tmp_path)
    for character in CHARACTERS:
        picture = np.asarray(Image.open(tmp_path / f"class_{character.index}.png"), float)
        assert np.abs(picture - reference(character.index)).mean() < 1, character.name
    text = TTFont(TEXT)
    assert set(text.getBestCmap()) >= {ord(each) for each in "Az09/.,°अहािँं०९।"}
    assert "fvar" not in text
    for font in (RANJANA, TEXT):
        assert "SIL Open Font License" in TTFont(font)["name"].getDebugName(13)
        [licence] = FILES.glob(f"OFL-{font.stem}.txt")
        assert "SIL OPEN FONT LICENSE" in licence.read_text().upper()


def test_the_command_makes_the_committed_files(shared_data: Path, tmp_path: Path) -> None:
    font = shared_data / "fonts" / "NithyaRanjanaDU-Regular.otf"
    assert main(["worksheet-files", str(font), str(TEXT), "--output", str(tmp_path)]) == 0
    assert (tmp_path / "marks.txt").read_bytes() == (FILES / "marks.txt").read_bytes()
    for file in (RANJANA, TEXT):
        there, here = TTFont(file), TTFont(tmp_path / file.name)
        assert there.getGlyphOrder() == here.getGlyphOrder()
        assert there.getBestCmap() == here.getBestCmap()


def test_what_is_no_font_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    none, output = tmp_path / "none.otf", tmp_path / "made"
    none.write_text("no font")
    assert main(["worksheet-files", str(none), str(TEXT), "--output", str(output)]) == 1
    assert "is no font" in capsys.readouterr().err
    assert not list(output.iterdir())
