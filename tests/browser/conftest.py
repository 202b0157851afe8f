"""Fixtures: Chromium, a service for the page, and visitors that record every error."""

from __future__ import annotations

import base64
import itertools
import json
import os
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
from tests.support.strokes import references

SCREENSHOTS = ROOT / "screenshots" if os.environ.get("SCREENSHOTS") else None
"""Folder for screenshots of every view, to be checked by eye: `make thorough SCREENSHOTS=yes`. They
take half a second each.
"""

# The headless shell opens a tab three times as fast, because it has no user interface.
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

# Options of axe. In the dark theme only the colours differ.
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

# Imports a module of the open page, by its path in `auth_api/web`.
_MODULES = """globalThis.ranjana = (path) => import(
  new URL(`../${path}`, document.querySelector("script[type=module]").src).href);"""

_numbers = itertools.count(1)

# Generous, because two cores also run the models. These tests do not measure time.
expect.set_options(timeout=20_000)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium. One per module, because Playwright keeps an event loop running in this
    thread, and tests of other modules need their own.
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
    """A service with its own database and without rate limits."""
    running = Api(tmp_path_factory.mktemp("site"), ranjana).wait_until_alive()
    yield running
    running.stop()


@dataclass
class Visitor:
    """A browser context of its own. Nobody is signed in."""

    site: Api | Operator
    context: BrowserContext
    home: str
    errors: list[str] = field(default_factory=list)
    """Errors in the console, and requests to other hosts."""

    def open(self, path: str = "/recognise") -> Page:
        """Opens a tab. `path` is the path of a view, after the `#`."""
        page = self.context.new_page()
        page.set_default_timeout(20_000)
        page.goto(f"{self.home}/#{path}")
        expect(page.locator("main h1").first).to_be_visible()
        return page

    def hide_guide_lines(self) -> None:
        """Leaves the pad empty but for what a test is about."""
        self._remember("guide-lines", "off")

    def write_freely(self) -> None:
        """Switches off the judging of strokes when the pen lifts."""
        self._remember("judging", "off")

    def _remember(self, name: str, value: str) -> None:
        script = f'try {{ localStorage.setItem("ranjana-{name}", "{value}") }} catch {{}}'
        self.context.add_init_script(script)

    def sign_up(self, role: str = "user", username: str | None = None) -> str:
        """Creates an account and signs in, without the page. Returns the username."""
        user = self.site.sign_up(username or f"visitor{next(_numbers)}")
        if role != "user":
            self.promote(user.username, role)
        self.sign_in(user.username)
        return user.username

    def sign_in(self, username: str) -> None:
        """Signs in without the page."""
        fields = {"username": username, "password": PASSWORD}
        response = self.context.request.post(f"{self.home}/api/web-session/", data=fields)
        assert response.ok, response.text()
        self._remember("signed-in", "yes")

    def promote(self, username: str, role: str) -> None:
        """Changes the role of an account in the database."""
        with sqlite3.connect(self.site.database_url.removeprefix("sqlite:///")) as database:
            database.execute("UPDATE users SET role = ? WHERE username = ?", (role, username))

    def api(self, page: Page, method: str, path: str, **options: Any) -> Any:
        """Sends a request from the page, as its signed-in user. Returns the response."""
        script = """async ([method, path, options]) =>
            (await ranjana("modules/api.js")).request(method, path, options)"""
        return page.evaluate(script, [method, path, options])


@pytest.fixture
def visitor(browser: Browser, site: Api) -> Iterator[Visitor]:
    """A visitor with a new browser."""
    with visit(browser, site) as visitor:
        yield visitor


@pytest.fixture
def phone(browser: Browser, site: Api) -> Iterator[Visitor]:
    """A visitor with a very small phone."""
    size = {"width": 360, "height": 740}
    with visit(browser, site, viewport=size, has_touch=True, is_mobile=True) as visitor:
        yield visitor


@contextmanager
def visit(browser: Browser, site: Api | Operator, **options: Any) -> Iterator[Visitor]:
    """A visitor whose `errors` must be empty at the end. Tests remove the errors they provoke.

    There is no service worker unless the options allow it: tests see requests and answer them
    themselves, which they could not for requests that a service worker answers.
    """
    home = f"http://127.0.0.1:{site.port}"
    # Nobody sees the animations, which take the time of a core.
    usual = {"service_workers": "block", "reduced_motion": "reduce"}
    context = browser.new_context(**{**usual, **options})
    context.add_init_script(_MODULES)
    visitor = Visitor(site, context, home)
    errors = visitor.errors

    def on_console(message: ConsoleMessage) -> None:
        if message.type == "error":
            errors.append(message.text)

    def on_request(request: Request) -> None:
        if not request.url.startswith((f"{home}/", "data:", "blob:")):
            errors.append(f"request to {request.url}")

    context.on("console", on_console)
    context.on("weberror", lambda error: errors.append(str(error.error)))
    context.on("request", on_request)
    try:
        yield visitor
    finally:
        context.close()
    assert errors == []


def take_errors(visitor: Visitor, status: int) -> int:
    """Removes the console errors about responses with `status`. Returns their number."""
    taken = [error for error in visitor.errors if f"status of {status}" in error]
    visitor.errors[:] = [error for error in visitor.errors if error not in taken]
    return len(taken)


def check_view(page: Page, name: str) -> None:
    """Fails if the view is wider than its window, or if axe finds a serious accessibility problem
    in one of the themes. Takes screenshots of both if they are wanted.
    """
    wider = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert page.evaluate(wider) <= 0, f"{name} is {page.evaluate(wider)} pixels too wide"
    if not page.evaluate("'axe' in window"):
        page.evaluate(_AXE)
    for scheme, rules in _RULES.items():
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        if SCREENSHOTS:
            SCREENSHOTS.mkdir(exist_ok=True)
            # JPEG takes half the time of PNG.
            page.screenshot(path=SCREENSHOTS / f"{name}-{scheme}.jpg", quality=90, full_page=True)
        found = page.evaluate(_SERIOUS, {**rules, "resultTypes": ["violations"]})
        assert not found, f"{name}, {scheme}: {json.dumps(found, indent=1)[:3000]}"
    page.emulate_media(color_scheme="light", reduced_motion="reduce")


def choose_language(page: Page, tag: str) -> None:
    """Chooses a language in the header, which has it in a menu on a phone."""
    menu = page.locator("header .menu")
    if menu.is_visible():
        menu.click()
    page.locator("header select").select_option(tag)
    expect(page.locator("html")).to_have_attribute("lang", tag)


def draw(page: Page, strokes: list[list[tuple[float, float]]]) -> None:
    """Draws on the pad with the mouse. Points are fractions of its side."""
    pad = page.locator("canvas.ink")
    pad.scroll_into_view_if_needed()
    box = pad.bounding_box()
    assert box
    for stroke in strokes:
        points = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in stroke]
        page.mouse.move(*points[0])
        page.mouse.down()
        for point in points[1:]:
            page.mouse.move(*point)
        page.mouse.up()


def glyph_strokes(index: int) -> list[list[tuple[float, float]]]:
    """The strokes of a character's reference, for `draw`."""
    return [[*stroke] for stroke in references()[index]]


def drop(page: Page, content: bytes, kind: str = "image/png") -> None:
    """Drops a file onto the page."""
    page.evaluate(_DROP, [base64.b64encode(content).decode(), kind])
