"""Worksheets: printed, written on, photographed, judged cell by cell, and the next one printed."""

from __future__ import annotations

import io
import re
from functools import cache
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, FilePayload, Locator, Page, Route, expect

from archive_scripts.synthesis.worksheets import Camera
from auth_api.worksheets.selection import of_text
from handlers.characters import CHARACTERS
from handlers.worksheet_layout import VERSION, CornerMark, Sheet, mark_id, sheets
from handlers.worksheets import preprocess_worksheet
from tests.browser.conftest import Visitor, check_view, choose_language, take_errors, visit
from tests.browser.test_layout import COLLISIONS, SHIFT, SMALL
from tests.support.apis import Api
from tests.support.pictures import encode, reference
from tests.support.worksheets import covered, photographed, printed, rendered, stamped, written

SHEET = sheets([12, 41], rows=4)[0]
"""Two rows of ड and two of ऊ, of two cells each."""
LARGE = sheets([2, 25, 22, 19, 26, 15, 5, 24], rows=8)[0]
"""48 cells, the smallest there are."""
SIZE = (1200, 1600)
"""Of photographs, in pixels: half of a phone's, because they are made in the time of a test."""
CAMERA = Camera(tilt=12, axis=20, turn=5, shadow=0.2, size=SIZE)
SAID = re.compile(r"(\S+ \S+), row (\d), cell (\d): (?:(\d+), )?(.+)")
SUMMARY = re.compile(r"^(\d+) letters? (?:is|are) judged, (\d+) of (?:it|them) right\.")


def jpeg(content: bytes, name: str = "sheet.jpg") -> FilePayload:
    return {"name": name, "mimeType": "image/jpeg", "buffer": content}


@cache
def photo(sheet: Sheet = SHEET) -> bytes:
    """A sheet that is half written on, one letter wrong; its third row cannot be read."""
    rows, columns = sheet.layout.rows, sheet.layout.columns
    cells = [(row, column) for row in range(rows) for column in range(columns // 2)]
    paper = written(sheet, cells, others={(rows - 1, columns - 1): 20})
    for end in range(2):
        paper = covered(paper, sheet.layout.row_mark(2, end))
    return photographed(paper, sheet, CAMERA)


def choose(page: Page, *files: FilePayload) -> None:
    page.get_by_label("Choose pictures").set_input_files(list(files))


def cells(page: Page) -> Locator:
    return page.get_by_role("list", name="Cells, row by row").get_by_role("listitem")


def labels(page: Page) -> list[str]:
    """What a screen reader says of each cell."""
    return cells(page).locator(".visually-hidden").all_text_contents()


def saved_pdf(page: Page, control: Locator) -> bytes:
    with page.expect_download() as download:
        control.click()
    assert download.value.suggested_filename == "ranjana-worksheet.pdf"
    return Path(download.value.path()).read_bytes()


def read(pdf: bytes) -> Sheet:
    return preprocess_worksheet(encode(rendered(pdf))).sheet


def asked_for(link: Locator) -> dict[str, str]:
    """The query of a link to a PDF."""
    address = link.get_attribute("href")
    assert address
    return {name: value for name, [value] in parse_qs(urlsplit(address).query).items()}


def test_a_sheet_is_printed_written_photographed_judged_and_followed_by_the_next(
    visitor: Visitor,
) -> None:
    page = visitor.open("/practise")
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Paper").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("On paper")
    check_view(page, "worksheets-empty")
    page.get_by_label("Letters").select_option("A name or another text")
    page.get_by_label("Name or text").fill("डऊ")
    expect(page.locator(".sheet-letters img")).to_have_count(2)
    expect(page.get_by_text("2 letters · 1 page")).to_be_visible()
    page.get_by_label("Cells").select_option("4 rows of 2")
    pdf = saved_pdf(page, page.get_by_role("link", name="Download the PDF"))
    assert read(pdf) == SHEET

    paper = written(
        SHEET, [(0, 0), (0, 1), (1, 0), (2, 0)], others={(3, 1): 20}, paper=rendered(pdf)
    )
    choose(page, jpeg(photographed(paper, SHEET, CAMERA)))
    card = page.locator(".judged-sheet")
    expect(card.get_by_role("heading", level=2)).to_have_text("Your sheet: ड dda, ऊ uu")
    expect(page.get_by_role("status").filter(has_text="letters are judged")).to_be_attached()

    # Every cell, row by row, with its verdict.
    found = [SAID.fullmatch(each) for each in labels(page)]
    assert all(found)
    said = [match.groups() for match in found if match]
    assert [(row, column) for _, row, column, _, _ in said] == [
        (str(row), str(column)) for row in range(1, 5) for column in range(1, 3)
    ]
    assert [name for name, *_ in said] == 4 * ["ड dda"] + 4 * ["ऊ uu"]
    assert {verdict for *_, score, verdict in said if score is None} == {"empty"}
    verdicts = [verdict for *_, score, verdict in said if score]
    for *_, score, verdict in said[:5]:
        if score:
            assert verdict == ("right" if int(score) >= 70 else "to improve")
    assert said[7][4] == "hard to recognise"
    assert len(verdicts) == 5
    summary = SUMMARY.match(card.locator("p").first.inner_text())
    assert summary
    assert summary.groups() == ("5", str(verdicts.count("right")))
    check_view(page, "worksheets-judged")

    # A cell is opened: its mark, what to improve, and its pictures.
    page.get_by_role("button", name="ड dda, row 1, cell 2").click()
    dialog = page.get_by_role("dialog", name="ड dda, row 1, cell 2")
    expect(dialog.locator(".score strong")).to_have_text(str(said[1][3]))
    expect(dialog.locator(".first-sentence")).not_to_be_empty()
    expect(dialog.get_by_role("img", name="The cell as you wrote it")).to_be_visible()
    expect(dialog.get_by_role("img", name="Your writing overlaid on the reference")).to_be_visible()
    expect(dialog.locator(".three img")).to_have_count(3)
    check_view(page, "worksheets-cell")
    dialog.get_by_role("link", name="Practise ड (dda)").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("ड dda")
    expect(page.get_by_role("dialog")).to_have_count(0)
    # The sheet is still there.
    page.go_back()
    expect(cells(page)).to_have_count(8)

    # The next sheet is of the weakest letter, and looks like this one.
    link = page.get_by_role("link", name="Next sheet: the weakest letters")
    look = {"rows": "4", "help": "traced", "paper": "a4", "language": "en"}
    assert asked_for(link) == {"characters": "41", **look}
    expect(page.locator(".weakest a")).to_have_text([re.compile(r"^ऊ uu: \d+$")])
    assert read(saved_pdf(page, link)) == sheets([41], rows=4)[0]
    page.get_by_role("link", name="Change it first").click()
    expect(page.get_by_label("Letters")).to_have_value("characters:41")
    expect(page.locator(".sheet-letters img")).to_have_count(1)
    expect(cells(page)).to_have_count(8)
    page.get_by_role("button", name="Clear the sheets").click()
    expect(cells(page)).to_have_count(0)


def test_verdicts_are_told_apart_without_colours(visitor: Visitor) -> None:
    page = visitor.open("/worksheets")
    choose(page, jpeg(photo()))
    expect(cells(page)).to_have_count(8)
    assert [each.rpartition(": ")[2].rpartition(", ")[2] for each in labels(page)[4:6]] == 2 * [
        "could not be read"
    ]
    # Not even the character of its row is known.
    assert labels(page)[4] == "row 3, cell 1: could not be read"
    unreadable = page.locator(".judged-sheet").get_by_text("2 cells could not be read: they are")
    expect(unreadable).to_be_visible()
    looks = page.locator(".sheet-picture .cell").evaluate_all(
        """(all) => all.map((each) => [each.className, each.querySelector("span").textContent,
           getComputedStyle(each).borderStyle, each.tagName])"""
    )
    by_verdict = {name: rest for name, *rest in looks}
    assert len(by_verdict) >= 3
    assert len({(sign, style) for sign, style, _ in by_verdict.values()}) == len(by_verdict)
    # Only what is judged opens.
    for name, (_, _, tag) in by_verdict.items():
        assert (tag == "BUTTON") == (name.split()[1] not in {"empty", "unreadable"})
    shown = page.locator(".verdicts li").all_inner_texts()
    counts = [int(each.rpartition(": ")[2]) for each in shown]
    assert sum(counts) == 8
    expect(page.locator(".verdicts")).to_contain_text("Could not be read: 2")


def test_a_sheet_is_read_with_the_keyboard_alone(visitor: Visitor) -> None:
    page = visitor.open("/worksheets")
    choose(page, jpeg(photo()))
    buttons = page.locator(".sheet-picture button")
    expect(buttons).to_have_count(4)
    page.locator(".sheet-frame").focus()
    page.keyboard.press("Tab")
    expect(buttons.first).to_be_focused()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("heading", name="ड dda, row 1, cell 1")).to_be_visible()
    expect(dialog.get_by_role("button", name="Previous letter")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(dialog.get_by_role("heading", name="ड dda, row 2, cell 1")).to_be_visible()
    expect(dialog.get_by_role("button", name="Next letter")).to_be_focused()
    expect(dialog.get_by_role("status").filter(has_text="row 2, cell 1. ")).to_be_attached()
    # The ends meet.
    for _ in range(3):
        page.keyboard.press("Enter")
    expect(dialog.get_by_role("heading", name="ड dda, row 1, cell 1")).to_be_visible()
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    expect(dialog.get_by_role("heading", name="ऊ uu, row 4, cell 2")).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(buttons.last).to_be_focused()


def refused() -> dict[str, bytes]:
    """A picture for each code of errors."""
    camera = Camera(size=SIZE)
    whole = np.asarray(Image.open(io.BytesIO(photographed(printed(SHEET), SHEET, camera))))
    other_version, contradicting = printed(SHEET), printed(SHEET)
    for corner in range(4):
        mark = CornerMark(corner, SHEET.layout.paper, SHEET.layout.rows, VERSION + 1)
        place = SHEET.layout.corner_mark(corner)
        other_version = stamped(other_version, place, mark_id(mark))
    contradicting = stamped(contradicting, SHEET.layout.row_mark(2, 0), 61)
    return {
        "no_worksheet": encode(reference(3), "JPEG"),
        "worksheet_incomplete": encode(whole[: len(whole) // 3], "JPEG"),
        "worksheet_version": photographed(other_version, SHEET, camera),
        "worksheet_damaged": photographed(contradicting, SHEET, camera),
        "unreadable_image": b"not really a picture",
    }


def test_each_picture_that_is_no_sheet_says_why_in_the_language_of_the_page(
    visitor: Visitor,
) -> None:
    page = visitor.open("/worksheets")
    pictures = refused()
    notes: FilePayload = {"name": "notes.txt", "mimeType": "text/plain", "buffer": b"words"}
    files = [jpeg(content, f"{code}.jpg") for code, content in pictures.items()]
    choose(page, *files, notes, jpeg(photo(), "good.jpg"))
    rows = page.locator(".photographs li")
    expect(rows).to_have_count(7)
    expect(rows.last).to_contain_text("letters are judged")
    english = [
        "No worksheet found: photograph a printed sheet of this service, with its four corners.",
        "Only a part of the worksheet can be read: photograph the whole sheet, from above.",
        "This worksheet is of another version of the service: print it anew.",
        "The marks of the worksheet contradict each other",
        "not an image",
        "This is not a picture.",
    ]
    for row, sentence in zip(rows.all()[:6], english, strict=True):
        expect(row.locator(".status")).to_contain_text(sentence)
        expect(row).to_have_class("error")
        expect(row.get_by_role("button")).to_have_count(0)  # to try again changes nothing
    expect(cells(page)).to_have_count(8)
    check_view(page, "worksheets-errors")
    choose_language(page, "ne")
    for row, code in zip(rows.all()[:5], pictures, strict=True):
        expect(row.locator(".status")).not_to_contain_text(re.compile("[a-zA-Z]{6}"))
        expect(row).to_contain_text(f"{code}.jpg")
    expect(rows.first).to_contain_text("तस्बिरमा अभ्यास पाना भेटिएन")
    expect(page.locator(".judged-sheet")).to_have_count(1)
    # Those that were refused make room for the next picture. The good one stays.
    page.get_by_label("तस्बिरहरू छान्नुहोस्").set_input_files([jpeg(photo(), "again.jpg")])
    expect(page.locator(".judged-sheet")).to_have_count(2)
    expect(rows).to_have_count(2)
    assert take_errors(visitor, 400) + take_errors(visitor, 415) == 5


def test_several_sheets_are_summed_up_together(visitor: Visitor) -> None:
    page = visitor.open("/worksheets")
    other = sheets([2, 20], rows=4, help="none", paper="letter")[0]
    choose(page, jpeg(photo()), jpeg(photographed(written(other, [(0, 0), (2, 0)]), other, CAMERA)))
    expect(page.locator(".judged-sheet")).to_have_count(2)
    expect(page.get_by_role("progressbar")).to_have_count(0)
    together = page.locator(".card", has=page.get_by_role("heading", name="All 2 sheets together"))
    expect(together).to_contain_text(re.compile(r"6 letters are judged, \d of them right\."))
    link = together.get_by_role("link", name="Next sheet: the weakest letters")
    asked = asked_for(link)
    assert (asked["paper"], asked["help"]) == ("letter", "none")
    weakest = [int(each) for each in asked["characters"].split(",")]
    assert len(weakest) == 2
    assert set(weakest) <= {12, 41, 2, 20}
    marks = together.locator(".weakest a").all_inner_texts()
    scores = [int(each.rpartition(": ")[2]) for each in marks]
    assert scores == sorted(scores)


def test_what_is_due_is_printed_and_judged_cells_are_kept(visitor: Visitor) -> None:
    username = visitor.sign_up()
    user = visitor.site.sign_in(username)
    page = visitor.open("/worksheets")
    expect(page.get_by_label("Letters")).to_have_value("due:yes")
    expect(page.get_by_text("All that is due, and what comes next")).to_be_visible()
    page.get_by_label("Cells").select_option("5 rows of 3")
    page.get_by_label("Help").select_option("None, by heart")
    page.get_by_label("Paper", exact=True).select_option("Letter")
    pdf = saved_pdf(page, page.get_by_role("button", name="Download the PDF"))
    assert read(pdf) == sheets(list(range(5)), "letter", 5, "none")[0]
    # The browser remembers the looks.
    page.reload()
    expect(page.get_by_label("Cells")).to_have_value("5")
    expect(page.get_by_label("Paper", exact=True)).to_have_value("letter")
    choose(page, jpeg(photo()))
    expect(cells(page)).to_have_count(8)
    kept = user.get("/api/history/similarities/").json()["results"]
    assert sorted(entry["compared_with_class"] for entry in kept) == [12, 12, 41, 41]
    # Another user does not see the sheets of this one.
    other = visitor.site.sign_up("paper_reader_2")
    visitor.sign_in(other.username)
    page.evaluate("""async () => {
      const { signOut, signIn } = await ranjana("modules/session.js");
      await signOut();
      await signIn("paper_reader_2", "a long quiet river");
    }""")
    expect(page.get_by_role("link", name="paper_reader_2")).to_be_visible()
    expect(page.get_by_role("heading", level=1)).to_have_text("On paper")
    expect(cells(page)).to_have_count(0)


def test_the_path_and_the_name_lead_to_their_sheets(visitor: Visitor) -> None:
    user = visitor.sign_up()
    visitor.site.sign_in(user).compare(2)
    page = visitor.open("/practise")
    page.get_by_role("link", name="Print a sheet: A bowl and a stem").click()
    expect(page.get_by_label("Letters")).to_have_value("family:bowl")
    expect(page.locator(".sheet-letters img")).to_have_count(9)
    expect(page.get_by_text("9 letters · 2 pages")).to_be_visible()
    page.get_by_label("Letters").select_option("Vowels")
    expect(page).to_have_url(re.compile(r"#/worksheets\?group=vowel$"))
    assert asked_for(page.get_by_role("link", name="Download the PDF"))["characters"] == ",".join(
        map(str, range(36, 52))
    )
    page.goto(f"{visitor.home}/#/name?text=Ram")
    page.get_by_role("link", name="Print a sheet of its letters").click()
    expect(page.get_by_label("Name or text")).to_have_value("राम")
    expect(page.get_by_role("img", name=re.compile("^(र ra|म ma)$"))).to_have_count(2)
    for text, said in (("", "Type something to see its letters."), ("…", "None of the 62")):
        page.get_by_label("Name or text").fill(text)
        expect(page.get_by_text(said)).to_be_visible()
        expect(page.get_by_role("link", name="Download the PDF")).to_have_count(0)
    page.get_by_label("Name or text").fill("Sita")
    expect(page.locator(".sheet-letters img")).to_have_count(2)
    # Strange addresses show the usual choice.
    for query in ("family=none", "characters=62,x", "group=", "characters="):
        page.goto(f"{visitor.home}/#/worksheets?{query}")
        expect(page.get_by_label("Letters")).to_have_value("due:yes")
    page.goto(f"{visitor.home}/#/worksheets?characters=5,99,5,7")
    expect(page.locator(".sheet-letters img")).to_have_count(2)


def test_the_page_reads_a_text_as_the_service_does(visitor: Visitor) -> None:
    page = visitor.open("/worksheets")
    whole = "".join(character.text for character in CHARACTERS)
    texts = ["नेपाल", "क्षत्रिय", "अभ्यास", "ज्ञान ज्ञान", "अंशु ७", "Ram राम!", "", "ौ", whole, "दुःख"]
    script = """async (texts) => {
      const { loadCharacters } = await ranjana("modules/characters.js");
      const { classesOfText } = await ranjana("views/worksheets/letters.js");
      const characters = await loadCharacters();
      return texts.map((text) => classesOfText(text, characters));
    }"""
    assert page.evaluate(script, texts) == [of_text(text) for text in texts]


def test_a_lost_answer_is_not_asked_for_again_until_the_learner_does(visitor: Visitor) -> None:
    user = visitor.site.sign_in(visitor.sign_up())
    page = visitor.open("/worksheets")

    def lose(route: Route) -> None:
        route.fetch()  # the service judges the sheet
        route.abort("connectionreset")

    page.route("**/api/worksheets/judge/*", lose, times=1)
    choose(page, jpeg(photo()))
    row = page.locator(".photographs li")
    expect(row).to_contain_text("Judging …")
    expect(page.get_by_role("progressbar", name="Sheets judged")).to_be_visible()
    expect(row).to_contain_text("The service cannot be reached.")
    page.wait_for_timeout(1500)
    history = "/api/history/similarities/"
    assert len(user.get(history).json()["results"]) == 4
    row.get_by_role("button", name="Try again").click()
    expect(cells(page)).to_have_count(8)
    assert len(user.get(history).json()["results"]) == 8
    assert [each for each in visitor.errors if "ERR_CONNECTION_RESET" not in each] == []
    visitor.errors.clear()


def test_offline_the_view_says_that_it_needs_the_network(visitor: Visitor) -> None:
    page = visitor.open("/worksheets")
    visitor.context.set_offline(True)
    needed = "This needs the network, and you are offline."
    page.get_by_role("link", name="Download the PDF").click()
    expect(page.get_by_role("alert")).to_have_text(needed)
    choose(page, jpeg(photo()))
    row = page.locator(".photographs li")
    expect(row).to_contain_text(needed)
    check_view(page, "worksheets-offline")
    visitor.context.set_offline(False)
    row.get_by_role("button", name="Try again").click()
    expect(cells(page)).to_have_count(8)
    assert all("ERR_INTERNET_DISCONNECTED" in error for error in visitor.errors)
    visitor.errors.clear()


def test_a_photograph_is_taken_of_a_sheet(visitor: Visitor) -> None:
    page = visitor.open("/worksheets")
    page.get_by_role("button", name="Camera").click()
    camera = page.get_by_role("dialog", name="Photograph a sheet")
    expect(camera.locator("video")).to_have_js_property("readyState", 4)
    camera.get_by_role("button", name="Take the picture").click()
    # Chromium's picture of itself is no sheet.
    expect(page.locator(".photographs li")).to_contain_text("No worksheet found")
    assert take_errors(visitor, 400) == 1


@pytest.mark.thorough
def test_a_sheet_with_48_cells_fits_a_phone(phone: Visitor) -> None:
    page = phone.open("/worksheets?family=bowl")
    expect(page.locator(".sheet-letters img").last).to_have_js_property("complete", True)
    choose(page, jpeg(photo(LARGE)))
    expect(cells(page)).to_have_count(48)
    page.wait_for_timeout(500)
    assert page.evaluate(SHIFT) < 0.05
    assert not page.evaluate(SMALL)
    check_view(page, "worksheets-phone")
    cell = page.get_by_role("button", name="ग ga, row 1, cell 3")
    cell.tap()
    dialog = page.get_by_role("dialog")
    expect(dialog.locator(".judged")).to_be_visible()
    assert not page.evaluate(SMALL)
    check_view(page, "worksheets-phone-cell")
    dialog.get_by_role("button", name="Close").tap()
    # On its side
    page.set_viewport_size({"width": 740, "height": 360})
    assert not page.evaluate(COLLISIONS)
    check_view(page, "worksheets-landscape")
    cell.tap()
    expect(dialog.locator(".judged")).to_be_visible()
    check_view(page, "worksheets-landscape-cell")
    dialog.get_by_role("button", name="Close").tap()


@pytest.mark.thorough
def test_a_judged_sheet_fits_with_text_of_twice_the_size(phone: Visitor) -> None:
    for language in ("en", "ne"):
        page = phone.context.new_page()
        fonts = phone.context.new_cdp_session(page)
        fonts.send("Page.setFontSizes", {"fontSizes": {"standard": 32, "fixed": 26}})
        page.add_init_script(f'localStorage.setItem("ranjana-language", "{language}")')
        page.goto(f"{phone.home}/#/worksheets")
        page.locator("input[type=file]").set_input_files([jpeg(photo())])
        expect(cells_of(page)).to_have_count(8)
        wider = "document.documentElement.scrollWidth - innerWidth"
        size = "getComputedStyle(document.documentElement).fontSize"
        assert page.evaluate(size) == "32px"
        assert not page.evaluate(COLLISIONS)
        assert not page.evaluate(SMALL)
        assert page.evaluate(wider) <= 0
        page.locator(".sheet-picture button").first.tap()
        expect(page.locator("dialog .judged")).to_be_visible()
        assert page.evaluate(size) == "32px"
        dialog = page.locator("dialog")
        assert dialog.evaluate("({ scrollWidth, clientWidth }) => scrollWidth - clientWidth") <= 0
        slider = dialog.get_by_role("slider").bounding_box()
        assert slider
        assert slider["width"] > 200
        page.close()


def cells_of(page: Page) -> Locator:
    """The cells in any language."""
    return page.locator(".sheet-picture li")


def test_every_word_is_nepali(browser: Browser, site: Api) -> None:
    size = {"width": 360, "height": 800}
    with visit(browser, site, viewport=size, locale="ne-NP") as visitor:
        page = visitor.open("/worksheets?text=नेपाल")
        expect(page.get_by_role("heading", level=1)).to_have_text("कागजमा")
        link = page.get_by_role("link", name="PDF डाउनलोड गर्नुहोस्")
        assert asked_for(link)["language"] == "ne"
        page.get_by_label("तस्बिरहरू छान्नुहोस्").set_input_files([jpeg(photo(), "पाना.jpg")])
        expect(cells_of(page)).to_have_count(8)
        expect(page.get_by_text(re.compile("४ अक्षर जाँचिए, . मिले।")).first).to_be_visible()
        button = page.get_by_role("button", name=re.compile("^ड dda, लहर १, कोठा १: .+, "))
        text = page.locator("body").inner_text()
        assert not re.findall(r"\b[a-z]+(?:\.[a-zA-Z]+)+\b", text)  # keys without a string
        check_view(page, "worksheets-nepali")
        button.click()
        dialog = page.get_by_role("dialog", name="ड dda, लहर १, कोठा १")
        expect(dialog.locator(".judged")).to_be_visible()
        assert not re.findall(r"\b[a-z]+(?:\.[a-zA-Z]+)+\b", dialog.inner_text())
        check_view(page, "worksheets-nepali-cell")
