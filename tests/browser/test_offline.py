"""The installed page: without the network, with attempts that wait, and through an upgrade."""

from __future__ import annotations

import io
import json
import re
import shutil
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from archive_scripts.archives.building import ROOT
from tests.browser.conftest import Visitor, draw, glyph_strokes, visit
from tests.support.apis import PASSWORD, Api, User
from tests.support.running import Ranjana, wait_for

SIMILARITIES = "/api/history/similarities/"
VERSION = "document.querySelector('script[type=module]').src.split('/')[4]"
KEEP = """async ([strokes, late]) => {
  const { keep, newAttempt } = await ranjana("modules/outbox.js");
  const writing = { strokes, pen: "round" };
  const fields = { class: 2, writing, help: "traced", strictness: "normal" };
  const attempt = newAttempt(fields);
  await keep(late ? { ...attempt, written_at: "2020-01-01T00:00:00Z" } : attempt);
}"""
NOTE_CHANGE = """() => {
  navigator.serviceWorker.oncontrollerchange = () => { globalThis.changed = true; };
}"""
CONTROLLED = "() => navigator.serviceWorker.controller !== null"


@pytest.fixture
def learner(browser: Browser, site: Api) -> Iterator[Visitor]:
    """A visitor whose browser may install the page."""
    with visit(browser, site, service_workers="allow") as visitor:
        yield visitor


def install(visitor: Visitor, path: str = "/practise") -> Page:
    """Opens the page and waits until the service worker answers for it."""
    page = visitor.open(path)
    page.wait_for_function(CONTROLLED)
    return page


def go_offline(visitor: Visitor, offline: bool = True) -> None:
    visitor.context.set_offline(offline)
    if not offline:
        # The browser reports the requests that failed.
        visitor.errors[:] = [each for each in visitor.errors if "ERR_INTERNET" not in each]


def write(page: Page, visitor: Visitor, index: int) -> None:
    """Writes a character and asks for the comparison."""
    page.goto(f"{visitor.home}/#/practise/{index}")
    expect(page.locator("canvas.ink")).to_be_visible()
    draw(page, glyph_strokes(index))
    page.get_by_role("button", name="Compare", exact=True).click()


def kept(page: Page) -> int:
    """The number of attempts that are kept for the user of the page, or for the guest."""
    return int(page.evaluate("ranjana('modules/outbox.js').then(({ count }) => count())"))


def waiting(page: Page) -> Any:
    return page.locator(".connection").get_by_text(re.compile("wait"))


def compared(user: User) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = user.get(SIMILARITIES).json()["results"]
    return found


def asked(site: Api, start: int) -> list[str]:
    """The paths of all requests that the service got, from a position in its log on."""
    lines = site.log.read_text()[start:].splitlines()
    entries = [json.loads(line) for line in lines if '"message":"request"' in line]
    return [entry["path"] for entry in entries]


# Installation


def test_the_page_can_be_installed(learner: Visitor) -> None:
    page = install(learner, "/")
    devtools = learner.context.new_cdp_session(page)
    found = devtools.send("Page.getAppManifest")
    assert found["url"] == f"{learner.home}/manifest.webmanifest"
    assert found["errors"] == []
    assert devtools.send("Page.getInstallabilityErrors")["installabilityErrors"] == []
    manifest = json.loads(found["data"])
    assert (manifest["start_url"], manifest["display"]) == ("/", "standalone")
    purposes = {(icon["sizes"], icon.get("purpose", "any")) for icon in manifest["icons"]}
    assert purposes == {("192x192", "any"), ("512x512", "any"), ("512x512", "maskable")}
    icons = {icon["src"]: icon["sizes"] for icon in manifest["icons"]}
    icons[page.locator("link[rel=apple-touch-icon]").get_attribute("href") or ""] = "180x180"
    for address, size in icons.items():
        response = learner.context.request.get(f"{learner.home}{address}")
        with Image.open(io.BytesIO(response.body())) as picture:
            assert "x".join(map(str, picture.size)) == size
            if "512" in size and "maskable" in address:
                assert picture.convert("RGBA").getpixel((0, 0)) == (163, 39, 31, 255)


def test_a_browser_without_service_workers_shows_the_page_as_before(visitor: Visitor) -> None:
    page = visitor.open("/practise")
    expect(page.locator(".character")).to_have_count(62)
    assert page.evaluate("navigator.serviceWorker.getRegistrations()") == []


# Caching


@pytest.mark.parametrize("workers", ["allow", "block"])
@pytest.mark.thorough("block")
def test_a_second_visit_asks_for_no_file_again(browser: Browser, site: Api, workers: str) -> None:
    with visit(browser, site, service_workers=workers) as visitor:
        page = visitor.open("/practise")
        expect(page.locator(".character")).to_have_count(62)
        page.wait_for_load_state("networkidle")
        if workers == "allow":
            page.wait_for_function(CONTROLLED)
        for glyph in page.locator(".character img").all():
            glyph.scroll_into_view_if_needed()  # they load when they come into view
        page.wait_for_load_state("networkidle")
        page.close()
        start = len(site.log.read_text())
        again = visitor.open("/practise")
        expect(again.locator(".character")).to_have_count(62)
        again.wait_for_load_state("networkidle")
        paths = asked(site, start)
        assert [path for path in paths if path.startswith(("/web/", "/api/characters"))] == []
        pairs = "/api/models/ranjana/confused-pairs/"  # may change while the page is open
        assert set(paths) <= {"/", "/service-worker.js", "/manifest.webmanifest", pairs}


def test_answers_about_the_learner_are_never_stored(learner: Visitor) -> None:
    learner.sign_up()
    page = install(learner, "/progress")
    page.reload()
    expect(page.get_by_role("heading", name="Your progress")).to_be_visible()
    stored = page.evaluate(
        """async () => (await Promise.all((await caches.keys()).map(async (name) =>
            (await (await caches.open(name)).keys()).map(({ url }) => new URL(url).pathname))))
          .flat()"""
    )
    assert len(stored) > 100
    assert all(re.match("/web/|/api/characters/", path) for path in stored)


# Without the network


def test_the_page_opens_and_practises_without_the_network(learner: Visitor) -> None:
    page = install(learner)
    page.close()
    go_offline(learner)
    page = learner.open("/practise")
    expect(page.locator(".character")).to_have_count(62)
    expect(page.get_by_text("You are offline.")).to_be_visible()
    for glyph in page.locator(".character img").all():
        glyph.scroll_into_view_if_needed()
        page.wait_for_function("(image) => image.naturalWidth === 256", arg=glyph.element_handle())
    write(page, learner, 2)
    expect(page.get_by_text("This needs the network, and you are offline.")).to_be_visible()
    assert kept(page) == 1
    expect(waiting(page)).to_have_count(0)  # nobody is signed in who could send it
    page.goto(f"{learner.home}/#/models")
    expect(page.get_by_text("This needs the network, and you are offline.")).to_be_visible()
    go_offline(learner, False)


@pytest.mark.thorough
def test_a_signed_in_learner_is_not_asked_to_sign_in_without_the_network(
    learner: Visitor,
) -> None:
    learner.sign_up()
    page = install(learner, "/progress")
    go_offline(learner)
    page.reload()
    needed = page.get_by_text("This needs the network, and you are offline.")
    expect(needed).to_be_visible()
    go_offline(learner, False)
    expect(page.get_by_role("heading", name="Your progress")).to_be_visible()
    expect(needed).to_have_count(0)


def test_attempts_written_offline_are_sent_once_from_two_tabs(learner: Visitor) -> None:
    user = learner.site.sign_in(learner.sign_up())
    page, other = install(learner), install(learner)
    go_offline(learner)
    started = datetime.now().astimezone()
    for number, index in enumerate((2, 2, 5), 1):
        write(page, learner, index)
        expect(waiting(page)).to_have_text(re.compile(rf"\b{number} attempts? waits? to be sent"))
        page.goto(f"{learner.home}/#/practise")
        expect(page.locator(".character")).to_have_count(62)
    expect(waiting(other)).to_have_text(re.compile("3 attempts wait to be sent"))
    page.reload()  # the browser may close meanwhile
    expect(waiting(page)).to_have_text(re.compile("3 attempts wait to be sent"))
    ended = datetime.now().astimezone()
    assert compared(user) == []
    time.sleep(2)
    go_offline(learner, False)
    for tab in (page, other):
        expect(waiting(tab)).to_have_count(0)
    entries = compared(user)
    assert [entry["compared_with_class"] for entry in entries] == [5, 2, 2]
    for entry in entries:
        assert started < datetime.fromisoformat(entry["written_at"]) < ended
        assert entry["score"] >= 90
    for tab in (page, other):
        tab.reload()
        expect(tab.locator("main h1").first).to_be_visible()
    assert len(compared(user)) == 3


def test_an_attempt_that_the_service_refuses_for_good_waits_no_longer(visitor: Visitor) -> None:
    user = visitor.site.sign_in(visitor.sign_up())
    page = visitor.open("/practise")
    page.evaluate(KEEP, [glyph_strokes(2), True])
    page.evaluate(KEEP, [glyph_strokes(2), False])
    assert kept(page) == 2
    page.evaluate("ranjana('modules/outbox.js').then(({ send }) => send())")
    assert kept(page) == 0
    assert [entry["help"] for entry in compared(user)] == ["traced"]
    assert [error for error in visitor.errors if "400" in error]
    visitor.errors.clear()


def test_deleting_the_account_deletes_what_waits(visitor: Visitor) -> None:
    username = visitor.sign_up()
    page = visitor.open("/account")
    owner = visitor.api(page, "GET", "/api/me/")["id"]
    left = "async (id) => (await (await ranjana('modules/attempt-store.js')).attemptsOf(id)).length"
    page.evaluate(KEEP, [glyph_strokes(2), False])
    assert page.evaluate(left, owner) == 1
    page.get_by_text("I want to leave").click()
    page.get_by_label("Type your username").fill(username)
    page.get_by_role("button", name="Delete my account").click()
    expect(page.get_by_role("link", name="Sign in")).to_be_visible()
    assert page.evaluate(left, owner) == 0


def test_the_oldest_of_too_many_attempts_go(visitor: Visitor) -> None:
    page = visitor.open("/practise")
    page.evaluate(
        """async () => {
          const { put } = await ranjana("modules/attempt-store.js");
          const at = (n) => new Date(Date.UTC(2026, 0, 1) + n * 1000).toISOString();
          const made = (_, n) => ({ id: String(n), user: null, written_at: at(n) });
          await put(Array.from({ length: 503 }, made));
        }"""
    )
    assert kept(page) == 500
    script = "ranjana('modules/attempt-store.js').then(({ attemptsOf }) => attemptsOf(null))"
    assert page.evaluate(script)[0]["id"] == "3"


# Guests


def test_what_a_guest_wrote_becomes_that_of_the_account(visitor: Visitor) -> None:
    page = visitor.open("/practise")
    for index, name in ((2, "ग ga"), (5, "च ca")):
        page.goto(f"{visitor.home}/#/practise/{index}")
        expect(page.get_by_role("heading", level=1)).to_have_text(name)
        write(page, visitor, index)
        expect(page.locator(".score strong")).to_be_visible()
    # The same drawing judged again is the same attempt.
    page.get_by_label("Strict").check()
    expect(page.locator(".outcome")).to_have_attribute("aria-busy", "false")
    assert kept(page) == 2
    written = datetime.now().astimezone()
    time.sleep(2)
    page.goto(f"{visitor.home}/#/sign-up")
    username = f"guest{time.time_ns()}"
    page.get_by_label("Username").fill(username)
    page.get_by_label("E-mail").fill(f"{username}@example.org")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign up").click()
    expect(page.get_by_role("link", name=username)).to_be_visible()
    user = visitor.site.sign_in(username)
    wait_for(lambda: len(compared(user)) == 2, 20)
    page.wait_for_function("async () => !(await (await ranjana('modules/outbox.js')).count())")
    entries = compared(user)
    assert [entry["compared_with_class"] for entry in entries] == [5, 2]
    for entry in entries:
        moment = datetime.fromisoformat(entry["written_at"])
        assert written - timedelta(minutes=1) < moment < written
        assert datetime.fromisoformat(entry["created_at"]) > written
    assert entries[0]["strictness"] == "strict"
    assert user.get("/api/progress/").json()["totals"]["attempts"] == 2
    page.goto(f"{visitor.home}/#/history?kind=compared")
    expect(page.locator("li[data-id]")).to_have_count(2)


# An upgrade


@pytest.mark.thorough
def test_an_upgrade_comes_at_the_next_visit_and_never_mixes_versions(
    browser: Browser, ranjana: Ranjana, tmp_path: Path
) -> None:
    site = Api(tmp_path / "site", ranjana).wait_until_alive()
    newer = tmp_path / "newer"
    for folder in ("auth_api", "handlers", "reference_images", "launcher"):
        shutil.copytree(ROOT / folder, newer / folder)
    (newer / "model_store").symlink_to(ROOT / "model_store")
    changed = {
        "strings/en/practise.js": ('"practise.title": "', '"practise.title": "New: '),
        "views/progress.js": ("export default", "globalThis.newer = true;\nexport default"),
    }
    for name, (before, after) in changed.items():
        path = newer / "auth_api" / "web" / name
        assert before in path.read_text()
        path.write_text(path.read_text().replace(before, after, 1))
    try:
        with visit(browser, site, service_workers="allow") as visitor:
            visitor.sign_up()
            page = install(visitor)
            old = page.evaluate(VERSION)
            title = page.get_by_role("heading", level=1)
            before = title.inner_text()
            site.stop()
            upgraded = Api(site.folder, ranjana, root=newer, port=site.port).wait_until_alive()
            try:
                page.reload()  # the older version, at once
                assert (page.evaluate(VERSION), title.inner_text()) == (old, before)
                # Chromium loses a navigation that begins while the worker changes, so wait for it.
                page.evaluate(NOTE_CHANGE)
                page.wait_for_function("() => globalThis.changed")
                fresh = visitor.context.new_page()
                fresh.goto(f"{visitor.home}/#/practise")
                expect(fresh.get_by_role("heading", level=1)).to_have_text(f"New: {before}")
                # The open page goes on with its own files, also those it had not loaded yet.
                page.goto(f"{visitor.home}/#/progress")
                expect(page.get_by_role("heading", name="Your progress")).to_be_visible()
                assert page.evaluate("globalThis.newer") is None
                assert fresh.evaluate(VERSION) != old
                fresh.goto(f"{visitor.home}/#/progress")
                expect(fresh.get_by_role("heading", name="Your progress")).to_be_visible()
                assert fresh.evaluate("globalThis.newer") is True
                loaded = "performance.getEntriesByType('resource').map(({ name }) => name)"
                for tab, version in ((page, old), (fresh, fresh.evaluate(VERSION))):
                    files = [name for name in tab.evaluate(loaded) if "/web/" in name]
                    assert {name.split("/")[4] for name in files} == {version}
            finally:
                upgraded.stop()
    finally:
        site.stop()  # again, if the test failed before
