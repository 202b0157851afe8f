"""Chromium, a service for the page alone, and visitors who notice every error."""

from __future__ import annotations

import base64
import itertools
import json
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Request,
    expect,
    sync_playwright,
)

from archive_scripts.archives.building import ROOT
from tests.support.apis import PASSWORD, Api
from tests.support.releases import Operator
from tests.support.running import Ranjana

SCREENSHOTS = ROOT / "screenshots"
"""Where pictures of every view are left to be looked at."""

# The first one is the same without a window's own pages, and starts a tab three times as fast.
_CHROMIUMS = ("chromium-headless-shell", "chromium", "chromium-browser")
_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
]

# What axe is to look for; in the dark only colours are different.
_RULES: dict[str, dict[str, object]] = {"light": {}, "dark": {"runOnly": ["color-contrast"]}}

_AXE = Axe().axe_script
_SERIOUS = """async (options) => {
  const { violations } = await axe.run(document, options);
  return violations.filter(({ impact }) => ["serious", "critical"].includes(impact));
}"""

_DROP = """([encoded, kind]) => {
  const bytes = Uint8Array.from(atob(encoded), (each) => each.charCodeAt(0));
  const transfer = new DataTransfer();
  transfer.items.add(new File([bytes], "dropped.png", { type: kind }));
  const options = { bubbles: true, cancelable: true, dataTransfer: transfer };
  document.body.dispatchEvent(new DragEvent("dragover", options));
  document.body.dispatchEvent(new DragEvent("drop", options));
}"""

_numbers = itertools.count(1)

# Two cores also run the models: what a user waits for is not to be timed here.
expect.set_options(timeout=20_000)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium. Playwright keeps an event loop running in this thread meanwhile, so that
    it must end before another module's tests want one.
    """
    chromium = next(filter(None, map(shutil.which, _CHROMIUMS)), None)
    if not chromium:
        pytest.skip("needs Chromium (on Debian: apt-get install chromium-headless-shell)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=_FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def site(ranjana: Ranjana, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """A service with a database of its own, and no limits on how often it is asked."""
    running = Api(tmp_path_factory.mktemp("site"), ranjana).wait_until_alive()
    yield running
    running.stop()


@dataclass
class Visitor:
    """A browser of its own, with nobody signed in yet."""

    site: Api | Operator
    context: BrowserContext
    home: str
    problems: list[str] = field(default_factory=list)
    """What the console and the network had to complain about."""

    def open(self, path: str = "/") -> Page:
        """A new tab with a view of the page: `path` is what stands after the `#`."""
        page = self.context.new_page()
        page.set_default_timeout(20_000)
        page.goto(f"{self.home}/#{path}")
        expect(page.locator("main h1").first).to_be_visible()
        return page

    def sign_up(self, role: str = "user", username: str | None = None) -> str:
        """Makes an account and signs in to it without the page; answers its name."""
        user = self.site.sign_up(username or f"visitor{next(_numbers)}")
        if role != "user":
            self.promote(user.username, role)
        self.sign_in(user.username)
        return user.username

    def sign_in(self, username: str) -> None:
        """Signs in to an account without the page."""
        fields = {"username": username, "password": PASSWORD}
        response = self.context.request.post(f"{self.home}/api/web-session/", data=fields)
        assert response.ok, response.text()
        script = 'try { localStorage.setItem("ranjana-signed-in", "yes") } catch {}'
        self.context.add_init_script(script)

    def promote(self, username: str, role: str) -> None:
        """Gives an account another role, as an operator would."""
        with sqlite3.connect(self.site.database_url.removeprefix("sqlite:///")) as database:
            database.execute("UPDATE users SET role = ? WHERE username = ?", (role, username))

    def api(self, page: Page, method: str, path: str, **options: Any) -> Any:
        """What the service answers to the page itself, as whoever is signed in there."""
        script = """async ([method, path, options]) =>
            (await import("/web/modules/api.js")).ask(method, path, options)"""
        return page.evaluate(script, [method, path, options])


@pytest.fixture
def visitor(browser: Browser, site: Api) -> Iterator[Visitor]:
    """Somebody with a new browser."""
    with visiting(browser, site) as somebody:
        yield somebody


@pytest.fixture
def telephone(browser: Browser, site: Api) -> Iterator[Visitor]:
    """Somebody with the smallest telephone."""
    size = {"width": 360, "height": 740}
    with visiting(browser, site, viewport=size, has_touch=True, is_mobile=True) as somebody:
        yield somebody


@contextmanager
def visiting(browser: Browser, site: Api | Operator, **options: Any) -> Iterator[Visitor]:
    """A visitor whose `problems` must be empty in the end: errors in the console, and requests to
    other hosts than the service. A test that provokes some takes them out.
    """
    home = f"http://127.0.0.1:{site.port}"
    context = browser.new_context(**options)
    visitor = Visitor(site, context, home)
    problems = visitor.problems

    def said(message: ConsoleMessage) -> None:
        if message.type == "error":
            problems.append(message.text)

    def asked(request: Request) -> None:
        if not request.url.startswith((f"{home}/", "data:", "blob:")):
            problems.append(f"asked {request.url}")

    context.on("console", said)
    context.on("weberror", lambda error: problems.append(str(error.error)))
    context.on("request", asked)
    try:
        yield visitor
    finally:
        context.close()
    assert problems == []


def refusals(visitor: Visitor, status: int) -> int:
    """How many answers of that status the console tells of; takes them out of the problems."""
    told = [problem for problem in visitor.problems if f"status of {status}" in problem]
    visitor.problems[:] = [problem for problem in visitor.problems if problem not in told]
    return len(told)


def look(page: Page, name: str) -> None:
    """Leaves pictures of a view in light and dark, and fails on what axe finds serious, or on a
    view that is wider than its window.
    """
    SCREENSHOTS.mkdir(exist_ok=True)
    wider = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert page.evaluate(wider) <= 0, f"{name} is {page.evaluate(wider)} pixels too wide"
    if not page.evaluate("'axe' in window"):
        page.evaluate(_AXE)
    for scheme, rules in _RULES.items():
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        page.screenshot(path=SCREENSHOTS / f"{name}-{scheme}.png", full_page=True)
        found = page.evaluate(_SERIOUS, {**rules, "resultTypes": ["violations"]})
        assert not found, f"{name}, {scheme}: {json.dumps(found, indent=1)[:3000]}"
    page.emulate_media(color_scheme="light", reduced_motion="reduce")


def draw(page: Page, strokes: list[list[tuple[float, float]]]) -> None:
    """Draws into the pad of a view by pointer events; places are shares of its side."""
    pad = page.locator("canvas.ink")
    pad.scroll_into_view_if_needed()
    box = pad.bounding_box()
    assert box
    for stroke in strokes:
        places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in stroke]
        page.mouse.move(*places[0])
        page.mouse.down()
        for place in places[1:]:
            page.mouse.move(*place)
        page.mouse.up()


def glyph_strokes(index: int) -> list[list[tuple[float, float]]]:
    """The strokes of a character's reference, as `draw` wants them."""
    strokes = json.loads((ROOT / "reference_images" / "strokes.json").read_text())[index]
    return [[(x, y) for x, y in stroke["points"]] for stroke in strokes]


def drop(page: Page, content: bytes, kind: str = "image/png") -> None:
    """Drops a file onto the page."""
    page.evaluate(_DROP, [base64.b64encode(content).decode(), kind])
