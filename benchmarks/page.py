"""The web page on a phone: its size, its times at each visit, and the judging of strokes."""

from __future__ import annotations

import json
import shutil
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx2
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize, sync_playwright

_CHROMIUMS = ("chromium-headless-shell", "chromium", "chromium-browser")
_FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking")
_PHONE: ViewportSize = {"width": 360, "height": 740}
_VIEWS = {"/": "the start", "/#/practise/2": "practising ग"}
_VISITS = ("first", "second", "offline")

# WebPageTest's "Slow 3G", on a processor that is four times as slow.
_SLOW = {"latency": 400, "downloadThroughput": 50_000, "uploadThroughput": 50_000}
_SLOW_PROCESSOR = 4

# Runs in the loaded page. Uses the W3C's Paint Timing and Layout Instability; times are in
# milliseconds from the navigation.
_TIMES = """() => new Promise((resolve) => {
  let shift = 0;
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) shift += entry.value;
  }).observe({ type: "layout-shift", buffered: true });
  const [first] = performance.getEntriesByName("first-contentful-paint");
  const [pad] = performance.getEntriesByName("pad-usable");
  setTimeout(() => resolve({ first: first.startTime, pad: pad.startTime, shift }), 300);
})"""

# Marks the time at which the drawing canvas is shown. It takes strokes from then on.
_MARK = """new MutationObserver((_, observer) => {
  if (!document.querySelector("canvas.ink")) return;
  requestAnimationFrame(() => performance.mark("pad-usable"));
  observer.disconnect();
}).observe(document, { childList: true, subtree: true });"""

# The time from the end of a stroke to the sentence about it, in milliseconds. The page opens at a
# letter, and judges without asking the service.
_JUDGED = ("1", "2", "20", "40")
_WATCH = """() => {
  window.verdicts = [];
  let lifted = null;
  addEventListener("pointerup", () => { lifted = performance.now(); }, { capture: true });
  new MutationObserver(() => {
    if (lifted !== null) window.verdicts.push(performance.now() - lifted);
    lifted = null;
  }).observe(document.querySelector(".guide-text"), { childList: true, subtree: true });
}"""
_STROKES = """async (index) => {
  const { loadCharacters } = await import("/web/modules/characters.js");
  return (await loadCharacters())[index].strokes.map(({ points }) => points);
}"""


@dataclass
class _Visit:
    first: float
    pad: float
    shift: float
    sent: list[int] = field(default_factory=list)
    """Bytes over the network by request, headers included."""


def page_table(port: int, rounds: int) -> str:
    """Visits the page in new browser contexts, as fast as this machine is and as a slow phone."""
    home = f"http://127.0.0.1:{port}"
    chromium = next(filter(None, map(shutil.which, _CHROMIUMS)), None)
    if not chromium:
        return "The page benchmark needs Chromium (on Debian: apt-get install chromium).\n"
    rows = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=_FLAGS)
        _round(browser, f"{home}/", slow=False)  # not measured: the browser is still starting
        for slow in (False, True):
            for view, name in _VIEWS.items():
                done = [_round(browser, f"{home}{view}", slow=slow) for _ in range(rounds)]
                for place, visit in enumerate(_VISITS):
                    visits = [each[place] for each in done]
                    rows.append(
                        _row("slow 3G, 4x CPU" if slow else "as it is", name, visit, visits)
                    )
        verdicts = {slow: _verdicts(browser, home, slow=slow) for slow in (False, True)}
        browser.close()
    count, kilobytes = _installed(home)
    head = (
        "| network and processor | view | visit | first paint, ms | pad usable, ms | layout shift "
        "| requests | kB |"
    )
    table = "\n".join([head, "|---|---|---|---|---|---|---|---|", *rows])
    return f"""### The web page on a phone (360x740)

{table}

The service worker keeps {count} files, {kilobytes:.0f} kB as sent.

A stroke is judged within {_milliseconds(verdicts[False])} when the pen lifts, with 4x CPU within
{_milliseconds(verdicts[True])}: median and longest of {len(verdicts[True])} strokes of
{len(_JUDGED)} letters.
"""


def _milliseconds(times: Sequence[float]) -> str:
    return f"{statistics.median(times):.0f} and {max(times):.0f} ms"


def _row(conditions: str, view: str, visit: str, visits: Sequence[_Visit]) -> str:
    first, pad = (
        statistics.median(getattr(each, name) for each in visits) for name in ("first", "pad")
    )
    shift = statistics.median(each.shift for each in visits)
    requests = statistics.median(len(each.sent) for each in visits)
    weight = statistics.median(sum(each.sent) for each in visits) / 1000
    cells = (conditions, view, visit, f"{first:.0f}", f"{pad:.0f}", f"{shift:.3f}")
    return f"| {' | '.join(cells)} | {requests:.0f} | {weight:.1f} |"


def _round(browser: Browser, address: str, *, slow: bool) -> list[_Visit]:
    """A first visit, a second one and one offline, of a new browser."""
    context = browser.new_context(viewport=_PHONE, is_mobile=True, has_touch=True)
    context.add_init_script(_MARK)
    first = _visit(context, address, slow=slow)
    second = _visit(context, address, slow=slow)
    context.set_offline(True)
    offline = _visit(context, address, slow=slow)
    context.close()
    return [first, second, offline]


def _visit(context: BrowserContext, address: str, *, slow: bool) -> _Visit:
    """Opens the address in a new tab, and closes it when the service worker is installed."""
    page = context.new_page()
    devtools = context.new_cdp_session(page)
    devtools.send("Network.enable")
    if slow:
        devtools.send("Emulation.setCPUThrottlingRate", {"rate": _SLOW_PROCESSOR})
        offline = not page.evaluate("navigator.onLine")
        devtools.send("Network.emulateNetworkConditions", {**_SLOW, "offline": offline})
    stored: set[str] = set()
    sent: dict[str, int] = {}

    def received(event: dict[str, object]) -> None:
        response = event["response"]
        assert isinstance(response, dict)
        if response.get("fromDiskCache") or response.get("fromServiceWorker"):
            stored.add(str(event["requestId"]))

    def finished(event: dict[str, object]) -> None:
        sent[str(event["requestId"])] = round(float(str(event["encodedDataLength"])))

    devtools.on("Network.responseReceived", received)
    devtools.on("Network.loadingFinished", finished)
    page.goto(address, wait_until="networkidle")
    visit = _Visit(**page.evaluate(_TIMES))
    visit.sent = [size for request, size in sent.items() if request not in stored]
    page.wait_for_function("() => navigator.serviceWorker.controller !== null")
    page.close()
    return visit


def _verdicts(browser: Browser, home: str, *, slow: bool) -> list[float]:
    """Writes letters backwards and then right. Returns how long each verdict took, in ms."""
    times: list[float] = []
    for letter in _JUDGED:
        context = browser.new_context(viewport=_PHONE, reduced_motion="reduce")
        page = context.new_page()
        page.goto(f"{home}/#/practise/{letter}", wait_until="networkidle")
        strokes: list[Any] = page.evaluate(_STROKES, int(letter))
        page.evaluate(_WATCH)
        if slow:
            rate = {"rate": _SLOW_PROCESSOR}
            context.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", rate)
        for stroke in strokes:
            _write(page, stroke[::-1])
            _write(page, stroke)
        times += page.evaluate("window.verdicts")
        context.close()
    return times


def _write(page: Page, stroke: Sequence[Sequence[float]]) -> None:
    """Writes one stroke; points are in shares of the pad's side."""
    box = page.locator("canvas.ink").bounding_box()
    assert box
    for place, (x, y) in enumerate(stroke):
        page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"])
        if place == 0:
            page.mouse.down()
    page.mouse.up()
    page.wait_for_timeout(100)


def _installed(home: str) -> tuple[int, float]:
    """The number of files that the service worker keeps, and their weight in kB."""
    with httpx2.Client(base_url=home, headers={"Accept-Encoding": "gzip"}) as client:
        head = client.get("/service-worker.js").text.splitlines()[0]
        files = json.loads(head.removeprefix("const SHELL = ").removesuffix(";"))["files"]
        weight = 0
        for address in files:
            with client.stream("GET", address) as response:
                weight += sum(map(len, response.iter_raw()))
    return len(files), weight / 1000
