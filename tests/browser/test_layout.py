"""Layout of every view: nothing moves, overflows or overlaps, and fingers can hit everything."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.conftest import Visitor, draw, glyph_strokes, visit
from tests.support.apis import Api
from tests.support.pictures import encode, reference

VIEWS = [
    "/", "/recognise", "/practise", "/practise/2", "/session", "/name",
    "/worksheets", "/worksheets?group=consonant", "/worksheets?text=Ram",
    "/progress", "/history", "/history?kind=compared",
    "/account", "/jobs", "/models", "/models/ranjana", "/models/ranjana?part=card",
    "/models/digits?part=figures", "/models/similarity?part=release",
    "/models/ranjana?part=corrections", "/operate", "/training", "/users", "/audit", "/settings",
]  # fmt: skip
SIGNED_OUT = [
    "/",
    "/recognise",
    "/practise",
    "/worksheets",
    "/progress",
    "/sign-in",
    "/sign-up",
    "/models",
    "/nowhere",
]

# Layout shift since the document began, without what the visitor caused.
SHIFT = """() => new Promise((resolve) => {
  let sum = 0;
  new PerformanceObserver((list) => {
    for (const each of list.getEntries()) if (!each.hadRecentInput) sum += each.value;
  }).observe({ type: "layout-shift", buffered: true });
  setTimeout(() => resolve(sum), 100);
})"""

# What a finger cannot hit: an edge shorter than 44 pixels. Links within a sentence, what another
# element shows in its place, and what lies in a table are exempt, as in WCAG 2.5.8.
SMALL = """() => {
  const inText = (each) => each.matches("a") && getComputedStyle(each).display === "inline"
    && each.parentElement.textContent.trim() !== each.textContent.trim();
  const hidden = (each) => each.matches(".skip, .visually-hidden")
    || !each.checkVisibility({ visibilityProperty: true }) || each.closest(".matrix, svg");
  const target = (each) => each.matches("input[type=checkbox], input[type=radio]")
    ? each.closest("label") : each;
  return [...document.querySelectorAll("a, button, input, select, textarea, summary")]
    .filter((each) => !hidden(each) && !inText(each))
    .map((each) => [each, target(each).getBoundingClientRect()])
    .filter(([, { width, height }]) => width < 43.9 || height < 43.9)
    .map(([each, { width, height }]) =>
      `${each.outerHTML.slice(0, 160)} ${Math.round(width)}x${Math.round(height)}`).slice(0, 4);
}"""

# Controls and texts that stick out of the window, or lie over each other.
COLLISIONS = """() => {
  const scrolls = ".scroll, .tabs, .matrix-frame, .visually-hidden, .skip, svg, [popover], .marked";
  const seen = [...document.querySelectorAll(
    "a, button, input:not([type=radio], [type=checkbox]), select, summary,"
    + "h1, h2, h3, dt, dd, p, li"
  )].filter((each) => each.checkVisibility() && !each.closest(scrolls) && each.textContent !== null
    && each.getClientRects().length && (each.textContent.trim() || each.matches("input, select")));
  const name = (each) => `${each.tagName} "${each.textContent.trim().slice(0, 40)}"`;
  const found = [];
  const { clientWidth } = document.documentElement;
  const boxes = seen.map((each) => [each, each.getBoundingClientRect()]);
  for (const [each, box] of boxes) {
    if (box.right > clientWidth + 1 || box.left < -1) found.push(`${name(each)} sticks out`);
    const style = getComputedStyle(each);
    const cut = style.overflowX === "visible" && each.scrollWidth > each.clientWidth + 1;
    if (cut && style.display !== "inline") found.push(`${name(each)} overflows`);
  }
  const controls = boxes.filter(([each]) => each.matches("a, button, input, select, summary"));
  controls.forEach(([one, a], index) => {
    for (const [other, b] of controls.slice(index + 1)) {
      if (one.contains(other) || other.contains(one)) continue;
      const across = Math.min(a.right, b.right) - Math.max(a.left, b.left);
      const down = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
      if (across > 2 && down > 2) found.push(`${name(one)} lies over ${name(other)}`);
    }
  });
  return found.slice(0, 4);
}"""


def settled(page: Page, path: str) -> Page:
    """Opens a view in a new document and waits until it has loaded everything."""
    page.goto("about:blank")
    page.goto(path, wait_until="networkidle")
    expect(page.locator("main h1").first).to_be_visible()
    return page


@pytest.fixture(scope="module")
def grown_up(browser: Browser, site: Api) -> Iterator[Visitor]:
    """An administrator with a history, with a phone. Loads every view."""
    size = {"width": 360, "height": 740}
    with visit(browser, site, viewport=size, has_touch=True, is_mobile=True) as visitor:
        user = site.sign_up("layout_of_a_very_long_name_30")
        visitor.promote(user.username, "admin")
        for index in range(4):
            assert user.predict(index).status_code == 200
            assert user.compare(index).status_code == 200
        images = [("images", (f"{n}.png", encode(reference(n)))) for n in range(2)]
        assert user.post("/api/jobs/predict/", files=images).status_code == 202
        visitor.sign_in(user.username)
        yield visitor


def pages_of(visitor: Visitor, paths: list[str]) -> Iterator[tuple[str, Page]]:
    page = visitor.context.new_page()
    for path in paths:
        yield path, settled(page, f"{visitor.home}/#{path}")
    page.close()


@pytest.mark.parametrize("size", [(360, 740), (1280, 800)])
@pytest.mark.thorough("size1")
def test_no_view_moves_what_it_has_shown(grown_up: Visitor, size: tuple[int, int]) -> None:
    page = grown_up.context.new_page()
    page.set_viewport_size({"width": size[0], "height": size[1]})
    network = grown_up.context.new_cdp_session(page)
    # Pictures and figures come late, as on a phone.
    slow = {"offline": False, "latency": 50, "downloadThroughput": 1e6, "uploadThroughput": 1e6}
    network.send("Network.enable")
    network.send("Network.emulateNetworkConditions", slow)
    shifts = {}
    for path in VIEWS:
        settled(page, f"{grown_up.home}/#{path}")
        shifts[path] = page.evaluate(SHIFT)
    settled(page, f"{grown_up.home}/#/recognise")
    draw(page, glyph_strokes(12))
    expect(page.locator(".result .headline")).to_contain_text("ड dda")
    shifts["a prediction comes"] = page.evaluate(SHIFT)
    grown_up.context.set_offline(True)
    expect(page.locator(".connection")).to_be_visible()
    shifts["the network goes"] = page.evaluate(SHIFT)
    grown_up.context.set_offline(False)
    page.close()
    assert all(shift < 0.05 for shift in shifts.values()), shifts


def test_every_control_is_large_enough_for_a_finger(grown_up: Visitor, phone: Visitor) -> None:
    small = {path: page.evaluate(SMALL) for path, page in pages_of(grown_up, VIEWS)}
    small |= {f"out {path}": page.evaluate(SMALL) for path, page in pages_of(phone, SIGNED_OUT)}
    assert not any(small.values()), json.dumps(small, indent=1)


@pytest.mark.parametrize("language", ["en", "ne"])
@pytest.mark.thorough("en")
def test_text_of_twice_the_size_fits(grown_up: Visitor, language: str) -> None:
    found = {}
    page = grown_up.context.new_page()
    sizes = grown_up.context.new_cdp_session(page)
    sizes.send("Page.setFontSizes", {"fontSizes": {"standard": 32, "fixed": 26}})
    page.add_init_script(
        f'if (origin !== "null") localStorage.setItem("ranjana-language", "{language}")'
    )
    for path in VIEWS:
        settled(page, f"{grown_up.home}/#{path}")
        assert page.evaluate("getComputedStyle(document.documentElement).fontSize") == "32px"
        wider = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        found[path] = page.evaluate(COLLISIONS) + ([f"{wider} too wide"] if wider > 0 else [])
    page.close()
    assert not any(found.values()), json.dumps(found, indent=1, ensure_ascii=False)


def test_the_header_is_one_row_on_a_phone(grown_up: Visitor, phone: Visitor) -> None:
    for visitor, language in ((phone, "en"), (grown_up, "en"), (grown_up, "ne")):
        page = visitor.context.new_page()
        page.add_init_script(f'localStorage.setItem("ranjana-language", "{language}")')
        page.goto(visitor.home)
        header = page.locator("header.frame")
        expect(header.get_by_role("link").first).to_be_visible()
        box = header.bounding_box()
        assert box
        assert box["height"] <= 52
        assert page.evaluate("document.documentElement.scrollWidth") == 360
        page.close()
    page = grown_up.open()
    page.evaluate('localStorage.setItem("ranjana-language", "en")')
    page.reload()
    account = page.get_by_role("link", name="layout_of_a_very_long_name_30")
    expect(account).to_be_hidden()
    page.get_by_role("button", name="Display and account").click()
    expect(account).to_be_visible()
    box = account.bounding_box()
    assert box
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 360
    page.get_by_label("Language", exact=True).select_option(label="नेपाली")
    expect(page.get_by_role("heading", level=1)).to_have_text("यो कुन अक्षर हो?")


def landscape() -> dict[str, Any]:
    return {"viewport": {"width": 740, "height": 360}, "has_touch": True, "is_mobile": True}


def test_on_its_side_the_pad_is_as_high_as_the_window_and_at_the_writing_hand(
    browser: Browser, site: Api
) -> None:
    with visit(browser, site, **landscape()) as visitor:
        page = visitor.open()
        pad = page.locator(".pad")

        def box() -> dict[str, float]:
            found = pad.bounding_box()
            assert found
            return dict(found)

        assert box()["height"] >= 360 - 20
        assert box()["y"] >= 0
        assert box()["x"] + box()["width"] > 720
        draw(page, glyph_strokes(12))
        expect(page.locator(".result .headline")).to_contain_text("ड dda")
        page.locator(".result").scroll_into_view_if_needed()
        assert box()["y"] < 20  # it stays
        # Nothing lies under it.
        assert not page.evaluate(COLLISIONS)
        beside = page.locator("main").bounding_box()
        assert beside
        assert beside["x"] + beside["width"] <= box()["x"] + 1
        page.evaluate("scrollTo(0, 0)")
        page.get_by_role("button", name="Pen").click()
        page.get_by_label("I write with the left hand").check()
        assert box()["x"] < 20
        page.reload()
        expect(pad).to_be_visible()
        assert box()["x"] < 20
        assert page.evaluate("document.documentElement.scrollWidth") == 740
        tools = page.locator(".tools")
        last = tools.get_by_role("button").last.bounding_box()
        whole = tools.bounding_box()
        assert last
        assert whole
        assert abs(last["x"] + last["width"] - whole["x"] - whole["width"]) < 2


def test_nothing_lies_under_a_notch(browser: Browser, site: Api) -> None:
    for width, height in ((360, 740), (740, 360)):
        size = {"width": width, "height": height}
        with visit(browser, site, viewport=size, has_touch=True, is_mobile=True) as visitor:
            page = visitor.context.new_page()
            insets(visitor.context, page, {"top": 30, "left": 40, "right": 40, "bottom": 20})
            page.goto(f"{visitor.home}/#/recognise")
            expect(page.locator("main h1")).to_be_visible()
            for selector in ("header.frame a", "header.frame button", "main h1", ".pad"):
                for each in page.locator(selector).all():
                    if not each.is_visible():
                        continue
                    box = each.bounding_box()
                    assert box
                    assert box["x"] >= 40 - 1, selector
                    assert box["x"] + box["width"] <= width - 40 + 1, selector
                    assert box["y"] >= 30 - 1, selector
            pad = page.locator(".pad").bounding_box()
            assert pad
            assert height > width or pad["y"] + pad["height"] <= height - 20


def insets(context: BrowserContext, page: Page, sides: dict[str, int]) -> None:
    """Gives a page the safe areas of a phone with a notch."""
    network = context.new_cdp_session(page)
    network.send("Emulation.setSafeAreaInsetsOverride", {"insets": sides})
