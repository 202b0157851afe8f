"""Practising: suggestions, stroke order, and the result of an attempt."""

from __future__ import annotations

import json
import re
import sqlite3
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Locator, Page, Response, expect

from tests.browser.conftest import (
    Visitor,
    check_view,
    choose_language,
    draw,
    drop,
    glyph_strokes,
)
from tests.support.pictures import encode, reference

FAMILIES = ["A bowl and a stem", "A round left side", "Curves beside a stem"]

_UNDER_THE_INK = """async () => {
  await new Promise(requestAnimationFrame); // which paints
  const { width, height } = document.querySelector("canvas.under");
  const context = document.querySelector("canvas.under").getContext("2d");
  const { data } = context.getImageData(0, 0, width, height);
  const found = [];
  for (let y = 2; y < height; y += 4) {
    for (let x = 2; x < width; x += 4) {
      if (data[4 * (y * width + x) + 3]) found.push([x / width, y / height]);
    }
  }
  return found;
}"""


def under_the_ink(page: Page) -> list[tuple[float, float]]:
    """The painted points under the ink, as fractions of the side."""
    return [(x, y) for x, y in page.evaluate(_UNDER_THE_INK)]


def compare_button(page: Page) -> Locator:
    return page.get_by_role("button", name="Compare", exact=True)


def score(page: Page) -> Locator:
    return page.locator(".score strong")


def attempts(page: Page) -> Locator:
    return page.locator(".standing div", has_text="Attempts").locator("dd")


def test_a_traced_character_is_called_well_written(visitor: Visitor) -> None:
    page = visitor.open("/practise")
    expect(page.locator(".character")).to_have_count(62)
    assert page.locator(".alphabet h2").all_inner_texts()[:3] == FAMILIES
    page.get_by_role("link", name="Begin with ग ga").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("ग ga")
    expect(page.get_by_text("3 strokes")).to_be_visible()
    expect(compare_button(page)).to_be_disabled()
    draw(page, glyph_strokes(2))
    expect(score(page)).to_have_text(re.compile("^9[0-9]$|^100$"))
    expect(page.locator(".sentences")).to_contain_text("Well written: every part of ग (ga)")
    expect(page.get_by_text("It can be read as ग.")).to_be_visible()
    expect(page.locator(".three img")).to_have_count(3)
    page.get_by_text("The regions as a table").click()
    expect(page.get_by_role("row", name=re.compile("^lower right"))).to_be_visible()

    slider = page.get_by_role("slider", name="Fade from the reference to yours")
    pictures = set()
    for value in ("0", "50", "100"):
        slider.fill(value)
        pictures.add(page.locator(".sheet canvas").evaluate("(canvas) => canvas.toDataURL()"))
    assert len(pictures) == 3
    expect(slider).to_have_attribute("aria-valuetext", "only yours")

    # The result stays when the theme or the language changes.
    inks = page.locator("canvas")
    dark_on_light = inks.evaluate_all("(all) => all.map((each) => each.toDataURL())")
    page.get_by_role("button", name="Light or dark").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    light_on_dark = inks.evaluate_all("(all) => all.map((each) => each.toDataURL())")
    assert all(map(str.__ne__, dark_on_light, light_on_dark))
    page.get_by_role("button", name="Light or dark").click()
    choose_language(page, "ne")
    expect(page.locator(".sentences")).to_contain_text("राम्रो लेख्नुभयो")
    expect(page.get_by_role("button", name="तुलना गर्नुहोस्")).to_be_enabled()
    check_view(page, "practise-nepali")
    page.get_by_role("link", name="अर्को: न na").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("न na")
    page.go_back()
    expect(score(page)).to_be_visible()
    page.goto(f"{visitor.home}/#/practise/62")
    expect(page.get_by_role("heading", level=1)).to_have_text("यस्तो अक्षर छैन।")


def test_vowels_and_digits_are_practised(phone: Visitor) -> None:
    phone.sign_up()
    page = phone.open("/practise")
    for chosen, count, first in (("Vowels", 16, "ए e"), ("Digits", 10, "zero")):
        page.get_by_role("radio", name=chosen).tap()
        expect(page.locator(".character")).to_have_count(count)
        expect(
            page.get_by_role("link", name=re.compile(f"^Practise next: .*{first}$"))
        ).to_be_visible()
    check_view(page, "practise-phone-digits")
    page.goto(f"{phone.home}/#/practise?group=vowel")
    page.get_by_role("link", name="ए e not tried yet").tap()
    expect(page.get_by_role("heading", level=1)).to_have_text("ए e")
    assert under_the_ink(page), "the reference lies faintly under the ink"
    drop(page, encode(reference(46)))
    expect(page.locator(".judged")).to_contain_text("It can be read as ए.")
    check_view(page, "practise-phone-vowel")
    expect(page.locator(".result-head a")).to_have_text("Next: ऐ ai")
    page.goto(f"{phone.home}/#/practise/0")
    expect(page.get_by_role("heading", level=1)).to_have_text("क ka")
    drop(page, encode(reference(59)))
    expect(page.locator(".judged")).to_contain_text("more like ७ (seven) than क")
    page.get_by_role("link", name="Practise ७ (seven)").tap()
    expect(page.get_by_role("heading", level=1)).to_have_text("७ seven")


def test_another_character_is_named_and_the_learner_chooses_the_strictness(
    visitor: Visitor,
) -> None:
    visitor.write_freely()
    page = visitor.open("/practise/1")
    draw(page, glyph_strokes(0))
    compare_button(page).click()
    expect(page.locator(".verdict")).to_contain_text("This looks more like क (ka) than ख.")
    expect(page.locator(".sentences li").first).to_be_visible()
    assert int(score(page).inner_text()) < 50
    expect(page.locator(".marks .missing text").first).to_contain_text("%")
    expect(page.locator(".marks .extra text").first).to_contain_text(re.compile(r"^\+[0-9]+%$"))
    check_view(page, "practise-wrong")
    page.get_by_label("Mark the regions").uncheck()
    expect(page.locator(".marks")).to_be_hidden()

    requested: list[str] = []
    page.on("request", lambda request: requested.append(request.url))
    before = page.locator(".marks text").all_text_contents()
    page.get_by_label("Strict").check()
    expect(page.get_by_text("Small slips are mentioned too.")).to_be_visible()
    expect(page.locator(".outcome")).to_have_attribute("aria-busy", "false")
    (asked,) = (parse_qs(urlsplit(url).query) for url in requested)
    assert (asked["target_class"], asked["strictness"]) == (["1"], ["strict"])
    assert page.locator(".marks text").all_text_contents() != before
    page.reload()
    expect(page.get_by_label("Strict")).to_be_checked()
    expect(page.get_by_label("Mark the regions")).to_have_count(0)

    page.get_by_role("link", name="Previous: क ka").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("क ka")


def test_strokes_are_played_in_order_and_a_hint_shows_what_is_not_drawn(visitor: Visitor) -> None:
    visitor.hide_guide_lines()
    visitor.write_freely()
    page = visitor.open("/practise/2")
    strokes = glyph_strokes(2)
    assert under_the_ink(page), "the reference lies faintly under the ink"
    page.get_by_label("By heart").check()
    assert not under_the_ink(page)
    # The last stroke is drawn first: a hint goes by what was drawn, not by how many.
    draw(page, [strokes[2]])
    for index, name in enumerate(("top bar", "left bowl")):
        page.get_by_role("button", name="Hint").click()
        expect(page.locator(".guide-text")).to_contain_text(f"stroke {index + 1} of 3: {name}")
        shown = under_the_ink(page)
        assert shown
        assert all(_close(place, strokes[index]) for place in shown)
        draw(page, [strokes[index]])
        expect(page.locator(".guide-text")).to_be_empty()
        assert not under_the_ink(page)

    page.emulate_media(reduced_motion="no-preference")
    page.clock.install()
    page.get_by_role("button", name="Watch").click()
    page.clock.run_for(200)
    expect(page.locator(".guide-text")).to_have_text("Stroke 1 of 3: top bar")
    early = page.locator("canvas.under").evaluate("(canvas) => canvas.toDataURL()")
    page.clock.run_for(400)
    assert page.locator("canvas.under").evaluate("(canvas) => canvas.toDataURL()") != early
    page.clock.run_for(9000)
    expect(page.locator(".guide-text")).to_have_text("Stroke 3 of 3: right stem")
    check_view(page, "practise-strokes")
    page.get_by_role("button", name="Stop").click()
    assert not under_the_ink(page)

    page.emulate_media(reduced_motion="reduce")
    page.get_by_role("button", name="Watch").click()
    page.clock.run_for(50)
    still = page.locator("canvas.under").evaluate("(canvas) => canvas.toDataURL()")
    page.clock.run_for(500)
    assert page.locator("canvas.under").evaluate("(canvas) => canvas.toDataURL()") == still
    draw(page, [strokes[2]])  # drawing stops the animation
    expect(page.get_by_role("button", name="Watch")).to_be_visible()
    page.get_by_role("button", name="Hint").click()
    expect(page.locator(".guide-text")).to_have_text("All 3 strokes are written.")


def _close(place: tuple[float, float], stroke: list[tuple[float, float]]) -> bool:
    """Whether a point is within the bounding box of a stroke, including its width."""
    low = [min(axis) - 0.16 for axis in zip(*stroke, strict=True)]
    high = [max(axis) + 0.16 for axis in zip(*stroke, strict=True)]
    return all(low[axis] <= place[axis] <= high[axis] for axis in (0, 1))


def test_a_drawing_counts_once_and_appears_in_the_trend_and_when_due(
    visitor: Visitor,
) -> None:
    username = visitor.sign_up()
    page = visitor.open("/practise")
    page.get_by_role("link", name="क ka").click()
    expect(page.get_by_text("Not tried yet. Your first attempt")).to_be_visible()
    page.get_by_label("By heart").check()
    draw(page, glyph_strokes(0))
    expect(attempts(page)).to_have_text("1")

    # Comparing the same drawing again, more strictly, is no second attempt.
    def is_history(response: Response) -> bool:
        return "/history/similarities/?" in response.url

    with page.expect_response(is_history):
        page.get_by_label("Strict").check()
    (entry,) = visitor.api(page, "GET", "/api/history/similarities/")["results"]
    assert entry["strictness"] == "strict"
    with page.expect_response(is_history):
        compare_button(page).click()
    expect(attempts(page)).to_have_text("1")

    page.get_by_role("button", name="Once more").click()
    expect(page.locator("canvas.ink")).to_be_focused()
    expect(score(page)).to_be_visible()
    expect(compare_button(page)).to_be_disabled()
    draw(page, glyph_strokes(0)[:3])
    page.keyboard.press("Control+Enter")
    expect(attempts(page)).to_have_text("2")
    expect(page.get_by_role("table", name="Scores of the last 2 attempts")).to_be_attached()
    check_view(page, "practise-trend")

    _make_due(visitor, username)
    page.get_by_role("link", name="All characters").click()
    expect(page.get_by_role("heading", level=2).first).to_have_text("Due now")
    due = page.locator(".character").first
    expect(due).to_contain_text("क ka")
    expect(due).to_contain_text("due now")
    expect(due.locator(".disc")).not_to_have_class("disc new")
    check_view(page, "practise-grid")


def _make_due(visitor: Visitor, username: str) -> None:
    """Makes every practised character of a user due."""
    with sqlite3.connect(visitor.site.database_url.removeprefix("sqlite:///")) as database:
        rows = database.execute(
            "SELECT p.user_id, p.character, p.card FROM character_progress p "
            "JOIN users u ON u.id = p.user_id WHERE u.username = ?",
            (username,),
        ).fetchall()
        for user, character, card in rows:
            changed = json.dumps({**json.loads(card), "due": "2025-01-01T00:00:00+00:00"})
            database.execute(
                "UPDATE character_progress SET card = ? WHERE user_id = ? AND character = ?",
                (changed, user, character),
            )


def test_recognised_drawings_and_dropped_pictures_are_compared(visitor: Visitor) -> None:
    page = visitor.open()
    draw(page, glyph_strokes(12))
    page.get_by_role("button", name="Compare with the reference").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("ड dda")
    expect(score(page)).to_have_text(re.compile("^9[0-9]$|^100$"))
    expect(compare_button(page)).to_be_enabled()  # the drawing was handed over
    drop(page, encode(reference(13)))
    expect(page.locator(".verdict")).to_contain_text("more like ढ (ddha)")
    drop(page, b"words", "text/plain")
    expect(page.get_by_role("alert")).to_contain_text("is not a picture")
    drop(page, b"not really a picture")
    expect(page.locator(".trouble [role=alert]")).to_contain_text("image")
    expect(page.get_by_role("button", name="Try again")).to_be_visible()
    expect(score(page)).to_be_visible()
    assert "415" in visitor.errors.pop()
    compare_button(page).click()
    expect(score(page)).to_have_text(re.compile("^9[0-9]$|^100$"))
    expect(page.get_by_role("button", name="Try again")).to_have_count(0)


def test_on_a_phone_the_result_scrolls_into_view(phone: Visitor) -> None:
    page = phone.open("/practise")
    check_view(page, "practise-phone-grid")
    page.get_by_role("link", name="घ gha").click()
    page.emulate_media(reduced_motion="reduce")
    expect(page.get_by_role("heading", level=1)).to_have_text("घ gha")
    draw(page, glyph_strokes(3))
    compare_button(page).tap()
    expect(score(page)).to_be_in_viewport()
    check_view(page, "practise-phone")
    page.get_by_role("button", name="Once more").tap()
    expect(page.locator("canvas.ink")).to_be_in_viewport()


def test_practising_works_with_the_keyboard_alone(visitor: Visitor) -> None:
    visitor.write_freely()
    page = visitor.open("/practise/11")
    page.get_by_label("By heart").focus()
    page.keyboard.press("Tab")
    expect(page.locator("canvas.ink")).to_be_focused()
    page.keyboard.press(" ")
    for _ in range(14):
        page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")  # also lifts the pen
    expect(score(page)).to_be_visible()
    expect(page.locator("canvas.ink")).to_be_focused()
    expect(page.locator("main > [role=status]")).to_contain_text("of 100.")
    page.keyboard.press(" ")
    for _ in range(9):
        page.keyboard.press("ArrowDown")
    page.keyboard.press(" ")
    first = page.locator(".outcome .judged h2").element_handle()
    compare_button(page).focus()
    page.keyboard.press("Enter")
    page.wait_for_function("(heading) => !heading.isConnected", arg=first)
    expect(compare_button(page)).to_be_focused()
    page.get_by_role("slider").focus()
    page.keyboard.press("End")
    expect(page.get_by_role("slider")).to_have_attribute("aria-valuetext", "only yours")


def test_a_stroke_that_was_left_out_is_named_and_lights_up(
    visitor: Visitor, phone: Visitor
) -> None:
    strokes = glyph_strokes(0)
    for each in (visitor, phone):
        each.write_freely()
        page = each.open("/practise/0")
        draw(page, [*strokes[:3], strokes[4]])
        with page.expect_request("**/api/similarity/*") as sent:
            compare_button(page).click()
        drawing = sent.value.post_data_json
        assert drawing.keys() == {"strokes", "pen"}
        assert drawing["pen"] == "nib"
        assert len(drawing["strokes"]) == 4
        sentence = page.get_by_role("button", name="The right slant is missing.")
        expect(sentence).to_be_visible()
        assert int(score(page).inner_text()) <= 70
        assert not lit(page)
        if each is phone:
            sentence.tap()
            expect(page.locator(".sheet")).to_be_in_viewport()
        else:
            sentence.hover()
            assert lit(page)
            page.mouse.move(0, 0)
            assert not lit(page)
            sentence.focus()
            assert lit(page)
            page.keyboard.press("Enter")
            page.keyboard.press("Tab")
        expect(sentence).to_have_attribute("aria-pressed", "true")
        shown = lit(page)
        assert all(_close(place, strokes[3]) for place in shown)
        check_view(page, f"practise-lit-{each is phone}")
        choose_language(page, "ne")
        sentence = page.get_by_role("button", name="दायाँ छड्के रेखा छैन।")
        sentence.click()
        assert lit(page) == shown
        sentence.click()
        page.mouse.move(0, 0)
        assert not lit(page)


_LIT = """(canvas) => {
  const { width, height } = canvas;
  const { data } = canvas.getContext("2d").getImageData(0, 0, width, height);
  const found = [];
  for (let y = 2; y < height; y += 4) {
    for (let x = 2; x < width; x += 4) {
      const at = 4 * (y * width + x);
      const [red, , blue, opacity] = data.slice(at, at + 4);
      if (opacity > 150 && blue > red + 60) found.push([x / width, y / height]);
    }
  }
  return found;
}"""


def lit(page: Page) -> list[tuple[float, float]]:
    """The blue points over the reference, as fractions of its side."""
    return [(x, y) for x, y in page.locator(".sheet canvas").evaluate(_LIT)]


def test_ink_of_no_stroke_lights_up_its_region_and_the_whole_letter_nothing(
    visitor: Visitor,
) -> None:
    visitor.write_freely()
    page = visitor.open("/practise/3")
    draw(page, [*glyph_strokes(3), [(0.02, 0.98), (0.3, 0.98)]])
    compare_button(page).click()
    page.get_by_role("button", name="There is an extra stroke at the lower left.").hover()
    shown = lit(page)
    assert shown
    assert all(x < 0.36 and y > 0.63 for x, y in shown)
    page.get_by_role("button", name="Clear").click()
    small = [[(0.3 + 0.4 * x, 0.3 + 0.4 * y) for x, y in stroke] for stroke in glyph_strokes(3)]
    draw(page, small)
    compare_button(page).click()
    text = "Your घ (gha) is too small for its frame."
    expect(page.locator(".sentences li", has_text=text)).to_be_visible()
    expect(page.get_by_role("button", name=text)).to_have_count(0)


@pytest.mark.thorough
def test_a_drawing_is_thinned_and_one_beyond_the_limits_is_refused_in_words(
    visitor: Visitor,
) -> None:
    visitor.write_freely()
    page = visitor.open("/practise/0")
    long = [[(0.1 + n / 250, 0.3 + (n % 2) / 5000) for n in range(200)], [(0.5, 0.2), (0.5, 0.7)]]
    draw(page, [*long, [(0.5, 0.5)]])
    page.get_by_role("button", name="Pen").click()
    page.get_by_label("Round").check()  # for the whole drawing
    with page.expect_request("**/api/similarity/*") as sent:
        compare_button(page).click()
    drawing = sent.value.post_data_json
    assert drawing["pen"] == "round"
    assert [len(stroke) for stroke in drawing["strokes"]] == [2, 2, 1]
    assert drawing["strokes"][0][0] == pytest.approx([0.1, 0.3], abs=0.01)
    assert drawing["strokes"][1][1] == pytest.approx([0.5, 0.7], abs=0.01)
    expect(score(page)).to_be_visible()
    page.get_by_role("button", name="Clear").click()
    draw(page, [[(0.1, 0.1), (0.2, 0.2)]] * 65)
    compare_button(page).click()
    expect(page.get_by_role("alert")).to_contain_text("at most 64 strokes of 2,000 points")
    page.get_by_role("button", name="Undo").click()
    compare_button(page).click()
    expect(page.get_by_role("alert")).to_have_count(0)


def test_the_marks_of_regions_can_be_read_in_both_themes(visitor: Visitor) -> None:
    visitor.write_freely()
    page = visitor.open("/practise/12")
    *most, _ = glyph_strokes(12)
    draw(page, [*most, [(0.1, 0.1), (0.3, 0.9)]])
    page.get_by_role("button", name="Compare").first.click()
    expect(page.locator(".marks .missing text").first).to_be_attached()
    expect(page.locator(".marks .extra text").first).to_be_attached()
    contrast = """(each) => {
      const style = getComputedStyle(each);
      const light = (colour) => {
        const [red, green, blue] = colour.match(/[\\d.]+/g).map((value) => value / 255)
          .map((value) => value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05;
      };
      const pair = [light(each.matches("line") ? style.stroke : style.fill), light(halo(each))];
      return Math.max(...pair) / Math.min(...pair);
      function halo(of) {
        if (of.matches("text")) return style.stroke;
        return getComputedStyle(of.parentElement.querySelector(".halo")).stroke;
      }
    }"""
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        for selector in (".marks text", ".marks line.missing", ".marks circle.extra"):
            for each in page.locator(selector).all():
                assert each.evaluate(contrast) >= 4.5, (scheme, selector)
