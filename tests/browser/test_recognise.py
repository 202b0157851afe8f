"""Recognising: drawings, files and photographs; corrections, slow networks, offline."""

from __future__ import annotations

import io
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, Request, expect

from tests.browser.conftest import Visitor, check_view, draw, drop, glyph_strokes, visit
from tests.support.apis import Api
from tests.support.digits import held_out
from tests.support.pictures import encode, page, reference, transparent
from tests.support.running import Ranjana, wait_for


def answer(page: Page) -> Locator:
    return page.locator(".result .headline")


def test_a_first_visitor_draws_and_sees_the_character(visitor: Visitor) -> None:
    page = visitor.open()
    expect(page.get_by_text("It is read as soon as you pause")).to_be_visible()
    check_view(page, "recognise-empty")
    for index, name in ((12, "ड dda"), (2, "ग ga")):
        draw(page, glyph_strokes(index))
        expect(answer(page)).to_contain_text(name)
        expect(page.locator(".bars li")).to_have_count(5)
        page.get_by_role("button", name="Clear").click()
        expect(answer(page)).to_have_count(0)
    page.get_by_role("button", name="Undo").click()  # restores the strokes
    expect(answer(page)).to_contain_text("ग ga")
    check_view(page, "recognise")


def test_digits_are_recognised_from_the_round_pen_and_from_a_file(visitor: Visitor) -> None:
    page = visitor.open()
    page.get_by_label("Western digits 0-9").check()
    expect(page.get_by_text("Draw a Western digit, 0 to 9.")).to_be_visible()
    page.get_by_role("button", name="Pen").click()
    page.get_by_label("Round").check()
    with page.expect_request("**/api/predict/*") as sent:
        draw(page, [[(0.5, 0.2), (0.5, 0.5), (0.5, 0.8)]])
    drawing = sent.value.post_data_json
    assert (drawing["pen"], len(drawing["strokes"])) == ("round", 1)
    expect(answer(page)).to_contain_text("1")
    expect(page.get_by_role("list", name="All ten digits").get_by_role("listitem")).to_have_count(
        10
    )
    expect(page.locator(".bars .name").first).to_have_text("1")
    check_view(page, "recognise-digit")
    page.get_by_label("Choose pictures").set_input_files(
        {"name": "8.png", "mimeType": "image/png", "buffer": encode(held_out(8, 0))}
    )
    expect(answer(page)).to_contain_text("8")


def test_a_dropped_picture_is_recognised_and_other_files_are_refused(visitor: Visitor) -> None:
    page = visitor.open()
    for index, name in ((40, "उ u"), (59, "७ seven"), (20, "प pa")):
        drop(page, encode(reference(index)))
        expect(answer(page)).to_contain_text(name)
    own = page.get_by_role("img", name="Your picture")
    expect(own).to_be_visible()
    expect(own).to_have_js_property("naturalWidth", 256)
    page.get_by_text("What the model saw").click()
    expect(page.get_by_role("img", name="The ink that was found in it")).to_be_visible()
    page.get_by_text("All others").click()
    others = page.get_by_role("list", name="All others").get_by_role("listitem")
    expect(others).to_have_count(57)
    drop(page, b"words", "text/plain")
    expect(page.get_by_role("alert")).to_contain_text("dropped.png is not a picture")
    drop(page, b"not really", "image/png")
    expect(page.get_by_role("alert")).to_contain_text(re.compile("image", re.IGNORECASE))
    assert "415" in visitor.errors.pop()


def test_all_characters_of_a_picture_are_shown_and_one_is_chosen(
    visitor: Visitor, phone: Visitor
) -> None:
    picture = encode(page([2, 12, 20, 40, 15, 59], 3).picture)
    for each in (visitor, phone):
        view = each.open()
        drop(view, picture)
        view.get_by_role("button", name="5 more characters were seen: show all").click()
        choices = view.get_by_role("radio", name=re.compile("of 6"))
        expect(choices).to_have_count(6)
        expect(view.locator(".marked :checked")).to_be_focused()
        expect(view.get_by_role("radio", name="2 of 6: ड dda")).to_be_attached()
        view.locator(".marked label").nth(1).click()
        expect(answer(view)).to_contain_text("ड dda")
        view.keyboard.press("ArrowRight")
        expect(choices.nth(2)).to_be_checked()
        expect(answer(view)).to_contain_text("प pa")
        check_view(view, f"recognise-characters-{each is phone}")
        view.get_by_role("button", name="Compare with the reference").click()
        expect(view.get_by_role("heading", level=1)).to_contain_text("प pa")


def test_several_pictures_get_one_result_each(visitor: Visitor, tmp_path: Path) -> None:
    page = visitor.open()
    files = []
    for index in range(28, 62):  # more than one batch
        files.append(tmp_path / f"{index}.png")
        files[-1].write_bytes(encode(reference(index)) if index != 29 else b"broken")
    page.get_by_label("Choose pictures").set_input_files(files)
    rows = page.locator(".several li")
    expect(rows).to_have_count(34)
    expect(rows.nth(33)).to_contain_text("९ nine")
    expect(rows.nth(12)).to_contain_text("उ u")
    expect(rows.nth(0)).to_contain_text("व va")
    expect(rows.nth(1)).to_have_class("error")
    expect(page.get_by_role("progressbar")).to_have_count(0)
    notes = tmp_path / "notes.txt"
    notes.write_text("words")
    page.get_by_label("Choose pictures").set_input_files([files[0], notes, files[1], files[12]])
    expect(rows).to_have_count(4)
    expect(rows.nth(3)).to_contain_text("उ u")
    expect(rows.nth(0)).to_contain_text("व va")
    expect(rows.nth(1)).to_contain_text("notes.txt")
    expect(rows.nth(1)).to_contain_text("This is not a picture.")
    expect(rows.nth(2)).to_have_class("error")
    check_view(page, "recognise-several")


def test_pictures_above_the_size_limit_are_scaled_down(visitor: Visitor, tmp_path: Path) -> None:
    page = visitor.open()
    large = Image.fromarray(reference(12)).convert("RGB").resize((2000, 2000))
    files = [tmp_path / f"{index}.bmp" for index in range(8)]
    for file in files:
        large.save(file)  # 12 MB each, 96 MB in total
    page.get_by_label("Choose pictures").set_input_files(files[0])
    expect(answer(page)).to_contain_text("ड dda")
    # Smaller ones are not changed, but need several requests.
    for file in files:
        large.resize((1700, 1700)).save(file)  # 8.7 MB each, 69 MB in total
    page.get_by_label("Choose pictures").set_input_files(files)
    rows = page.locator(".several li")
    expect(rows).to_have_count(8)
    for row in rows.all():
        expect(row).to_contain_text("ड dda")


@pytest.mark.thorough
def test_pictures_of_many_pixels_are_scaled_down_and_stay_transparent(visitor: Visitor) -> None:
    visitor.sign_up()
    page = visitor.open()
    ink = Image.fromarray(255 - reference(12)).resize((7000, 7000))
    large = transparent(np.asarray(ink), (255, 255, 255))
    drop(page, encode(large, compress_level=1))  # 49 megapixels, which the service refuses
    expect(answer(page)).to_contain_text("ड dda")
    (entry,) = visitor.api(page, "GET", "/api/history/predictions/")["results"]
    stored = Image.open(io.BytesIO(stored_picture(page, entry["image"])))
    assert max(stored.size) == 2000
    assert stored.mode == "RGBA"


def test_a_heic_is_sent_as_it_is_and_shown_as_the_service_shows_it(visitor: Visitor) -> None:
    visitor.sign_up()
    page = visitor.open()
    # Some systems do not know the type of such files.
    heic = {"name": "IMG_0012.HEIC", "mimeType": "", "buffer": encode(reference(12), "HEIF")}
    page.get_by_label("Choose pictures").set_input_files(heic)
    expect(answer(page)).to_contain_text("ड dda")
    page.get_by_text("What the model saw").click()
    expect(page.get_by_role("img", name="Your picture")).to_have_js_property("naturalWidth", 256)
    (entry,) = visitor.api(page, "GET", "/api/history/predictions/")["results"]
    assert stored_picture(page, entry["image"]).startswith(b"\xff\xd8\xff")


def stored_picture(page: Page, path: str) -> bytes:
    """A picture of the history, as the page gets it."""
    script = """async (path) => {
        const { fetchBlob } = await ranjana("modules/api.js");
        const bytes = await (await fetchBlob(path, { accept: "image/*" })).arrayBuffer();
        return [...new Uint8Array(bytes)];
    }"""
    return bytes(page.evaluate(script, path))


def test_a_photograph_is_taken_and_recognised(visitor: Visitor) -> None:
    page = visitor.open()
    page.get_by_role("button", name="Camera").click()
    camera = page.get_by_role("dialog", name="Photograph a character")
    expect(camera.locator("video")).to_have_js_property("readyState", 4)
    camera.get_by_role("button", name="Take the picture").click()
    expect(answer(page)).to_contain_text("%")
    expect(camera).to_have_count(0)


def test_the_history_has_only_the_last_answer_of_a_drawing_and_two_taps_correct_it(
    visitor: Visitor,
) -> None:
    visitor.sign_up()
    page = visitor.open()
    for stroke in glyph_strokes(32):
        draw(page, [stroke])
        page.wait_for_timeout(500)  # a learner who pauses after each stroke
    expect(answer(page)).to_contain_text("ह ha")
    history = "/api/history/predictions/"

    def stored() -> list[int]:
        entries = visitor.api(page, "GET", history)["results"]
        return [entry["predicted_class"] for entry in entries]

    outcome = page.locator(".outcome")
    expect(outcome).to_have_attribute("aria-busy", "false")
    wait_for(lambda: stored() == [32], 20)
    with page.expect_response(lambda response: "/api/predict/" in response.url):
        draw(page, [[(0.02, 0.97), (0.03, 0.98)]])
    expect(outcome).to_have_attribute("aria-busy", "false")
    wait_for(lambda: stored() == [32], 20)
    page.get_by_role("button", name="This is wrong").click()
    check_view(page, "recognise-wrong")
    for group, count in (("Consonants", 36), ("Vowels", 16), ("Digits of the script", 10)):
        buttons = page.get_by_role("group", name=group, exact=True).get_by_role("button")
        # Those that are likely come before the groups.
        assert count - 5 <= buttons.count() <= count
    page.get_by_role("button", name="ई ii").click()
    expect(page.get_by_text("The right character is noted")).to_be_visible()
    (entry,) = visitor.api(page, "GET", history)["results"]
    assert entry["feedback"]["actual_class"] == 39
    # A corrected prediction stays in the history when the drawing continues.
    draw(page, [[(0.9, 0.9), (0.92, 0.92)]])
    expect(page.get_by_role("button", name="This is wrong")).to_be_visible()
    assert len(stored()) == 2


@pytest.mark.thorough
def test_on_a_slow_network_one_request_runs_at_a_time_and_the_newest_wins(visitor: Visitor) -> None:
    page = visitor.open()
    network = visitor.context.new_cdp_session(page)
    slow = {"offline": False, "latency": 1500, "downloadThroughput": -1, "uploadThroughput": -1}
    network.send("Network.emulateNetworkConditions", slow)
    running: list[str] = []
    counts: list[int] = []

    def on_request(request: Request) -> None:
        if "/api/predict/" in request.url:
            running.append(request.url)
            counts.append(len(running))

    def on_finished(request: Request) -> None:
        if "/api/predict/" in request.url:
            running.remove(request.url)

    page.on("request", on_request)
    page.on("requestfinished", on_finished)
    first, *rest = glyph_strokes(33)
    for stroke in (first, *rest):
        draw(page, [stroke])
        page.wait_for_timeout(600)
    expect(answer(page)).to_contain_text("क्ष kssa")
    assert max(counts) == 1
    assert len(counts) < 1 + len(rest)


def test_an_offline_drawing_is_recognised_when_the_network_is_back(visitor: Visitor) -> None:
    page = visitor.open()
    visitor.context.set_offline(True)
    expect(page.get_by_role("status").filter(has_text="You are offline")).to_be_visible()
    draw(page, glyph_strokes(0))
    page.wait_for_timeout(700)
    check_view(page, "recognise-offline")
    visitor.context.set_offline(False)
    expect(answer(page)).to_contain_text("क ka")
    expect(page.get_by_text("You are offline")).to_have_count(0)
    assert all("ERR_INTERNET_DISCONNECTED" in error for error in visitor.errors)
    visitor.errors.clear()


def test_a_busy_service_is_retried_when_it_says(
    browser: Browser, ranjana: Ranjana, tmp_path: Path
) -> None:
    limits = {"RATE_LIMIT_ENABLED": "true", "RATE_LIMIT_PREDICT_ADDRESS": "1/4 seconds"}
    busy = Api(tmp_path, ranjana, environment=limits).wait_until_alive()
    try:
        with visit(browser, busy) as visitor:
            page = visitor.open()
            drop(page, encode(reference(3)))
            expect(answer(page)).to_contain_text("घ gha")
            drop(page, encode(reference(5)))
            expect(
                page.get_by_role("status").filter(has_text="The service is busy")
            ).to_be_visible()
            expect(answer(page)).to_contain_text("च ca")
            expect(page.get_by_text("The service is busy")).to_have_count(0)
            assert all("429" in error for error in visitor.errors)
            visitor.errors.clear()
    finally:
        busy.stop()


def test_drawing_with_a_finger_does_not_scroll_the_page(phone: Visitor) -> None:
    page = phone.open()
    pad = page.locator("canvas.ink").bounding_box()
    assert pad
    touch = phone.context.new_cdp_session(page)
    for stroke in glyph_strokes(12):
        for number, (x, y) in enumerate(stroke):
            point = {"x": pad["x"] + x * pad["width"], "y": pad["y"] + y * pad["height"]}
            kind = "touchMove" if number else "touchStart"
            touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [point]})
        touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    expect(answer(page)).to_contain_text("ड dda")
    assert page.evaluate("scrollY") == 0
    check_view(page, "recognise-phone")


def test_drawing_works_with_the_keyboard_alone(visitor: Visitor) -> None:
    page = visitor.open()
    page.keyboard.press("Tab")
    expect(page.get_by_text("Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowRight")  # from characters to digits
    expect(page.get_by_label("Western digits 0-9")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.locator("canvas.ink")).to_be_focused()
    for _ in range(8):
        page.keyboard.press("ArrowRight")
    page.keyboard.press("Space")
    for _ in range(16):
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Space")
    expect(answer(page)).to_contain_text("1")
    page.keyboard.press("Control+z")
    expect(answer(page)).to_have_count(0)


def test_every_word_is_in_the_chosen_language(visitor: Visitor) -> None:
    page = visitor.open()
    draw(page, glyph_strokes(12))
    expect(answer(page)).to_contain_text("ड dda")
    language = page.get_by_label(re.compile("Language|भाषा"))
    for name, heading in (("English", "Which character is it?"), ("नेपाली", "यो कुन अक्षर हो?")):
        language.select_option(label=name)
        expect(page.get_by_role("heading", level=1)).to_have_text(heading)
        expect(answer(page)).to_contain_text("ड dda")
        text = page.locator("body").inner_text()
        assert not re.findall(r"\b[a-z]+(?:\.[a-zA-Z]+)+\b", text)  # keys without a string
    check_view(page, "recognise-nepali")
    page.reload()
    expect(page.get_by_role("heading", level=1)).to_have_text(heading)
    expect(language).to_have_value("ne")
