"""The web font of the page: small, complete, and made from the whole font."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from fontTools.ttLib import TTFont
from PIL import Image, ImageDraw, ImageFont

from archive_scripts.__main__ import main
from archive_scripts.archives.building import ROOT
from archive_scripts.letterforms.references import draw_references
from handlers.characters import CHARACTERS
from tests.support.pictures import reference

WEB_FONT = ROOT / "auth_api/web/fonts/nithya-ranjana.woff2"


def unpacked(packed: Path, folder: Path) -> Path:
    """The font as a file that Pillow reads."""
    font = TTFont(packed)
    font.flavor = None
    font.save(folder / "font.otf")
    return folder / "font.otf"


def drawn(font: Path, text: str) -> Image.Image:
    """A text, black on white, 200 pixels to the em."""
    face = ImageFont.truetype(str(font), 200, layout_engine=ImageFont.Layout.RAQM)
    picture = Image.new("L", (2400, 600), 255)
    ImageDraw.Draw(picture).text((200, 200), text, font=face, fill=0)
    return picture


def test_the_committed_font_has_all_characters_and_conjuncts(tmp_path: Path) -> None:
    assert WEB_FONT.read_bytes()[:4] == b"wOF2"
    assert WEB_FONT.stat().st_size < 150_000
    font = TTFont(WEB_FONT)
    points = set(font.getBestCmap())
    assert points >= {ord(each) for character in CHARACTERS for each in character.text}
    assert points >= {ord(each) for each in " ािीुूृेैोौंःँ्।॥\u200c\u200d"}
    assert all(0x0900 <= each < 0x0980 or each in (0x20, 0x200C, 0x200D) for each in points)
    assert "SIL Open Font License" in font["name"].getDebugName(13)
    # All 62 look as in their reference pictures, the conjuncts of the alphabet too.
    draw_references(unpacked(WEB_FONT, tmp_path), tmp_path)
    for character in CHARACTERS:
        picture = np.asarray(Image.open(tmp_path / f"class_{character.index}.png"), float)
        assert np.abs(picture - reference(character.index)).mean() < 1, character.name


def test_the_command_makes_the_committed_font(shared_data: Path, tmp_path: Path) -> None:
    font, made = shared_data / "fonts" / "NithyaRanjanaDU-Regular.otf", tmp_path / "made.woff2"
    assert main(["web-font", str(font), "--output", str(made)]) == 0
    there, here = TTFont(WEB_FONT), TTFont(made)
    assert there.getGlyphOrder() == here.getGlyphOrder()
    assert there.getBestCmap() == here.getBestCmap()
    for tag in ("CFF ", "GSUB", "GPOS"):
        assert there.getTableData(tag) == here.getTableData(tag)
    # A conjunct with signs looks as in the whole font.
    name = "श्रेष्ठ लक्ष्मी धर्म"
    assert drawn(unpacked(made, tmp_path), name) == drawn(font, name)


def test_what_is_no_font_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    none = tmp_path / "none.otf"
    none.write_text("no font")
    for path, reason in ((none, "is no font"), (tmp_path / "missing.otf", "No such file")):
        output = tmp_path / "made.woff2"
        assert main(["web-font", str(path), "--output", str(output)]) == 1
        assert reason in capsys.readouterr().err
        assert not output.exists()
