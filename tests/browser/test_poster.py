"""The poster of one's own best letters."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visitor, check_view, take_errors
from tests.support.apis import User
from tests.support.pictures import encode, reference

# Of views/poster/picture.js.
TILE, GAP, MARGIN, HEADER, FAMILY, NAME = 120, 12, 60, 150, 44, 26
ROW = FAMILY + TILE + NAME + GAP


def compare(user: User, written: int, target: int, help: str = "none") -> int:
    data = {"target_class": str(target), "help": help}
    image = {"image": encode(reference(written))}
    answer = user.post("/api/similarity/", files=image, data=data)
    assert answer.status_code == 200, answer.text
    return int(answer.json()["comparison_id"])


def saved(page: Page) -> Image.Image:
    with page.expect_download() as download:
        page.get_by_role("button", name="Save the picture").click()
    assert re.fullmatch(r"ranjana-\d{4}-\d\d-\d\d\.png", download.value.suggested_filename)
    with Image.open(Path(download.value.path())) as picture:
        return picture.convert("L")


def tile(picture: Image.Image, row: int, column: int) -> np.ndarray:
    """A tile without its frame, scaled to the size of a reference picture."""
    left, top = MARGIN + column * (TILE + GAP), MARGIN + HEADER + row * ROW + FAMILY
    inner = picture.crop((left, top, left + TILE, top + TILE)).resize((256, 256))
    return np.asarray(inner, float)[8:-8, 8:-8]


def likeness(found: np.ndarray, index: int) -> float:
    """How much the tile looks like the reference, -1 to 1."""
    expected = np.asarray(reference(index), float)[8:-8, 8:-8]
    return float(np.corrcoef(found.ravel(), expected.ravel())[0, 1])


def test_a_visitor_signs_in_first(visitor: Visitor) -> None:
    page = visitor.open("/poster")
    expect(page.get_by_role("heading", level=1)).not_to_have_text("Your poster")
    expect(page.locator("main").get_by_role("link", name="Sign in")).to_be_visible()


def test_the_poster_has_the_best_of_what_was_written(visitor: Visitor) -> None:
    username = visitor.sign_up()
    user = visitor.site.sign_in(username)
    page = visitor.open("/progress")
    page.get_by_role("link", name="A poster of your best letters").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Your poster")
    name = f"0 of 62 letters of Ranjana, written by {username}"
    expect(page.get_by_role("img", name=name)).to_be_visible()
    empty = saved(page)

    # ग, the first tile: from memory ख was written for it, which is better than ग traced. न, the
    # second one, was hinted twice, once well. The first digit was written from memory.
    for written, target, help in ((2, 2, "traced"), (1, 2, "none"), (19, 19, "hinted")):
        compare(user, written, target, help)
    compare(user, 5, 19, "hinted")
    compare(user, 52, 52)
    page.reload()
    name = f"3 of 62 letters of Ranjana, written by {username}"
    expect(page.get_by_role("img", name=name)).to_be_visible()
    check_view(page, "poster-desktop")
    picture = saved(page)
    assert picture.size == (1428, empty.height)
    for (row, column), written in {(0, 0): 1, (0, 1): 19, (8, 0): 52}.items():
        found = tile(picture, row, column)
        assert found.min() < 80
        assert likeness(found, written) > 0.65
        # Before, the reference of the letter stood there, faintly.
        assert 200 < tile(empty, row, column).min() < 240
    first = tile(picture, 0, 0)
    assert likeness(first, 1) > likeness(first, 2) + 0.05
    assert likeness(tile(empty, 0, 0), 2) > 0.8
    assert likeness(tile(picture, 0, 2), 26) > 0.8
    assert tile(picture, 0, 2).min() > 200
    page.get_by_label("Language").select_option("ne")
    expect(page.get_by_role("heading", level=1)).to_have_text("तपाईंको पोस्टर")
    check_view(page, "poster-desktop-ne")


def test_a_letter_whose_picture_is_gone_is_open_again(phone: Visitor) -> None:
    username = phone.sign_up()
    user = phone.site.sign_in(username)
    kept, gone = compare(user, 2, 2), compare(user, 19, 19)
    page = phone.open("/progress")
    # It is deleted in another tab while the poster is made.
    page.route(
        f"**/similarities/{gone}/overlay/",
        lambda route: (user.delete(f"/api/history/similarities/{gone}/"), route.continue_()),
    )
    page.goto(f"{phone.home}/#/poster")
    name = f"1 of 62 letters of Ranjana, written by {username}"
    expect(page.get_by_role("img", name=name)).to_be_visible()
    assert take_errors(phone, 404) == 1
    check_view(page, "poster-phone")
    assert user.get(f"/api/history/similarities/{kept}/").status_code == 200
