"""Ranjana against TorchServe alone, older systems, LitServe and no server at all, by the number of
callers; and what becomes of it when more is asked than it can answer.
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
from benchmarks.load import Load, get, offer, percentile
from benchmarks.pictures import both, drawings
from benchmarks.plots import Curve, plot
from benchmarks.servers import CORES, Server, bare, eager, lit, service, torchserve
from tests.support.apis import Api
from tests.support.running import Ranjana

_FEW = (1, 8, 32)
_MANY = (1, 2, 4, 8, 16, 32, 64, 128, 256)
_SOME = (1, 32, 256)
# What is offered, in shares of what is answered to 32 callers.
_OFFERED = (0.25, 0.5, 0.75, 1.0, 2.0, 4.0)
_OFFERED_SECONDS = 3
"""Times as long as the others: a line takes a while to fill."""
PEAK = 32
"""Callers for the figures that are compared."""


@dataclass(frozen=True)
class Times:
    """How long a round is, and how many there are."""

    seconds: float
    rounds: int


Loads = Mapping[int, Mapping[str, Sequence[Load]]]
"""By callers and server, one a round."""


def speed_tables(ranjana: Ranjana, folder: Path, times: Times, picture: Path | None) -> str:
    """All tables; draws `picture` of the drawings if there is to be one."""
    tables = []
    curves: dict[str, Curve] = {}
    for kind, images in both().items():
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
            loads, reads = _measured(servers, _MANY if is_drawn else _FEW, times, alone)
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
        loads, _ = _measured(servers, _SOME, times)
        tables.append(_table(f"{title} of drawings", loads))
    with apis(ranjana, folder) as started:
        tables += [_history_table(name, api, times) for name, api in started.items()]
    peak, offered, overload = _overload_table(ranjana, times)
    tables.append(overload)
    if picture:
        plot(picture, curves, offered, peak)
    return "\n".join(tables)


def _measured(
    servers: Sequence[Server],
    callers: Sequence[int],
    times: Times,
    alone: Callable[[float], float] | None = None,
) -> tuple[Loads, list[float]]:
    """The loads, and what workers alone read a second, at `PEAK` callers."""
    for server in servers:  # what is compiled or filled at first use is not what is measured
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
            ratio = _ratio(_throughputs(at["Ranjana"]), reads)
            lines.append(f"| | no server | {statistics.median(reads):.0f} | | | | {ratio:.2f} |")
    return "\n".join([*lines, ""])


def _row(callers: int, name: str, at: Mapping[str, Sequence[Load]]) -> str:
    loads = at[name]
    refused = sum(len(load.refusals) for load in loads)
    share = refused / max(1, refused + sum(load.answered for load in loads))
    ratio = f"{_ratio(_throughputs(at['Ranjana']), _throughputs(loads)):.2f}"
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
    loads, _ = _measured([Server("Ranjana", api.port, pages)], _SOME, times)
    return _table(f"A page of 12 rows of the history ({name})", loads)


def _overload_table(
    ranjana: Ranjana, times: Times
) -> tuple[float, dict[str, dict[float, Load]], str]:
    """The peak, in answers a second, and what was offered in shares of it."""
    servers = [service(ranjana, drawings(), "/api/predict/"), torchserve(ranjana, drawings())]
    # Anew: the machine is another one by now.
    peak = servers[0].load(PEAK, _OFFERED_SECONDS * times.seconds).throughput
    offered: dict[str, dict[float, Load]] = {server.name: {} for server in servers}
    lines = [
        "### Drawings that are offered, whoever answers",
        "",
        "| offered/s | of the peak | server | answers/s | of its peak | median ms | 99 % ms "
        "| 99 % / median | refused | refusals, median ms | 99 % ms | lost |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for share in _OFFERED:
        for server in servers:
            rate = share * peak
            seconds = _OFFERED_SECONDS * times.seconds
            load = uvloop.run(offer(server.port, server.requests, rate, seconds))
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


def _ratio(some: Sequence[float], others: Sequence[float]) -> float:
    """Median over the rounds of the ratio within each."""
    return statistics.median(a / b for a, b in zip(some, others, strict=True))
