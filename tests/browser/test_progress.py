"""The progress and the history."""

from __future__ import annotations

import csv
import re
import sqlite3
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visitor, check_view, choose_language
from tests.support.pictures import encode, reference
from tests.support.running import wait_for

PICTURE = re.compile(r"/api/history/predictions/\d+/image/$")


def names(page: Page) -> list[str]:
    """The Latin names of the characters, in the order of the list."""
    return [text.split()[1] for text in page.locator(".learned summary strong").all_inner_texts()]


def test_progress_shows_what_was_practised_and_what_is_next(visitor: Visitor) -> None:
    username = visitor.sign_up()
    page = visitor.open("/progress")
    expect(page.get_by_text("Draw your first character")).to_be_visible()
    user = visitor.site.sign_in(username)
    for index, target in ((12, 12), (5, 5), (5, 5), (3, 12), (40, 40)):
        assert user.compare(index, target).status_code == 200

    def counted() -> bool:
        return bool(user.get("/api/analytics/me/").json()["totals"]["answers"] == 5)

    wait_for(counted, 20)  # the counts are delayed by a second
    page.reload()
    today = page.locator(".tile").filter(has_text="day in a row")
    expect(today).to_contain_text("Today is done")
    expect(page.locator(".tile").filter(has_text="Characters tried")).to_contain_text("3 / 62")
    expect(page.locator(".next a").first).to_have_attribute("href", "#/practise/0")
    expect(page.get_by_role("heading", name="The last 30 days")).to_be_visible()

    groups = page.locator("section:has(> h3)")
    expect(groups.locator("h3")).to_have_text(["Consonants", "Vowels", "Digits of the script"])
    for group, (count, first) in enumerate(((36, "क ka"), (16, "अ a"), (10, "zero"))):
        expect(groups.nth(group).locator("li")).to_have_count(count)
        expect(groups.nth(group).locator("li").first).to_contain_text(first)
    assert names(page)[:3] == ["ka", "kha", "ga"]
    page.get_by_label("Order").select_option("Mastery, highest first")
    assert names(page)[:3] == ["ca", "dda", "u"]
    page.get_by_label("Order").select_option("Practised last")
    assert names(page)[:3] == ["u", "dda", "ca"]
    page.reload()
    expect(page.get_by_label("Order")).to_have_value("last")
    expect(groups).to_have_count(0)  # what was practised last comes first, of any group
    row = page.locator(".learned li").nth(1)
    expect(row).to_contain_text("↘ declining")
    row.locator("summary").press("Enter")
    expect(row).to_contain_text(re.compile(r"The last 2 scores: 100, \d\d"))
    check_view(page, "progress")
    row.get_by_role("link", name="History").click()
    expect(page.get_by_role("button", name="Look closer")).to_have_count(2)
    expect(page.get_by_label("Show")).to_have_value("12")


def test_the_history_is_filtered_paged_and_deleted(visitor: Visitor, tmp_path: Path) -> None:
    username = visitor.sign_up()
    user = visitor.site.sign_in(username)
    predictions = [user.predict(index).json() for index in (*range(10), *range(10), 4)]
    vowel = {"image": encode(reference(40)), "characters": (None, "all")}
    predictions.append(user.post("/api/predict/", files=vowel).json())
    digit = user.post("/api/predict/?model=digits", files={"image": encode(reference(2))}).json()
    for prediction, actual in ((predictions[-2], 4), (predictions[-3], 59)):
        feedback = {"prediction_id": prediction["prediction_id"], "actual_class": actual}
        assert user.post("/api/feedback/", json=feedback).status_code == 201
    fetched: list[str] = []
    visitor.context.on("request", lambda request: fetched.append(request.url))

    page = visitor.open("/history")
    entries = page.locator("li[data-id]")
    expect(entries).to_have_count(20)
    expect(entries.nth(1)).to_contain_text("उ u")
    expect(entries.nth(2)).to_contain_text("You said: right")
    expect(entries.nth(3)).to_contain_text(re.compile("You said it is.*७ seven", re.S))
    expect(entries.first.get_by_role("img", name="Your picture")).to_be_visible()
    assert len([url for url in fetched if PICTURE.search(url)]) < 20
    entries.last.scroll_into_view_if_needed()
    expect(entries.last.get_by_role("img", name="Your picture")).to_be_visible()
    check_view(page, "history")
    page.get_by_role("button", name="Show more").click()
    expect(entries).to_have_count(23)
    expect(page.get_by_text("23 entries are shown.")).to_be_visible()
    expect(page.get_by_role("button", name="Show more")).to_have_count(0)

    page.get_by_label("Show").select_option("ङ nga")
    expect(entries).to_have_count(3)
    first = entries.first.get_attribute("data-id")
    entries.first.get_by_role("button", name="Delete").click()
    expect(entries.first.get_by_role("button", name="Cancel")).to_be_focused()
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Deleted.")).to_be_visible()
    expect(entries).to_have_count(2)
    expect(entries.first.get_by_role("button", name="Delete")).to_be_focused()
    assert user.get(f"/api/history/predictions/{first}/").status_code == 404

    page.get_by_label("Show").select_option("उ u")
    expect(entries).to_have_count(1)
    page.reload()
    expect(entries).to_have_count(1)
    labels = page.locator("#filter optgroup").evaluate_all("(all) => all.map((each) => each.label)")
    assert labels == ["Consonants", "Vowels", "Digits of the script", "Western digits 0-9"]
    page.get_by_label("Show").select_option(f"digit-{digit['digit']}")
    expect(entries).to_have_count(1)
    page.reload()
    expect(entries).to_have_count(1)
    page.get_by_role("link", name="Compared").click()
    expect(page.get_by_text("Nothing compared yet.")).to_be_visible()
    page.go_back()
    expect(entries).to_have_count(1)
    with page.expect_download() as saving:
        page.get_by_role("button", name="Download CSV").click()
    saving.value.save_as(tmp_path / "history.csv")
    rows = list(csv.DictReader((tmp_path / "history.csv").read_text("utf-8-sig").splitlines()))
    assert len(rows) == 22


@pytest.mark.thorough
def test_progress_and_history_in_nepali_on_a_phone(phone: Visitor) -> None:
    username = phone.sign_up()
    user = phone.site.sign_in(username)
    assert user.compare(20, 21).status_code == 200
    page = phone.open("/progress")
    choose_language(page, "ne")
    expect(page.locator(".tile").filter(has_text="प्रयास")).to_contain_text("१")
    check_view(page, "progress-phone")
    page.goto(f"{phone.home}/#/history?kind=compared")
    page.get_by_role("button", name="नजिकबाट हेर्नुहोस्").tap()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("img")).to_have_count(3)
    expect(dialog).to_contain_text("“फ” भन्दा बढी “प” जस्तो देखिन्छ")
    check_view(page, "comparison-phone")
    dialog.get_by_role("button", name="बन्द गर्नुहोस्").tap()
    expect(dialog).to_have_count(0)
    check_view(page, "history-phone")
    with sqlite3.connect(phone.site.database_url.removeprefix("sqlite:///")) as database:
        database.execute(
            "UPDATE comparisons SET faults = NULL "
            "WHERE user_id = (SELECT id FROM users WHERE username = ?)",
            (username,),
        )
    page.reload()
    page.get_by_role("button", name="नजिकबाट हेर्नुहोस्").tap()
    older = dialog.locator("li[lang=en]").first  # from before there were faults
    expect(older).to_have_text("This looks more like प (pa) than फ.")


def test_the_history_opens_on_what_there_is(visitor: Visitor) -> None:
    username = visitor.sign_up()
    user = visitor.site.sign_in(username)
    assert user.compare(3).status_code == 200
    page = visitor.open("/history")
    compared = page.get_by_role("navigation").get_by_role("link", name="Compared")
    recognised = page.get_by_role("navigation").get_by_role("link", name="Recognised")
    expect(compared).to_have_attribute("aria-current", "page")
    expect(page.locator("li[data-id]")).to_have_count(1)
    recognised.click()
    expect(page.get_by_text("Nothing recognised yet.")).to_be_visible()
    assert user.predict(3).status_code == 200
    page.goto(f"{visitor.home}/#/history")
    expect(recognised).to_have_attribute("aria-current", "page")
    expect(page.locator("li[data-id]")).to_have_count(1)
