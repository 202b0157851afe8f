"""The page as a whole: its size, its security policy, and its translations."""

from __future__ import annotations

import re
from pathlib import Path

from playwright.sync_api import Page, expect

from archive_scripts.archives.building import ROOT
from tests.browser.conftest import Visitor

WEB = ROOT / "auth_api" / "web"
AREAS = sorted(path.stem for path in (WEB / "strings" / "en").glob("*.js"))

# Keys that only Nepali needs: the service writes its errors in English, and browsers know months.
_NEPALI_ONLY = re.compile(r"error\.|month\.")


def test_the_first_visit_weighs_less_than_150_kilobytes(visitor: Visitor) -> None:
    page = visitor.context.new_page()
    network = visitor.context.new_cdp_session(page)
    network.send("Network.enable")
    pictures: set[str] = set()
    sizes: dict[str, float] = {}
    network.on(
        "Network.responseReceived",
        lambda event: pictures.add(event["requestId"]) if event["type"] == "Image" else None,
    )
    network.on(
        "Network.loadingFinished",
        lambda event: sizes.update({event["requestId"]: event["encodedDataLength"]}),
    )
    page.goto(visitor.home, wait_until="networkidle")
    weight = sum(size for request, size in sizes.items() if request not in pictures)
    assert 20_000 < weight < 150_000


def test_all_modules_of_the_first_view_are_preloaded(visitor: Visitor) -> None:
    # A module without a preload costs a further round trip.
    page = visitor.open("/")
    loaded = page.evaluate(
        "performance.getEntriesByType('resource').map((each) => new URL(each.name).pathname)"
    )
    modules = {path for path in loaded if path.endswith(".js") and "/strings/" not in path}
    home = visitor.context.request.get(f"{visitor.home}/").text()
    assert modules == set(re.findall(r'(?:href|src)="(/web/[0-9a-f]{16}/[^"]+\.js)"', home))


def test_style_sheets_of_few_views_are_loaded_with_them(visitor: Visitor) -> None:
    page = visitor.open("/practise")
    loaded = """performance.getEntriesByType("resource").map((each) => each.name)
        .filter((name) => /worksheets.css$/.test(name)).length"""
    look = "getComputedStyle(document.querySelector('.looks')).display"

    def go(path: str, heading: str) -> None:
        page.goto(f"{visitor.home}/#{path}")
        expect(page.get_by_role("heading", level=1)).to_have_text(heading)

    assert page.evaluate(loaded) == 0
    # A view is shown without its style sheet rather than not at all. The next one tries again.
    page.route("**/worksheets.css", lambda route: route.abort(), times=1)
    go("/worksheets", "On paper")
    assert page.evaluate(look) == "block"
    assert all("ERR_FAILED" in error for error in visitor.errors)
    visitor.errors.clear()
    go("/name", "Write my name")
    go("/worksheets", "On paper")
    assert page.evaluate(look) == "grid"
    count = page.evaluate(loaded)
    go("/name", "Write my name")
    go("/worksheets", "On paper")
    assert page.evaluate(loaded) == count
    assert page.locator("link[href$='worksheets.css']").count() == 1


def test_inline_scripts_and_styles_do_not_run(visitor: Visitor) -> None:
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
    assert visitor.errors
    assert all(re.search("Content.Security.Policy|Trusted", each) for each in visitor.errors)
    visitor.errors.clear()


def _strings(page: Page, language: str, area: str) -> dict[str, object]:
    script = "async (path) => ({ ...(await ranjana(path)).default })"
    found: dict[str, object] = page.evaluate(script, f"strings/{language}/{area}.js")
    return found


def test_every_string_exists_in_both_languages(visitor: Visitor) -> None:
    page = visitor.open()
    keys: set[str] = set()
    for area in AREAS:
        english, nepali = _strings(page, "en", area), _strings(page, "ne", area)
        extra = {key for key in nepali if key not in english}
        assert all(_NEPALI_ONLY.match(key) for key in extra), extra
        assert set(english) <= set(nepali), set(english) - set(nepali)
        for key, text in english.items():
            # Names in Latin letters are for English.
            missing = _placeholders(text) ^ _placeholders(nepali[key])
            assert missing <= {"name"}, key
        assert not keys & set(english), f"{keys & set(english)} is in two areas"
        keys |= set(english)
    for path in [*WEB.rglob("modules/**/*.js"), *WEB.rglob("views/**/*.js")]:
        for key in re.findall(r'\bt\(\s*"([^"]+)"', path.read_text()):
            assert key in keys, f"{path.name} uses {key}"


def _placeholders(text: object) -> set[str]:
    return set(re.findall(r"\{(\w+)\}", str(text)))


def test_an_unknown_address_shows_a_message(visitor: Visitor) -> None:
    page = visitor.open("/models")
    for path in ("/nowhere", "/practise/99", "/practise/x", "/practise/%", "/jobs/x"):
        page.goto(f"{visitor.home}/#{path}")
        expect(page.get_by_role("link", name="digits")).to_have_count(0)  # the view was left
        expect(page.locator("main a, main button").first).to_be_visible()
        assert page.locator("main").inner_text().strip()
        page.goto(f"{visitor.home}/#/models")
        expect(page.get_by_role("link", name="digits")).to_be_visible()
    visitor.errors[:] = [each for each in visitor.errors if "404" not in each]


def test_only_files_of_the_page_are_served(visitor: Visitor) -> None:
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
