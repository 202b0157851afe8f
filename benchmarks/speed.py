"""Ranjana against TorchServe alone, older systems, LitServe and no server, by number of callers.

Also measures Ranjana and TorchServe under overload.
"""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import uvloop

from benchmarks.accounts import apis
from benchmarks.load import Load, get, open_loop, percentile
from benchmarks.pictures import drawings, pictures_by_kind
from benchmarks.plots import Curve, plot
from benchmarks.servers import CORES, Server, bare, eager, lit, service, torchserve
from benchmarks.timing import median_ratio
from tests.support.apis import Api
from tests.support.running import Ranjana

_CALLERS_PHOTOGRAPHS = (1, 8, 32)
_CALLERS_DRAWINGS = (1, 2, 4, 8, 16, 32, 64, 128, 256)
_CALLERS_OTHER = (1, 32, 256)
# Offered load, in shares of the answers to 32 callers.
_OFFERED_SHARES = (0.25, 0.5, 0.75, 1.0, 2.0, 4.0)
_OFFERED_FACTOR = 3
"""Runs of offered load are so many times longer, because queues fill slowly."""
PEAK = 32
"""Number of callers for the ratios to no server."""


@dataclass(frozen=True)
class Times:
    """Length and number of the rounds."""

    seconds: float
    rounds: int


Loads = Mapping[int, Mapping[str, Sequence[Load]]]
"""By callers and server, one per round."""


def speed_tables(ranjana: Ranjana, folder: Path, times: Times, picture: Path | None) -> str:
    """Returns all tables. Draws the chart to `picture` if there is one."""
    tables = []
    curves: dict[str, Curve] = {}
    for kind, images in pictures_by_kind().items():
        with ExitStack() as stack:
            servers = [
                service(ranjana, images, "/api/predict/"),
                torchserve(ranjana, images),
                stack.enter_context(lit(images)),
                stack.enter_context(eager(images, 1)),
                stack.enter_context(eager(images, CORES)),
            ]
            alone = stack.enter_context(bare(images))
            is_drawn = images is drawings()
            loads, reads = _measure(
                servers, _CALLERS_DRAWINGS if is_drawn else _CALLERS_PHOTOGRAPHS, times, alone
            )
        tables.append(_table(f"Recognition of {kind}", loads, reads))
        if is_drawn:
            curves = {name: _curve(loads, name) for name in loads[PEAK]}
    works = {
        "Comparison": ("/api/similarity/", "similarity"),
        "Digits": ("/api/predict/?model=digits", "digits"),
    }
    for title, (path, model) in works.items():
        servers = [
            service(ranjana, drawings(), path),
            torchserve(ranjana, drawings(), model),
        ]
        loads, _ = _measure(servers, _CALLERS_OTHER, times)
        tables.append(_table(f"{title} of drawings", loads))
    with apis(ranjana, folder) as started:
        tables += [_history_table(name, api, times) for name, api in started.items()]
    peak, offered, overload = _overload_table(ranjana, times)
    tables.append(overload)
    if picture:
        plot(picture, curves, offered, peak)
    return "\n".join(tables)


def _measure(
    servers: Sequence[Server],
    callers: Sequence[int],
    times: Times,
    alone: Callable[[float], float] | None = None,
) -> tuple[Loads, list[float]]:
    """The loads, and the images per second of workers without a server (once per round)."""
    for server in servers:  # not measured: compiles models and fills caches
        server.load(PEAK, times.seconds)
    loads: dict[int, dict[str, list[Load]]] = {}
    reads = []
    for count in callers:
        at = loads[count] = defaultdict(list)
        for _ in range(times.rounds):
            for server in servers:
                at[server.name].append(server.load(count, times.seconds))
            if alone and count == PEAK:
                reads.append(alone(times.seconds))
    return loads, reads


def _table(title: str, loads: Loads, reads: Sequence[float] = ()) -> str:
    others = [name for name in next(iter(loads.values())) if name != "Ranjana"]
    lines = [
        f"### {title}",
        "",
        "| callers | server | answers/s | median ms | 99 % ms | refused | Ranjana, times as many |",
        "|---|---|---|---|---|---|---|",
    ]
    for callers, at in loads.items():
        for name in ("Ranjana", *others):
            lines.append(_row(callers, name, at))
        if reads and callers == PEAK:
            ratio = median_ratio(_throughputs(at["Ranjana"]), reads)
            lines.append(f"| | no server | {statistics.median(reads):.0f} | | | | {ratio:.2f} |")
    return "\n".join([*lines, ""])


def _row(callers: int, name: str, at: Mapping[str, Sequence[Load]]) -> str:
    loads = at[name]
    refused = sum(len(load.refusals) for load in loads)
    share = refused / max(1, refused + sum(load.answered for load in loads))
    ratio = f"{median_ratio(_throughputs(at['Ranjana']), _throughputs(loads)):.2f}"
    return (
        f"| {callers} | {name} | {statistics.median(_throughputs(loads)):.0f} "
        f"| {_median(loads, 0.5):.1f} | {_median(loads, 0.99):.1f} "
        f"| {f'{share:.0%}' if refused else ''} | {'' if name == 'Ranjana' else ratio} |"
    )


def _history_table(name: str, api: Api, times: Times) -> str:
    user = api.sign_up()
    for index in range(len(drawings())):
        user.predict(index)
    pages = [get("/api/history/predictions/?limit=12", user.headers)]
    loads, _ = _measure([Server("Ranjana", api.port, pages)], _CALLERS_OTHER, times)
    return _table(f"A page of 12 rows of the history ({name})", loads)


def _overload_table(
    ranjana: Ranjana, times: Times
) -> tuple[float, dict[str, dict[float, Load]], str]:
    """The peak in answers per second, the loads by share of the peak, and the table."""
    servers = [service(ranjana, drawings(), "/api/predict/"), torchserve(ranjana, drawings())]
    # Measured again, because the speed of the machine changes over time.
    peak = servers[0].load(PEAK, _OFFERED_FACTOR * times.seconds).throughput
    offered: dict[str, dict[float, Load]] = {server.name: {} for server in servers}
    lines = [
        "### Drawings that are offered, whoever answers",
        "",
        "| offered/s | of the peak | server | answers/s | of its peak | median ms | 99 % ms "
        "| 99 % / median | refused | refusals, median ms | 99 % ms | lost |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for share in _OFFERED_SHARES:
        for server in servers:
            rate = share * peak
            seconds = _OFFERED_FACTOR * times.seconds
            load = uvloop.run(open_loop(server.port, server.requests, rate, seconds))
            offered[server.name][share] = load
            median, late = load.percentile(0.5), load.percentile(0.99)
            refused = len(load.refusals) / max(1, len(load.refusals) + len(load.latencies))
            best = max(each.throughput for each in offered[server.name].values())
            lines.append(
                f"| {rate:.0f} | {share:g} | {server.name} | {load.throughput:.0f} "
                f"| {load.throughput / best:.2f} | {median:.1f} | {late:.1f} | {late / median:.1f} "
                f"| {refused:.0%} | {percentile(load.refusals, 0.5):.1f} "
                f"| {percentile(load.refusals, 0.99):.1f} | {load.lost} |"
            )
    return peak, offered, "\n".join([*lines, ""]).replace("nan", "")


def _curve(loads: Loads, name: str) -> Curve:
    return {callers: statistics.median(_throughputs(at[name])) for callers, at in loads.items()}


def _throughputs(loads: Sequence[Load]) -> list[float]:
    return [load.throughput for load in loads]


def _median(loads: Sequence[Load], share: float) -> float:
    return statistics.median(load.percentile(share) for load in loads)
