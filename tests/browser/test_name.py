"""Writing one's name: transliteration, letters traced on the font's shapes, and the picture."""

from __future__ import annotations

import io
import re
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from archive_scripts.archives.building import ROOT
from handlers.characters import CHARACTERS
from tests.browser.conftest import Visitor, check_view, draw, glyph_strokes
from tests.browser.test_practise import under_the_ink

NAMES = (
    "Ram राम, Sita सीता, Hari हरि, Krishna कृष्ण, Laxmi लक्ष्मी, Lakshmi लक्ष्मी, "
    "Bishnu विष्णु, Shiva शिव, Shrestha श्रेष्ठ, Gurung गुरुङ, Tamang तामाङ, Rai राई, "
    "Limbu लिम्बू, Magar मगर, Thapa थापा, Lama लामा, Karki कार्की, Joshi जोशी, "
    "Khatri खत्री, Basnet बस्नेत, Adhikari अधिकारी, Bhattarai भट्टराई, Sharma शर्मा, "
    "Acharya आचार्य, Shakya शाक्य, Maharjan महर्जन, Pradhan प्रधान, Yadav यादव, "
    "Gautam गौतम, Nepal नेपाल, Khanal खनाल, K.C. केसी, Gita गीता, Maya माया, Radha राधा, "
    "Puja पूजा, Uma उमा, Usha उषा, Asha आशा, Anita अनिता, Sunita सुनिता, Kamala कमला, "
    "Priya प्रिया, Saraswati सरस्वती, Parbati पार्वती, Gopal गोपाल, Prakash प्रकाश, "
    "Shyam श्याम, Ramesh रमेश, Rajesh राजेश, Rajendra राजेन्द्र, Narendra नरेन्द्र, "
    "Indra इन्द्र, Chandra चन्द्र, Ananda आनन्द, Sanjay सञ्जय, Anjana अञ्जना, "
    "Arjun अर्जुन, Ashok अशोक, Mangal मङ्गल, Gyanendra ज्ञानेन्द्र, Manju मञ्जु, "
    "Kripa कृपा, Gītā गीता, Nirmala निर्मला, Bahadur बहादुर, Kumari कुमारी"
)

_TRANSLITERATE = """async (names) => {
  const { toDevanagari } = await ranjana("modules/transliteration.js");
  return names.map(toDevanagari);
}"""
_LETTERS = """async (texts) => {
  const { parse } = await ranjana("views/name/letters.js");
  return texts.map(parse);
}"""
# How much of the shapes of texts is covered by strokes.
_COVERAGE = """async ([pen, drawn]) => {
  const { loadRanjanaFont } = await ranjana("modules/ranjana-font.js");
  const { coverage, shapeOf } = await ranjana("views/name/shapes.js");
  await loadRanjanaFont();
  return drawn.map(([text, strokes]) => coverage(shapeOf(text), { strokes, pen }));
}"""


def scribble(rows: int = 14) -> list[list[tuple[float, float]]]:
    """Strokes that cover all of the pad."""
    heights = [(row + 0.5) / rows for row in range(rows)]
    return [[(0.04, height), (0.96, height)] for height in heights]


def tile(page: Page, letter: str) -> Any:
    return page.locator(".letter", has_text=re.compile(f"^{letter}$"))


def test_common_names_are_transliterated(visitor: Visitor) -> None:
    page = visitor.open("/practise")
    pairs = [each.rsplit(" ", 1) for each in NAMES.split(", ")]
    assert len(pairs) > 60
    assert page.evaluate(_TRANSLITERATE, [latin for latin, _ in pairs]) == [own for _, own in pairs]
    other = {
        "SITA": "सीता",
        "Sita Rai 12": "सीता राई १२",
        "Anne-Marie": "अन्ने मरिए",
        "राम Thapa": "राम थापा",
        "42 😀": "४२ 😀",
        "": "",
    }
    assert page.evaluate(_TRANSLITERATE, list(other)) == list(other.values())
    # No letter of the alphabet is left over.
    words = ["".join(pair) for pair in zip("qwrtypsdfghjklzxcvbnm" * 5, "aeiou" * 21, strict=True)]
    assert not re.search("[a-z]|undefined", "".join(page.evaluate(_TRANSLITERATE, words)))


def test_a_name_is_read_as_its_letters(visitor: Visitor) -> None:
    page = visitor.open("/practise")
    read = page.evaluate(_LETTERS, ["श्रेष्ठ लक्ष्मी", "न् अं ॐ १", "क्\u200dष", "ऑ😀ा राम", "Ram"])
    assert read == [
        {"words": [["श्रे", "ष्ठ"], ["ल", "क्ष्मी"]], "unknown": ""},
        {"words": [["न्"], ["अं"], ["ॐ"], ["१"]], "unknown": ""},
        {"words": [["क्\u200dष"]], "unknown": ""},
        {"words": [[], ["रा", "म"]], "unknown": "ऑ😀ा"},
        {"words": [[]], "unknown": "Ram"},
    ]


def test_most_of_a_shape_must_be_covered(visitor: Visitor) -> None:
    page = visitor.open("/practise")

    def covered(pen: str, drawn: list[tuple[str, list[Any]]]) -> list[float]:
        strokes = [[text, [[[*point, 1] for point in line] for line in own]] for text, own in drawn]
        shares: list[float] = page.evaluate(_COVERAGE, [pen, strokes])
        return shares

    # Strokes written exactly are enough, with either pen. The first half of them is not, but in a
    # letter whose others are short.
    exact = [(each.text, glyph_strokes(each.index)) for each in CHARACTERS]
    halves = [(text, strokes[: len(strokes) // 2]) for text, strokes in exact]
    for pen in ("nib", "round"):
        assert min(covered(pen, exact)) > 0.85
        assert sum(share >= 0.85 for share in covered(pen, halves)) <= 1
    conjuncts = [("श्री", scribble()), ("श्री", scribble()[:7]), ("श्री", []), ("ष्ठ", [[(0.5, 0.5)]])]
    whole, half, none, dot = covered("nib", conjuncts)
    assert whole == pytest.approx(1, abs=0.01)
    assert half < 0.7
    assert none == 0
    assert dot < 0.2


def test_a_name_is_written_letter_by_letter_and_kept_as_a_picture(phone: Visitor) -> None:
    page = phone.open("/practise")
    page.get_by_role("link", name="Write your name in Ranjana").tap()
    expect(page.get_by_role("heading", level=1)).to_have_text("Write my name")
    expect(page.get_by_text("Type a name to see it in Ranjana.")).to_be_visible()
    check_view(page, "name-phone-empty")
    page.get_by_label("Name", exact=True).fill("Gana")
    devanagari = page.get_by_label("In Devanagari")
    expect(devanagari).to_have_value("गाना")
    # The learner corrects it.
    devanagari.fill("गा ग")
    expect(page.locator(".written-name")).to_have_text("गा ग")
    assert "Nithya Ranjana" in page.evaluate("[...document.fonts].map((each) => each.family)")
    expect(page.locator(".letter")).to_have_text(["गा", "ग"])
    expect(page).to_have_url(re.compile(r"#/name\?text=%E0%A4%97%E0%A4%BE\+%E0%A4%97$"))
    expect(tile(page, "गा")).to_have_attribute("aria-pressed", "true")
    told = page.locator(".guide-text")
    expect(told).to_have_text("Trace गा.")
    assert under_the_ink(page)
    check_view(page, "name-phone")
    # One with a sign is traced until most of its shape is covered.
    draw(page, scribble()[:6])
    expect(tile(page, "गा")).not_to_have_class(re.compile("written"))
    draw(page, scribble()[6:])
    expect(told).to_have_text("You wrote गा.")
    expect(page.get_by_role("button", name="गा, written")).to_be_visible()
    # The next one opens by itself. It is of the alphabet: its strokes are judged.
    expect(tile(page, "ग")).to_have_attribute("aria-pressed", "true")
    expect(told).to_have_text("Trace ग.")
    expect(page.get_by_role("link", name="Practise ग ga")).to_be_visible()
    strokes = glyph_strokes(2)
    draw(page, [strokes[1]])
    expect(told).to_contain_text("comes first")
    expect(page.locator(".keepsake")).not_to_be_visible()
    draw(page, strokes)
    expect(told).to_have_text("You wrote ग.")
    picture = page.get_by_role("img", name="गा ग in Ranjana, written by hand")
    expect(picture).to_be_visible()
    check_view(page, "name-phone-written")
    with page.expect_download() as download:
        page.get_by_role("button", name="Save the picture").tap()
    assert download.value.suggested_filename == "गा ग.png"
    saved = np.asarray(Image.open(download.value.path()).convert("L"))
    ink = saved < 100
    height, width = saved.shape
    assert ink[: height // 2, : width // 2].any()
    assert ink[: height // 2, width // 2 :].any()
    # Undone, the letter and the picture are unfinished again.
    page.get_by_role("button", name="Undo").tap()
    expect(page.locator(".keepsake")).not_to_be_visible()
    expect(page.get_by_role("button", name="Write ग", exact=True)).to_be_visible()


def test_a_shared_link_shows_the_name(visitor: Visitor) -> None:
    page = visitor.open("/name?text=Laxmi+Shrestha")
    expect(page.locator(".written-name")).to_have_text("लक्ष्मी श्रेष्ठ")
    expect(page.locator(".letter")).to_have_text(["ल", "क्ष्मी", "श्रे", "ष्ठ"])
    # The shape of the font lies under the pen; another letter has another.
    first = under_the_ink(page)
    tile(page, "क्ष्मी").click()
    expect(page.locator(".guide-text")).to_have_text("Trace क्ष्मी.")
    assert first != under_the_ink(page)
    check_view(page, "name-desktop")
    licence = page.get_by_role("link", name="SIL Open Font License").get_attribute("href")
    assert licence
    text = visitor.context.request.get(f"{visitor.home}{licence.removeprefix(visitor.home)}").text()
    assert text == (ROOT / "auth_api/web/fonts/OFL.txt").read_text()
    draw(page, scribble())
    page.get_by_label("Language").select_option("ne")
    expect(page.get_by_role("heading", level=1)).to_have_text("मेरो नाम लेख्ने")
    # What was drawn stays.
    expect(page.get_by_role("button", name="क्ष्मी, लेखियो")).to_be_visible()
    check_view(page, "name-desktop-ne")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "Type a name to see it in Ranjana."),
        ("   ", "Type a name to see it in Ranjana."),
        (
            "Ram 😀",
            "Ranjana has no letter for “😀”: type the name in Latin or in Devanagari letters.",
        ),
        (
            "राम王",
            "Ranjana has no letter for “王”: type the name in Latin or in Devanagari letters.",
        ),
        ("क" * 41, "A name here has at most 40 characters."),
    ],
)
def test_what_cannot_be_written_is_said_in_one_sentence(
    visitor: Visitor, text: str, sentence: str
) -> None:
    page = visitor.open("/name")
    page.evaluate("text => { location.hash = '#/name?' + new URLSearchParams({ text }) }", text)
    expect(page.locator("main [role=status]")).to_have_text(sentence)
    expect(page.locator(".letter")).to_have_count(0)
    page.get_by_label("Name", exact=True).fill("Ram")
    expect(page.locator(".letter")).to_have_text(["रा", "म"])


def test_the_name_alone_is_printed(visitor: Visitor) -> None:
    page = visitor.open("/name?text=%E0%A4%97")
    draw(page, glyph_strokes(2))
    expect(page.locator(".keepsake canvas")).to_be_visible()
    page.emulate_media(media="print")
    for hidden in ("header.frame", "footer.frame", ".letters", ".pad", ".keepsake .button", "h1"):
        expect(page.locator(hidden).first).not_to_be_visible()
    expect(page.locator(".keepsake canvas")).to_be_visible()
    page.evaluate("window.print = () => { window.printed = true }")
    page.emulate_media(media="screen")
    page.get_by_role("button", name="Print").click()
    assert page.evaluate("window.printed")


def test_the_picture_is_shared_where_the_browser_can(visitor: Visitor) -> None:
    page = visitor.open("/name?text=%E0%A4%97")
    expect(page.locator(".pad")).to_be_visible()
    # Chromium shares pictures on some systems only.
    page.evaluate("""() => {
      navigator.canShare = ({ files }) => files.every(({ type }) => type === "image/png");
      navigator.share = async ({ files }) => { window.shared = files[0]; };
    }""")
    draw(page, glyph_strokes(2))
    page.get_by_role("button", name="Share").click()
    page.wait_for_function("window.shared")
    content = page.evaluate("shared.arrayBuffer().then((all) => [...new Uint8Array(all)])")
    assert page.evaluate("shared.name") == "ग.png"
    assert Image.open(io.BytesIO(bytes(content))).format == "PNG"


def test_the_font_is_loaded_by_views_that_write_with_it(visitor: Visitor) -> None:
    page = visitor.open("/practise")
    loaded = (
        "performance.getEntriesByType('resource').filter((each) => /woff2/.test(each.name)).length"
    )
    assert page.evaluate(loaded) == 0
    page.goto(f"{visitor.home}/#/name?text=Ram")
    expect(page.locator(".letter").first).to_be_visible()
    assert page.evaluate(loaded) == 1
