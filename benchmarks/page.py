"""The size and the loading times of the web page, in a browser with an empty cache."""

from __future__ import annotations

import shutil
import statistics
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from playwright.sync_api import Browser, sync_playwright

_FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking")

# Runs in the loaded page. Uses the W3C's Paint Timing, Largest Contentful Paint and Layout
# Instability; times are in milliseconds from the navigation.
_TIMES = """() => new Promise((resolve) => {
  const found = { largest: 0, shift: 0 };
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) found.largest = entry.startTime;
  }).observe({ type: "largest-contentful-paint", buffered: true });
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) found.shift += entry.value;
  }).observe({ type: "layout-shift", buffered: true });
  const [first] = performance.getEntriesByName("first-contentful-paint");
  const pad = performance.getEntriesByName("pad-visible")[0];
  setTimeout(() => resolve({ ...found, first: first.startTime, pad: pad?.startTime ?? 0 }), 300);
})"""

# Marks the time at which the drawing canvas appears.
_MARK = """new MutationObserver((_, observer) => {
  if (!document.querySelector("canvas.ink")) return;
  performance.mark("pad-visible");
  observer.disconnect();
}).observe(document, { childList: true, subtree: true });"""


@dataclass
class _Visit:
    first: float
    largest: float
    pad: float
    shift: float
    sent: Counter[str] = field(default_factory=Counter)
    """Bytes over the network by kind of file, headers included."""
    requests: int = 0


def page_table(port: int, rounds: int) -> str:
    """Visits `/health` and the page in turns, each with a new browser context."""
    home = f"http://127.0.0.1:{port}"
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if not chromium:
        return "The page benchmark needs Chromium (on Debian: apt-get install chromium).\n"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=_FLAGS)
        _visit(browser, f"{home}/health")  # not measured, because the browser is still starting
        pairs = [
            (_visit(browser, f"{home}/health"), _visit(browser, f"{home}/")) for _ in range(rounds)
        ]
        browser.close()
    visits = [visit for _, visit in pairs]
    last = visits[-1]
    weights = "\n".join(
        f"| {kind} | {number / 1000:.1f} kB |" for kind, number in last.sent.most_common()
    )
    total = sum(last.sent.values()) / 1000
    ratio = statistics.median(visit.first / health.first for health, visit in pairs)
    return f"""### The web page, first visit

| transferred | |
|---|---|
{weights}
| total, in {last.requests} requests | {total:.1f} kB |

| milliseconds from the navigation | |
|---|---|
| first contentful paint | {_median(visits, "first"):.0f} |
| largest contentful paint | {_median(visits, "largest"):.0f} |
| drawing canvas visible | {_median(visits, "pad"):.0f} |
| first paint, ratio to `/health` | {ratio:.2f} |

Cumulative layout shift: {_median(visits, "shift"):.3f}.
"""


def _visit(browser: Browser, address: str) -> _Visit:
    context = browser.new_context()
    context.add_init_script(_MARK)
    page = context.new_page()
    network = context.new_cdp_session(page)
    network.send("Network.enable")
    sent: Counter[str] = Counter()
    kinds: dict[str, str] = {}
    network.on(
        "Network.responseReceived", lambda event: kinds.update({event["requestId"]: event["type"]})
    )

    def finished(event: dict[str, object]) -> None:
        sent[kinds.get(str(event["requestId"]), "Other")] += round(
            float(str(event["encodedDataLength"]))
        )

    network.on("Network.loadingFinished", finished)
    page.goto(address, wait_until="networkidle")
    visit = _Visit(**page.evaluate(_TIMES))
    visit.sent, visit.requests = sent, len(kinds)
    context.close()
    return visit


def _median(visits: Sequence[_Visit], name: str) -> float:
    return statistics.median(getattr(visit, name) for visit in visits)
