"""The page as a whole: what it weighs, what it may do, and that it has a word for everything."""

from __future__ import annotations

import re
from pathlib import Path

from playwright.sync_api import Page, expect

from archive_scripts.archives.building import ROOT
from tests.browser.conftest import Visitor

WEB = ROOT / "auth_api" / "web"
AREAS = sorted(path.stem for path in (WEB / "strings" / "en").glob("*.js"))

# What English needs no words for: the service's own sentences, and months, which browsers know.
_TRANSLATED = re.compile(r"error\.|month\.")


def test_the_first_visit_weighs_less_than_150_kilobytes(visitor: Visitor) -> None:
    page = visitor.context.new_page()
    network = visitor.context.new_cdp_session(page)
    network.send("Network.enable")
    pictures: set[str] = set()
    sent: dict[str, float] = {}
    network.on(
        "Network.responseReceived",
        lambda said: pictures.add(said["requestId"]) if said["type"] == "Image" else None,
    )
    network.on(
        "Network.loadingFinished",
        lambda said: sent.update({said["requestId"]: said["encodedDataLength"]}),
    )
    page.goto(visitor.home, wait_until="networkidle")
    weight = sum(size for request, size in sent.items() if request not in pictures)
    assert 20_000 < weight < 150_000


def test_everything_of_the_first_view_is_asked_for_at_once(visitor: Visitor) -> None:
    # A module that is found only in another one costs a way to the service and back.
    page = visitor.open()
    loaded = page.evaluate(
        "performance.getEntriesByType('resource').map((each) => new URL(each.name).pathname)"
    )
    modules = {path for path in loaded if path.endswith(".js") and "/strings/" not in path}
    named = set(re.findall(r'(?:href|src)="(/web/[^"]+\.js)"', (WEB / "index.html").read_text()))
    assert modules == named


def test_no_script_and_no_style_that_stands_in_a_document_runs(visitor: Visitor) -> None:
    page = visitor.open()
    page.evaluate(
        """() => {
          const script = document.createElement("script");
          try { script.textContent = "window.ran = true"; } catch {}
          document.body.append(script);
          document.body.setAttribute("style", "display: none");
          try { document.body.insertAdjacentHTML("beforeend", "<img onerror='window.ran = 1'>"); }
          catch {}
        }"""
    )
    assert page.evaluate("window.ran") is None
    expect(page.locator("h1")).to_be_visible()
    assert visitor.problems
    assert all(re.search("Content.Security.Policy|Trusted", each) for each in visitor.problems)
    visitor.problems.clear()


def _table(page: Page, language: str, area: str) -> dict[str, object]:
    script = "async (path) => ({ ...(await import(path)).default })"
    found: dict[str, object] = page.evaluate(script, f"/web/strings/{language}/{area}.js")
    return found


def test_every_string_is_there_in_both_languages(visitor: Visitor) -> None:
    page = visitor.open()
    said: set[str] = set()
    for area in AREAS:
        english, nepali = _table(page, "en", area), _table(page, "ne", area)
        own = {key for key in nepali if key not in english}
        assert all(_TRANSLATED.match(key) for key in own), own
        assert set(english) <= set(nepali), set(english) - set(nepali)
        for key, text in english.items():
            assert _holes(text) == _holes(nepali[key]), key
        assert not said & set(english), f"{said & set(english)} is said twice"
        said |= set(english)
    for path in [*WEB.rglob("modules/**/*.js"), *WEB.rglob("views/**/*.js")]:
        for key in re.findall(r'\bt\(\s*"([^"]+)"', path.read_text()):
            assert key in said, f"{path.name} says {key}"


def _holes(text: object) -> set[str]:
    return set(re.findall(r"\{(\w+)\}", str(text)))


def test_an_address_that_leads_nowhere_says_so(visitor: Visitor) -> None:
    page = visitor.open("/models")
    for path in ("/nowhere", "/practise/99", "/practise/x", "/practise/%", "/jobs/x"):
        page.goto(f"{visitor.home}/#{path}")
        expect(page.get_by_role("link", name="digits")).to_have_count(0)  # it is left
        expect(page.locator("main a, main button").first).to_be_visible()
        assert page.locator("main").inner_text().strip()
        page.goto(f"{visitor.home}/#/models")
        expect(page.get_by_role("link", name="digits")).to_be_visible()
    visitor.problems[:] = [each for each in visitor.problems if "404" not in each]


def test_what_is_sent_is_what_lies_there_and_no_more(visitor: Visitor) -> None:
    for path in ("/web/../app.py", "/web/%2e%2e/app.py", "/web/", "/web/views", "/web/none.js"):
        response = visitor.context.request.get(f"{visitor.home}{path}")
        assert response.status == 404, path
        assert response.json()["code"] == "not_found"
    page = visitor.context.request.get(f"{visitor.home}/web/modules/app.js")
    assert page.headers["content-encoding"] == "gzip"
    again = visitor.context.request.get(
        f"{visitor.home}/web/modules/app.js", headers={"If-None-Match": page.headers["etag"]}
    )
    assert again.status == 304
    assert Path(WEB / "modules" / "app.js").read_text() == page.text()
