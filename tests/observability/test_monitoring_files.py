"""Metrics, rules, alerts, the dashboard and the documentation use the same names.

tests/observability/test_metrics.py compares them with the metrics of a running service.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from itertools import combinations
from pathlib import Path

import pytest

import auth_api
from archive_scripts.archives.building import ROOT
from auth_api.observability.metrics import Metrics
from tests.support.deployed import VERSION, documents
from tests.support.measured import (
    BY_SERVICE,
    DASHBOARD,
    GUIDE,
    RECORDED,
    RULES,
    dashboard_expressions,
    panels,
    require_answerable,
    rules,
)

ALERTS = {rule["alert"]: rule for rule in rules() if "alert" in rule}
CASES = [
    ROOT / "tests" / "deploy" / f"{name}.yml" for name in ("alerts", "alert_limits", "slow_alerts")
]
PROMETHEUS = ROOT / "deploy" / "prometheus" / "prometheus.yml"


def test_all_metrics_are_documented_with_their_types() -> None:
    for metric in Metrics().registry.collect():
        name = f"{metric.name}_total" if metric.type == "counter" else metric.name
        assert name in BY_SERVICE
        assert BY_SERVICE[name].type == metric.type


def test_the_version_in_the_metrics_is_that_of_the_project() -> None:
    assert auth_api.VERSION == VERSION


def test_names_follow_the_rules_of_prometheus() -> None:
    for name, metric in BY_SERVICE.items():
        assert name.endswith("_total") == (metric.type == "counter"), name
        assert not re.search("milli|micro|kilo|mega|percent", name)
        assert not metric.labels & {"user", "user_id", "path", "address", "id"}


def test_prometheus_loads_all_rules_and_their_expressions_use_known_metrics() -> None:
    (prometheus,) = documents(PROMETHEUS)
    loaded = {
        path for pattern in prometheus["rule_files"] for path in PROMETHEUS.parent.glob(pattern)
    }
    assert loaded == set(RULES)
    for rule in rules():
        require_answerable(rule["expr"])
    assert len(RECORDED) == len([rule for rule in rules() if "record" in rule])


@pytest.mark.parametrize(
    "expression", ["sum by (user) (jobs)", "job{", "nonsense_total", "jobs{path='x'}"]
)
def test_an_expression_with_unknown_metrics_is_rejected(expression: str) -> None:
    with pytest.raises((AssertionError, ValueError)):
        require_answerable(expression)


def test_every_alert_has_a_runbook() -> None:
    guide = GUIDE.read_text().partition("\n## Alerts\n")[2]
    assert re.findall(r"^### (\w+)$", guide, re.MULTILINE) == list(ALERTS)
    for name, alert in ALERTS.items():
        assert alert["labels"].keys() == {"severity"}
        assert alert["labels"]["severity"] in {"critical", "warning"}
        assert alert["annotations"].keys() == {"summary", "runbook"}
        assert alert["annotations"]["runbook"] == f"docs/monitoring.md#{name.lower()}"
        # An alert needs a duration or a time range, so that one sample does not fire it.
        assert "for" in alert or re.search(r"\[\d+[mh]\]", alert["expr"]), name
    anchors = set(re.findall(r"\]\(#(\w+)\)", guide))
    assert anchors <= {name.lower() for name in ALERTS}


@pytest.mark.thorough
def test_rules_pass_the_tests_of_promtool() -> None:
    promtool = shutil.which("promtool")
    if not promtool:
        pytest.skip("needs promtool (on Debian: apt-get install prometheus)")
    for command in (
        ("check", "config", PROMETHEUS),
        ("test", "rules", *CASES),
    ):
        done = subprocess.run([promtool, *command], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_has_a_quiet_and_a_loud_case() -> None:
    cases = [
        (case["alertname"], bool(case.get("exp_alerts")))
        for path in CASES
        for document in documents(path)
        for test in document["tests"]
        for case in test["alert_rule_test"]
    ]
    assert set(cases) == {(alert, loud) for alert in ALERTS for loud in (False, True)}


def test_the_dashboard_uses_known_metrics() -> None:
    expressions = list(dashboard_expressions())
    assert len(expressions) > 50
    for expression in expressions:
        require_answerable(expression)
    # The dashboard shows the figures of all alerts.
    asked = " ".join(expressions)
    assert {name for name in RECORDED if name not in asked} <= _NOT_SHOWN


_NOT_SHOWN = {
    # Other rules are computed from these, or show the same over another time.
    "route:http_requests:rate5m",
    "route:http_errors:ratio_rate5m",
    "service:http_errors:ratio_rate30m",
    "model:torchserve_failures:ratio_rate5m",
}


def test_the_dashboard_is_valid_for_grafana() -> None:
    dashboard = json.loads(DASHBOARD.read_text())
    (sources,) = documents(ROOT / "deploy/grafana/provisioning/datasources/prometheus.yml")
    source = {"type": "prometheus", "uid": sources["datasources"][0]["uid"]}
    # Grafana assigns the id itself and identifies the dashboard by its uid.
    assert (dashboard["id"], dashboard["uid"], dashboard["editable"]) == (None, "ranjana", False)
    assert [panel["id"] for panel in panels()] == list(range(1, len(panels()) + 1))
    for panel in panels():
        place = panel["gridPos"]
        assert 0 <= place["x"] < place["x"] + place["w"] <= 24, panel["title"]
        if panel["type"] == "row":
            continue
        assert panel["description"]
        assert panel["datasource"] == source
        assert panel["type"] in {"stat", "timeseries", "heatmap", "bargauge"}
        assert [each["refId"] for each in panel["targets"]] == list("ABCDEF")[
            : len(panel["targets"])
        ]
        assert all(each["datasource"] == source for each in panel["targets"])
        shown = panel["fieldConfig"]["defaults"].get("unit") or panel["options"]["yAxis"]["unit"]
        assert shown in _UNITS, panel["title"]
    for one, other in combinations((panel["gridPos"] for panel in panels()), 2):
        assert (
            one["x"] + one["w"] <= other["x"]
            or other["x"] + other["w"] <= one["x"]
            or one["y"] + one["h"] <= other["y"]
            or other["y"] + other["h"] <= one["y"]
        )
    rows = [panel["title"] for panel in panels() if panel["type"] == "row"]
    assert rows[:5] == ["At a glance", "Traffic", "Errors", "Latency", "Saturation"]
    variables = {each["name"] for each in dashboard["templating"]["list"]}
    used = set(re.findall(r"\$(\w+)", DASHBOARD.read_text()))
    assert {name for name in used if not name.startswith("__")} == variables


# Grafana's names of units.
_UNITS = {"none", "short", "reqps", "ops", "Bps", "bytes", "s", "percentunit"}


def test_prometheus_sends_alerts_to_alertmanager_and_it_to_the_address_of_the_operator() -> None:
    (prometheus,) = documents(PROMETHEUS)
    (compose,) = documents(ROOT / "docker-compose.yml")
    service = compose["services"]["alertmanager"]
    targets = prometheus["alerting"]["alertmanagers"][0]["static_configs"][0]["targets"]
    assert targets == ["alertmanager:9093"]
    assert set(service["networks"]) & set(compose["services"]["prometheus"]["networks"])
    assert not compose["networks"][service["networks"][0]], "it sends to the outside"
    (config,) = documents(ROOT / "deploy" / "alertmanager" / "alertmanager.yml")
    assert "./deploy/alertmanager:/etc/alertmanager:ro" in service["volumes"]
    assert "--config.file=/etc/alertmanager/alertmanager.yml" in service["command"]
    (receiver,) = config["receivers"]
    (secret,) = service["secrets"]
    assert receiver["webhook_configs"] == [{"url_file": f"/run/secrets/{secret}"}]
    assert config["route"]["receiver"] == receiver["name"]
    named = re.findall(r"\b[A-Z][a-z]+[A-Z]\w+", str(config["inhibit_rules"]))
    assert set(named) <= set(ALERTS)


def test_the_operator_of_prometheus_gets_the_jobs_and_the_rules(tmp_path: Path) -> None:
    (prometheus,) = documents(PROMETHEUS)
    jobs = {each["job_name"] for each in prometheus["scrape_configs"]}
    kubernetes = ROOT / "deploy" / "kubernetes"
    for monitor in documents(kubernetes / "monitoring" / "pods.yaml"):
        assert (monitor["apiVersion"], monitor["kind"]) == (
            "monitoring.coreos.com/v1",
            "PodMonitor",
        )
        assert monitor["spec"].keys() == {"selector", "podMetricsEndpoints"}
        (endpoint,) = monitor["spec"]["podMetricsEndpoints"]
        (relabelling,) = endpoint["relabelings"]
        assert relabelling["targetLabel"] == "job"
        assert relabelling["replacement"] in jobs
        name = monitor["spec"]["selector"]["matchLabels"]["app.kubernetes.io/name"]
        files = (
            kubernetes / "base/deployment.yaml",
            kubernetes / "overlays/torchserve/torchserve.yaml",
        )
        (pod,) = (
            each["spec"]["template"]
            for path in files
            for each in documents(path)
            if each["kind"] == "Deployment" and each["metadata"]["name"] == name
        )
        assert pod["metadata"]["labels"]["app.kubernetes.io/name"] == name
        ports = {port["name"] for port in pod["spec"]["containers"][0]["ports"]}
        assert endpoint["port"] in ports
    # The commands of the guide, without a cluster.
    (script,) = re.findall(r"(for name in recording.*?done\n)", GUIDE.read_text(), re.DOTALL)
    script = script.replace("> rule.yaml", f"> {tmp_path}/$name.yaml").replace(">> rule.yaml", "")
    script = re.sub(r"kubectl .*", ":", script).replace(f">> {tmp_path}", f">> {tmp_path}")
    subprocess.run(["sh", "-ec", script], cwd=ROOT, check=True)
    for path in RULES:
        (rule,) = documents(tmp_path / path.name.replace(".yml", ".yaml"))
        (own,) = documents(path)
        assert rule["spec"] == own


def test_grafana_and_prometheus_find_their_files_in_compose() -> None:
    assert [path.name for path in DASHBOARD.parent.iterdir()] == ["ranjana.json"]
    (dashboards,) = documents(ROOT / "deploy/grafana/provisioning/dashboards/ranjana.yml")
    (compose,) = documents(ROOT / "docker-compose.yml")
    assert dashboards["providers"][0]["allowUiUpdates"] is False
    mounts = dict(
        volume.split(":")[:2][::-1]
        for name in ("grafana", "prometheus")
        for volume in compose["services"][name]["volumes"]
    )
    assert ROOT / mounts[dashboards["providers"][0]["options"]["path"]] == DASHBOARD.parent
    config = compose["services"]["prometheus"]["command"][0].partition("=")[2]
    assert ROOT / mounts[str(Path(config).parent)] / Path(config).name == PROMETHEUS
