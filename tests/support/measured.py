"""The documented metrics, and the queries of rules and dashboard."""

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

# Metrics of Prometheus and Alertmanager themselves, and the labels that Prometheus adds.
_BUILT_IN = {
    *("up", "ALERTS"),
    *("prometheus_rule_evaluation_failures_total", "prometheus_config_last_reload_successful"),
    *("alertmanager_config_last_reload_successful", "alertmanager_notifications_failed_total"),
}
_ADDED_LABELS = {"job", "instance"}
_PARTS = {"_bucket": {"le"}, "_sum": set(), "_count": set()}
# Values for Grafana's variables.
_VARIABLES = {"$__rate_interval": "5m", "$__range": "1h", "$instance": ".*", "$model": ".*"}


class Measured(NamedTuple):
    """A documented metric."""

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
    """The panels of the dashboard, including rows."""
    found: list[dict[str, Any]] = json.loads(DASHBOARD.read_text())["panels"]
    return found


def dashboard_expressions() -> Iterator[str]:
    """All queries of the dashboard, with values for its variables."""
    dashboard = json.loads(DASHBOARD.read_text())
    queries = [target["expr"] for panel in panels() for target in panel.get("targets", ())]
    queries += [each["expr"] for each in dashboard["annotations"]["list"] if "expr" in each]
    for expression in queries:
        for variable, value in _VARIABLES.items():
            expression = expression.replace(variable, value)
        assert "$" not in expression, expression
        yield expression


def require_answerable(expression: str) -> None:
    """Asserts that an expression is valid PromQL with documented metrics and labels."""
    known: set[str] = set()

    def visit(node: Any) -> None:
        if isinstance(node, promql_parser.VectorSelector):
            labels = _labels(node.name)
            unknown = {matcher.name for matcher in node.matchers.matchers} - labels
            assert not unknown, (expression, node.name, unknown)
            known.update(labels)
        if isinstance(node, promql_parser.AggregateExpr) and node.modifier:
            grouped.update(node.modifier.labels)

    grouped: set[str] = set()
    promql_parser.walk(promql_parser.parse(expression), visit)
    assert grouped <= known, (expression, grouped - known)


def _labels(name: str) -> set[str]:
    """The labels of a metric. Raises AssertionError for an unknown metric."""
    if name in RECORDED:  # NAMED-AFTER-THESE:METRIC:OPERATION
        return {"model", "version", "route", "folder", "model_name", *_ADDED_LABELS}
    if name in _BUILT_IN:
        return {"alertstate", *_ADDED_LABELS}
    metrics = {**BY_SERVICE, **BY_TORCHSERVE}
    for part, added in _PARTS.items():
        whole = metrics.get(name.removesuffix(part))
        if name.endswith(part) and whole and whole.type == "histogram":
            return {*whole.labels, *added, *_ADDED_LABELS}
    assert name in metrics, f"{name} is not documented"
    assert metrics[name].type != "histogram", f"{name} is exported in parts"
    return {*metrics[name].labels, *_ADDED_LABELS}


class Shown(NamedTuple):
    """An exported metric."""

    type: str
    labels: frozenset[str]
    """The labels of its series."""


def shown(text: str) -> dict[str, Shown]:
    """Parses the metrics of a text in Prometheus' format."""
    types = dict(re.findall(r"^# TYPE (\S+) (\S+)$", text, re.MULTILINE))
    labels: dict[str, set[str]] = {name: set() for name in types}
    for name, inner in re.findall(r"^(\w+)(?:\{(.*)\})? \S+$", text, re.MULTILINE):
        part = next((part for part in _PARTS if name.removesuffix(part) in types), "")
        whole = name if name in types else name.removesuffix(part)
        labels[whole].update(re.findall(r'(\w+)="', inner))
    return {name: Shown(types[name], frozenset(labels[name] - {"le"})) for name in types}


def series(text: str) -> dict[str, float]:
    """Parses the values of a text in Prometheus' format, by name and labels."""
    return {name: float(value) for name, value in re.findall(r"^(\w.*) (\S+)$", text, re.MULTILINE)}


def value(text: str, name: str, **labels: str) -> float:
    """The sum of the series with this name and these labels, 0 if there are none."""
    wanted = [f'{label}="{text}"' for label, text in labels.items()]
    return sum(
        found
        for key, found in series(text).items()
        if key.partition("{")[0] == name and all(each in key for each in wanted)
    )
