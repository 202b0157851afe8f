"""Versions come and go while requests run, and no request fails."""

from __future__ import annotations

import itertools
import json
import re
import subprocess
import time
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx2
import psutil
import pytest

from archive_scripts.archives.building import ROOT
from auth_api.models.traffic_split import position
from auth_api.process.confinement import is_possible
from tests.support.apis import PASSWORD
from tests.support.archives import state_checksum
from tests.support.commands import answer, refusal, table
from tests.support.pictures import encode, reference
from tests.support.releases import Operator
from tests.support.running import steadily, wait_for

HANDLER = "recognition.py"

FAILS_AFTER_THE_FIRST = b"""
from handlers.characters import CHARACTERS
from handlers.classification import ClassificationHandler


class RecognitionHandler(ClassificationHandler):
    characters = CHARACTERS
    asked = 0

    def postprocess(self, batch, output, context):
        self.asked += 1
        if self.asked > 1:
            raise RuntimeError("out of order")
        return super().postprocess(batch, output, context)
"""
ANSWERS_NONSENSE = FAILS_AFTER_THE_FIRST.replace(
    b"        self.asked += 1\n", b'        return [{"hello": "world"} for _ in batch]\n'
)

# Knows the consonants only, as versions from before the vowels and digits of the script do.
# Tries to read each path when a worker loads it.
LOOKS = b"""
import json, os
from handlers.characters import CONSONANTS
from handlers.classification import ClassificationHandler

seen = {}
for path in PATHS:
    try:
        seen[path] = open(path, errors="replace").read(100)
    except OSError as error:
        seen[path] = None
with open(os.path.join(os.environ["TMPDIR"], "seen.json"), "w") as file:
    json.dump({"files": seen, "environment": dict(os.environ)}, file)


class RecognitionHandler(ClassificationHandler):
    characters = CONSONANTS
"""


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operator]:
    operator = Operator(tmp_path_factory.mktemp("releases"))
    yield operator
    operator.ranjana.stop()


@pytest.fixture
def operator(running: Operator) -> Iterator[Operator]:
    yield running
    running.only_the_default()


def version_of(response: httpx2.Response) -> str:
    version: str = response.json()["model"]["version"]
    return version


def test_no_request_fails_while_a_version_is_registered_promoted_and_rolled_back(
    operator: Operator,
) -> None:
    devices = itertools.cycle(range(60))
    requests: list[tuple[float, int, httpx2.Response]] = []

    def ask() -> httpx2.Response:
        started, device = time.monotonic(), next(devices)
        response = operator.ask(device)
        requests.append((started, device, response))
        return response

    def started_after(moment: float) -> list[tuple[int, httpx2.Response]]:
        return [(device, response) for at, device, response in list(requests) if at > moment]

    with steadily(ask, 8) as responses:
        made = operator.register("1.1")
        assert made.status_code == 201, made.text
        assert made.json()["traffic"] == 0
        assert made.json()["state"] == "ready"
        assert {version_of(response) for response in list(responses)} == {"1.0"}

        shares = {"1.0": 50, "1.1": 50}
        changed = operator.send("PUT", "traffic/", shares)
        assert changed.json()["traffic"] == shares
        split_at = time.monotonic()
        wait_for(lambda: len(started_after(split_at)) > 150, 90)
        split = started_after(split_at)

        in_use = operator.send("DELETE", "versions/1.1/")
        assert (in_use.status_code, in_use.json()["code"]) == (409, "version_in_use")
        promoted = operator.send("PUT", "default/", {"version": "1.1"}).json()
        assert (promoted["default"], promoted["previous"]) == ("1.1", "1.0")
        promoted_at = time.monotonic()
        wait_for(lambda: len(started_after(promoted_at)) > 50, 30)
        after = started_after(promoted_at)
        back = operator.send("PUT", "default/", {"version": "1.0"}).json()
        assert (back["default"], back["traffic"]) == ("1.0", {"1.0": 100})
        assert operator.send("DELETE", "versions/1.1/").status_code == 200

    assert {response.status_code for response in responses} == {200}
    versions: dict[int, set[str]] = defaultdict(set)
    for device, response in split:
        versions[device].add(version_of(response))
    assert all(len(seen) == 1 for seen in versions.values())
    got_new = {device for device, seen in versions.items() if seen == {"1.1"}}
    expected = {device for device in versions if position("ranjana", f"device {device}") >= 50}
    assert got_new == expected
    # Four standard deviations of a binomial of 60.
    assert abs(len(got_new) / len(versions) - 0.5) < 0.26
    assert {version_of(response) for _, response in after} == {"1.1"}
    assert operator.served() == {"1.0"}


@pytest.mark.thorough
def test_the_command_line_manages_versions_too(operator: Operator) -> None:
    def models(*arguments: str) -> dict[str, Any]:
        return answer(operator, "models", arguments[0], "ranjana", *arguments[1:])

    def versions() -> set[str]:
        return {version_of(operator.ask(device)) for device in range(12)}

    name = operator.derived("ranjana-1.9.mar", "1.9")
    made = models("register", name)
    assert (made["version"], made["state"], made["traffic"]) == ("1.9", "ready", 0)
    assert models("scale", "1.9", "2")["workers_ready"] == 2
    assert models("traffic", "1.0=50", "1.9=50")["traffic"] == {"1.0": 50, "1.9": 50}
    wait_for(lambda: versions() == {"1.0", "1.9"}, 20)
    report = models("report")
    assert [arm["version"] for arm in report["arms"]] == ["1.0", "1.9"]
    assert any("not enough data" in line for line in table(operator, "models", "report", "ranjana"))
    assert models("default", "1.9")["default"] == "1.9"
    wait_for(lambda: versions() == {"1.9"}, 20)
    assert models("default", "1.0")["previous"] == "1.9"
    assert table(operator, "models", "remove", "ranjana", "1.9") == [
        "Version 1.9 of ranjana is removed."
    ]
    assert operator.served() == {"1.0"}
    operator.derived(name, "1.9", members={HANDLER: ANSWERS_NONSENSE})
    code, said = refusal(operator, "models", "register", "ranjana", name)
    assert (code, "does not answer as ranjana does" in said) == (1, True)
    log = answer(operator, "audit", "list", "--limit", "7")["results"]
    assert [(entry["action"], entry["user_id"]) for entry in reversed(log)] == [
        ("version_registered", None),
        ("workers_changed", None),
        ("traffic_changed", None),
        ("default_changed", None),
        ("default_changed", None),
        ("version_removed", None),
        ("version_refused", None),
    ]


def test_a_user_gets_the_same_version_on_every_device_and_versions_are_compared(
    operator: Operator,
) -> None:
    def arms() -> dict[str, dict[str, Any]]:
        report = operator.send("GET", "traffic/report/").json()
        return {arm["version"]: arm for arm in report["arms"]}

    assert operator.register("1.6").status_code == 201
    operator.send("PUT", "traffic/", {"1.0": 50, "1.6": 50})
    seen = set()
    for device in range(8):
        response = operator.ranjana.client.post(
            "/api/predict/",
            files={"image": encode(reference(0))},
            headers={**operator.headers, "X-Device-ID": str(device)},
        )
        seen.add(version_of(response))
    assert len(seen) == 1
    # The report counts these requests.
    counts = {"1.0": 0, "1.6": 0}
    for device in range(100, 140):
        counts[version_of(operator.ask(device))] += 1
    expected = counts["1.6"] + (8 if seen == {"1.6"} else 0)
    wait_for(lambda: arms()["1.6"]["answers"] >= expected, 10)
    report = operator.send("GET", "traffic/report/").json()
    assert [arm["version"] for arm in report["arms"]] == ["1.0", "1.6"]
    assert arms()["1.6"]["answers"] == expected
    for arm in report["arms"]:
        assert arm["failed"] == 0
        assert arm["score"]["low"] <= arm["score"]["mean"] <= arm["score"]["high"] <= 100
        assert 0 < arm["latency_ms"]["p50"] <= arm["latency_ms"]["p95"]
    (compared,) = report["comparisons"]
    assert (compared["version"], compared["against"]) == ("1.6", "1.0")
    assert compared["error_rate"]["verdict"] == "no difference seen"
    assert compared["wrong_share"]["verdict"] == "not enough data"
    # A request that names a version gets that version.
    for version in ("1.0", "1.6"):
        named = operator.ranjana.predict(encode(reference(0)), version=version)
        assert version_of(named) == version


@pytest.mark.thorough
def test_only_testers_may_name_a_version_without_traffic(operator: Operator) -> None:
    client, image = operator.ranjana.client, encode(reference(0))
    assert operator.register("1.8").status_code == 201
    everybody: dict[str, dict[str, str]] = {"nobody": {}, "admin": operator.headers}
    for role in ("user", "analyst", "data-scientist", "ml-engineer"):
        operator.appoint(f"a-{role}", role)
        fields = {"username": f"a-{role}", "password": PASSWORD}
        access = client.post("/api/signin/", json=fields).json()["access"]
        everybody[role] = {"Authorization": f"Bearer {access}"}
    testers = {"data-scientist", "ml-engineer", "admin"}

    def statuses(path: str, name: str, version: str = "1.8") -> dict[str, int]:
        found = {}
        for role, headers in everybody.items():
            query = {"version": version}
            answer = client.post(path, files={name: image}, headers=headers, params=query)
            found[role] = answer.status_code
            if answer.status_code == 403:
                assert answer.json()["code"] == "role_missing"
                assert "gets no traffic" in answer.json()["error"]
        return found

    for path, name, good in (
        ("/api/predict/", "image", 200),
        ("/api/predict/batch/", "images", 200),
        ("/api/jobs/predict/", "images", 202),
    ):
        expected = {role: good if role in testers else 403 for role in everybody}
        if path == "/api/jobs/predict/":
            expected["nobody"] = 401
        assert statuses(path, name) == expected, path
    assert set(statuses("/api/predict/", "image", "1.0").values()) == {200}
    assert set(statuses("/api/predict/", "image", "7.7").values()) == {404}
    operator.send("PUT", "traffic/", {"1.0": 99, "1.8": 1})
    assert set(statuses("/api/predict/", "image").values()) == {200}


def test_a_demoted_engineer_registers_nothing(operator: Operator) -> None:
    client = operator.ranjana.client
    operator.appoint("engineer", "ml-engineer")
    fields = {"username": "engineer", "password": PASSWORD}
    access = client.post("/api/signin/", json=fields).json()["access"]
    headers = {"Authorization": f"Bearer {access}"}
    me = client.get("/api/me/", headers=headers).json()["id"]
    archive = {"archive": operator.derived("ranjana-1.9.5.mar", "1.9.5")}
    with ThreadPoolExecutor(1) as pool:
        registering = pool.submit(
            client.post, "/api/models/ranjana/versions/", json=archive, headers=headers
        )
        wait_for(lambda: "1.9.5" in operator.served(), 60, 0.01)  # its worker is starting
        change = {"role": "data-scientist"}
        path = f"/api/admin/users/{me}/"
        assert client.put(path, json=change, headers=operator.headers).status_code == 200
        refused = registering.result()
    assert (refused.status_code, refused.json()["code"]) == (403, "role_missing")
    assert "1.9.5" not in operator.versions()
    assert "1.9.5" not in operator.served()


@pytest.mark.thorough
def test_versions_workers_and_shares_survive_a_restart_of_torchserve(operator: Operator) -> None:
    assert operator.register("1.1").status_code == 201
    assert operator.register("1.2").status_code == 201
    operator.send("PUT", "traffic/", {"1.0": 50, "1.2": 50})
    scaled = operator.send("PUT", "versions/1.2/", {"workers": 2})
    assert (scaled.status_code, scaled.json()["workers_ready"]) == (200, 2)
    assert operator.send("DELETE", "versions/1.1/").status_code == 200
    before = {device: version_of(operator.ask(device)) for device in range(20)}
    assert set(before.values()) == {"1.0", "1.2"}

    restarts = operator.ranjana.restarts
    operator.ranjana.java().kill()
    wait_for(lambda: operator.ranjana.restarts > restarts, 90)
    # All requests are answered even before the versions are restored.
    assert {operator.ask(device).status_code for device in range(20)} == {200}
    wait_for(lambda: operator.served() == {"1.0", "1.2"}, 60)
    wait_for(lambda: operator.versions()["1.2"]["state"] == "ready", 60)
    wait_for(lambda: operator.versions()["1.2"]["workers_ready"] == 2, 60)

    def now() -> dict[int, str]:
        return {device: version_of(operator.ask(device)) for device in range(20)}

    wait_for(lambda: now() == before, 20)


@pytest.mark.thorough
def test_direct_changes_of_torchserve_are_adopted_or_undone(operator: Operator) -> None:
    name, client = operator.derived("ranjana-3.0.mar", "3.0"), operator.ranjana.client
    address = f"http://127.0.0.1:{operator.ranjana.management_port}/models"
    headers = {"Authorization": f"Bearer {operator.ranjana.key('management')}"}
    query = {"url": name, "initial_workers": "1", "synchronous": "true"}
    assert client.post(address, params=query, headers=headers).status_code == 200
    wait_for(lambda: "3.0" in operator.versions(), 120)
    assert operator.versions()["3.0"]["traffic"] == 0
    # The default in the database wins over a default that was set in TorchServe.
    changed = client.put(f"{address}/ranjana/3.0/set-default", headers=headers)
    assert changed.status_code == 200

    def default() -> str:
        (version,) = client.get(f"{address}/ranjana", headers=headers).json()
        return str(version["modelVersion"])

    wait_for(lambda: default() == "1.0", 120)
    assert version_of(operator.ask(0)) == "1.0"


@pytest.mark.thorough
def test_the_lines_of_the_guide_register_list_and_unregister_a_version(operator: Operator) -> None:
    page = (ROOT / "docs" / "models.md").read_text()
    section = page.partition("## TorchServe's own management API")[2]
    block = re.search(r"```sh\n(.*?)```", section, re.DOTALL)
    assert block
    folder = operator.ranjana.folder / "data"
    text = block[1].replace("data/running.json", str(folder / "running.json")).replace("1.2", "4.0")
    setup, _, calls = text.partition("\n\n")
    models, versions, register, unregister = calls.splitlines()

    def run(line: str) -> Any:
        script = f"set -eo pipefail\n{setup}\n{line.replace('curl', 'curl -sS', 1)}"
        done = subprocess.run(
            ["bash", "-c", script],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert (done.returncode, done.stderr) == (0, ""), done.stderr
        return json.loads(done.stdout)

    def listed() -> set[str]:
        return {version["modelVersion"] for version in run(versions)}

    operator.derived("ranjana-4.0.mar", "4.0")
    assert [model["modelName"] for model in run(models)["models"]] == ["ranjana"]
    assert "status" in run(register)
    wait_for(lambda: "4.0" in operator.versions(), 120)
    assert listed() == {"1.0", "4.0"}
    assert operator.versions()["4.0"]["traffic"] == 0
    # The service takes it for lost, and registers it again, until it is removed there.
    assert run(unregister) == {"status": 'Model "ranjana" unregistered'}
    wait_for(lambda: "4.0" in listed(), 60)
    wait_for(lambda: operator.versions()["4.0"]["state"] == "ready", 60)
    assert operator.send("DELETE", "versions/4.0/").status_code == 200
    wait_for(lambda: listed() == {"1.0"}, 60)


@pytest.mark.skipif(not is_possible(), reason="needs Linux 5.19 with Landlock")
def test_a_worker_sees_neither_the_secret_nor_the_service(operator: Operator) -> None:
    ranjana, data = operator.ranjana, operator.ranjana.folder / "data"
    launcher = psutil.Process(ranjana.process.pid)
    (api,) = (each for each in launcher.children() if "auth_api" in each.cmdline())
    hidden = [data / "secret_key", data / "ranjana.db", *(data.parent / "media").rglob("*.png")]
    hidden += [Path(f"/proc/{each.pid}/environ") for each in (launcher, api)]
    assert all(path.read_bytes() for path in hidden)
    shown = operator.store / "ranjana.mar"
    handler = LOOKS.replace(b"PATHS", repr([*map(str, (*hidden, shown))]).encode())
    made = operator.register("1.6", members={HANDLER: handler})
    assert made.status_code == 201, made.text
    (file,) = ranjana.folder.glob("ranjana-*/tmp/seen.json")
    seen = json.loads(file.read_text())
    assert {path for path, content in seen["files"].items() if content} == {str(shown)}
    assert not {"DATA_DIR", "MEDIA_DIR"} & seen["environment"].keys()


def test_the_default_answers_for_a_version_that_fails(operator: Operator) -> None:
    made = operator.register("1.5", members={HANDLER: FAILS_AFTER_THE_FIRST})
    assert made.status_code == 201, made.text
    operator.send("PUT", "traffic/", {"1.5": 100})
    responses = [operator.ask(device) for device in range(30)]
    assert {response.status_code for response in responses} == {200}
    # Each worker of 1.5 has answered one or two pictures before it failed.
    assert [version_of(response) for response in responses].count("1.0") >= 25
    metrics = operator.ranjana.metrics()
    assert 'model_fallbacks_total{model="ranjana",version="1.5"}' in metrics


@pytest.mark.parametrize(
    ("spoilt", "reason"),
    [
        ({"members": {HANDLER: b"raise RuntimeError"}}, "no worker starts with it"),
        ({"members": {"model.pt": b"no model"}}, "no worker starts with it"),
        ({"members": {HANDLER: ANSWERS_NONSENSE}}, "does not answer as ranjana does"),
        ({"members": {"../../evil.py": b""}}, "leads out"),
        ({"manifest": {"modelName": "digits"}}, "another model"),
        ({"checksum": False}, "no checksum"),
    ],
)
@pytest.mark.thorough("no worker")
def test_a_bad_archive_is_refused_and_nothing_changes(
    operator: Operator, spoilt: dict[str, Any], reason: str
) -> None:
    before = operator.model()
    refused = operator.register("4.0", **spoilt)
    assert (refused.status_code, refused.json()["code"]) == (400, "archive_refused")
    assert reason in refused.json()["error"]
    (operator.store / "ranjana-4.0.mar.sha256").unlink(missing_ok=True)
    assert operator.served() == {"1.0"}
    assert operator.model() == before
    assert version_of(operator.ask(0)) == "1.0"
    log = operator.ranjana.client.get("/api/admin/audit-logs/", headers=operator.headers)
    assert reason in log.json()["results"][0]["details"]["reason"]


def test_impossible_requests_get_the_right_errors(operator: Operator) -> None:
    checksum = state_checksum(operator.store / "ranjana.mar")
    cases: list[tuple[str, str, object, int, str]] = [
        ("POST", "versions/", {"archive": "ranjana-8.0.mar"}, 404, "archive_not_found"),
        ("POST", "versions/", {"archive": "ranjana.mar"}, 409, "version_exists"),
        ("POST", "versions/", {"archive": "../x.mar"}, 400, "archive_refused"),
        (
            "POST",
            "versions/",
            {"archive": "ranjana.mar", "sha256": "0" * 64},
            400,
            "archive_refused",
        ),
        ("POST", "versions/", {"archive": "ranjana.mar", "sha256": "x"}, 400, "validation_failed"),
        ("DELETE", "versions/1.0/", None, 409, "version_in_use"),
        ("DELETE", "versions/7.0/", None, 404, "version_not_found"),
        ("DELETE", "versions/..%2f/", None, 404, "version_not_found"),
        ("PUT", "versions/7.0/", {"workers": 2}, 404, "version_not_found"),
        ("PUT", "versions/1.0/", {"workers": 0}, 400, "validation_failed"),
        ("PUT", "versions/1.0/", {"workers": 9}, 400, "validation_failed"),
        ("PUT", "default/", {"version": "7.0"}, 404, "version_not_found"),
        ("PUT", "default/", {}, 400, "validation_failed"),
        ("PUT", "traffic/", {"1.0": 50, "7.0": 50}, 404, "version_not_found"),
        ("PUT", "traffic/", {"1.0": 50}, 400, "validation_failed"),
        ("PUT", "traffic/", {"1.0": -50, "7.0": 150}, 400, "validation_failed"),
        ("PUT", "traffic/", {"1.0": "NaN"}, 400, "validation_failed"),
        ("PUT", "traffic/", {}, 400, "validation_failed"),
    ]
    for method, path, body, status, code in cases:
        response = operator.send(method, path, body)
        assert (response.status_code, response.json()["code"]) == (status, code), (path, body)
    assert checksum == operator.versions()["1.0"]["sha256"]
    unknown = operator.ranjana.client.get("/api/models/nothing/")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "model_not_found")
