"""What the documentation says is measured, and what Prometheus is asked of it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import promql_parser
import yaml

from archive_scripts.archives.building import ROOT

GUIDE = ROOT / "docs" / "monitoring.md"
RULES = sorted((ROOT / "deploy" / "prometheus" / "rules").glob("*.yml"))
DASHBOARD = ROOT / "deploy" / "grafana" / "dashboards" / "ranjana.json"

# Prometheus' own; what it adds to whatever it scrapes.
_ITS_OWN = {"up", "ALERTS"}
_ADDED = {"job", "instance"}
_PARTS = {"_bucket": {"le"}, "_sum": set(), "_count": set()}
# What Grafana puts in.
_VARIABLES = {"$__rate_interval": "5m", "$__range": "1h", "$instance": ".*", "$model": ".*"}


class Measured(NamedTuple):
    """A metric as the documentation has it."""

    type: str
    labels: frozenset[str]


def _table(heading: str) -> dict[str, Measured]:
    section = GUIDE.read_text().partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \| ([^|]*)\|", section, re.MULTILINE)
    assert rows
    return {
        name: Measured(kind, frozenset(re.findall(r"`(\w+)`", labels)))
        for name, kind, labels in rows
    }


BY_SERVICE = _table("What the service measures")
BY_TORCHSERVE = _table("What TorchServe measures")


def rules() -> Iterator[dict[str, Any]]:
    """All recording rules and alerts."""
    for path in RULES:
        for group in yaml.safe_load(path.read_text())["groups"]:
            yield from group["rules"]


RECORDED = {rule["record"] for rule in rules() if "record" in rule}


def panels() -> list[dict[str, Any]]:
    """Those of the dashboard, rows among them."""
    found: list[dict[str, Any]] = json.loads(DASHBOARD.read_text())["panels"]
    return found


def dashboard_expressions() -> Iterator[str]:
    """All that the dashboard asks Prometheus, its variables as if everything were chosen."""
    shown = json.loads(DASHBOARD.read_text())
    asked = [target["expr"] for panel in panels() for target in panel.get("targets", ())]
    asked += [each["expr"] for each in shown["annotations"]["list"] if "expr" in each]
    for expression in asked:
        for variable, value in _VARIABLES.items():
            expression = expression.replace(variable, value)
        assert "$" not in expression, expression
        yield expression


def require_answerable(expression: str) -> None:
    """That PromQL reads an expression, and that each metric and label of it is documented."""
    asked: set[str] = set()

    def look(node: Any) -> None:
        if isinstance(node, promql_parser.VectorSelector):
            labels = _labels(node.name)
            unknown = {matcher.name for matcher in node.matchers.matchers} - labels
            assert not unknown, (expression, node.name, unknown)
            asked.update(labels)
        if isinstance(node, promql_parser.AggregateExpr) and node.modifier:
            grouped.update(node.modifier.labels)

    grouped: set[str] = set()
    promql_parser.walk(promql_parser.parse(expression), look)
    assert grouped <= asked, (expression, grouped - asked)


def _labels(name: str) -> set[str]:
    """Those that a metric may have; raises AssertionError for one that there is not."""
    if name in RECORDED:  # NAMED-AFTER-THESE:METRIC:OPERATION
        return {"model", "version", "route", "folder", "model_name", *_ADDED}
    if name in _ITS_OWN:
        return {"alertstate", *_ADDED}
    metrics = {**BY_SERVICE, **BY_TORCHSERVE}
    for part, added in _PARTS.items():
        whole = metrics.get(name.removesuffix(part))
        if name.endswith(part) and whole and whole.type == "histogram":
            return {*whole.labels, *added, *_ADDED}
    assert name in metrics, f"{name} is not documented"
    assert metrics[name].type != "histogram", f"{name} is shown in parts"
    return {*metrics[name].labels, *_ADDED}


class Shown(NamedTuple):
    """A metric as somebody shows it."""

    type: str
    labels: frozenset[str]
    """Of the series that there are."""


def shown(text: str) -> dict[str, Shown]:
    """The metrics of a text in Prometheus' format."""
    types = dict(re.findall(r"^# TYPE (\S+) (\S+)$", text, re.MULTILINE))
    labels: dict[str, set[str]] = {name: set() for name in types}
    for name, inner in re.findall(r"^(\w+)(?:\{(.*)\})? \S+$", text, re.MULTILINE):
        part = next((part for part in _PARTS if name.removesuffix(part) in types), "")
        whole = name if name in types else name.removesuffix(part)
        labels[whole].update(re.findall(r'(\w+)="', inner))
    return {name: Shown(types[name], frozenset(labels[name] - {"le"})) for name in types}


def series(text: str) -> dict[str, float]:
    """The values of a text in Prometheus' format, by name and labels."""
    return {name: float(value) for name, value in re.findall(r"^(\w.*) (\S+)$", text, re.MULTILINE)}


def value(text: str, name: str, **labels: str) -> float:
    """The sum of the series of a name that have these labels, 0 if there are none."""
    wanted = [f'{label}="{said}"' for label, said in labels.items()]
    return sum(
        found
        for key, found in series(text).items()
        if key.partition("{")[0] == name and all(each in key for each in wanted)
    )
