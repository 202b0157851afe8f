"""What Prometheus sees of a running service and its TorchServe."""

from __future__ import annotations

import signal
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx2
import psutil
import pytest
from prometheus_client.multiprocess import MultiProcessCollector

from tests.support.apis import PASSWORD, Api, User
from tests.support.jobs import characters, finished, hand_in
from tests.support.measured import BY_SERVICE, BY_TORCHSERVE, Measured, series, shown, value
from tests.support.pictures import encode, reference
from tests.support.postgresql import PostgreSQL
from tests.support.running import Ranjana, command_of, wait_for

_PROCESSES = 2
_UNDER_WAY = 8
_ROUTE = "/api/characters/"


def test_what_is_shown_is_what_is_documented(ranjana: Ranjana) -> None:
    image = encode(reference(3))
    assert ranjana.predict(image).status_code == 200
    compared = ranjana.client.post(
        "/api/similarity/", files={"image": image}, data={"target_class": "3"}
    )
    assert compared.status_code == 200
    _require_documented(_scraped(ranjana.port), BY_SERVICE)
    # TorchServe adds its host to every series.
    text = _scraped(ranjana.metrics_port)
    _require_documented(text.replace(",}", "}"), BY_TORCHSERVE, added={"Hostname", "hostname"})
    assert value(text, "BatchSize_count", ModelName="ranjana") > 0


def _scraped(port: int) -> str:
    """What Prometheus gets, which takes no format that is not named."""
    accepted = "application/openmetrics-text;version=1.0.0;q=0.6,text/plain;version=0.0.4;q=0.3"
    answer = httpx2.get(f"http://127.0.0.1:{port}/metrics", headers={"Accept": accepted})
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    return answer.text


def _require_documented(
    text: str, documented: dict[str, Measured], added: frozenset[str] | set[str] = frozenset()
) -> None:
    found = shown(text)
    assert found.keys() == documented.keys()
    for name, metric in found.items():
        assert metric.type == documented[name].type, name
        assert metric.labels - added <= documented[name].labels, name


def test_what_users_do_is_counted(api: Api, user: User) -> None:
    before = api.client.get("/metrics").text
    image = {"image": encode(reference(9))}
    predicted = user.post("/api/predict/", files=image).json()
    given = {"prediction_id": predicted["prediction_id"], "actual_class": 8}
    assert user.post("/api/feedback/", json=given).status_code == 201
    assert user.post("/api/feedback/", json={**given, "actual_class": 9}).status_code == 200
    assert user.compare(9).status_code == 200
    assert user.post("/api/predict/", files={"image": b"no picture"}).status_code == 415
    known = {"username": user.username, "password": "a wrong password"}
    assert api.client.post("/api/signin/", json=known).status_code == 401
    unknown = {"username": "nobody.at.all", "password": PASSWORD}
    assert api.client.post("/api/signin/", json=unknown).status_code == 401
    again = api.sign_in(user.username)
    for status in (200, 401, 401):
        answer = api.client.post("/api/token/refresh/", json={"refresh": again.refresh})
        assert answer.status_code == status
    assert api.client.post("/api/token/refresh/", json={"refresh": "x"}).status_code == 401
    finished(user, hand_in(user, characters(2), "/api/jobs/predict/"))

    def added(name: str, **labels: str) -> float:
        text = api.client.get("/metrics").text
        return value(text, name, **labels) - value(before, name, **labels)

    # It is counted when its end is written, which others may see a moment before.
    wait_for(lambda: added("jobs_ended_total", kind="predict", outcome="succeeded") == 1, 5)
    assert added("job_seconds_count", kind="predict") == 1
    nine = {"model": "ranjana", "version": "1.0", "class": "9"}
    assert added("predictions_total", **nine) == 1
    assert added("prediction_confidence_ratio_count", model="ranjana", version="1.0") == 3
    confidence = added("prediction_confidence_ratio_sum", model="ranjana", version="1.0")
    assert 0.5 * 3 < confidence <= 3
    assert added("comparisons_total", version="1.0", same="yes") == 1
    assert added("pictures_refused_total", model="ranjana", code="unreadable_image") == 1
    assert added("feedback_total", model="ranjana", said="wrong") == 1
    assert added("feedback_total", model="ranjana", said="right") == 0
    for outcome in ("succeeded", "wrong_password", "unknown"):
        assert added("sign_ins_total", outcome=outcome) == 1, outcome
    for outcome in ("succeeded", "reused", "ended", "invalid"):
        assert added("token_refreshes_total", outcome=outcome) == 1, outcome
    assert added("http_requests_total", route="/api/feedback/", method="POST") == 2
    assert added("http_request_seconds_count", route="/api/feedback/") == 2
    assert added("http_request_bytes_total", route="/api/similarity/") > len(image["image"])
    assert added("http_response_bytes_total", route="/api/similarity/") > 1000
    assert added("database_seconds_count", operation="write") > 5
    text = api.client.get("/metrics").text
    assert value(text, "http_requests_in_flight") >= 1
    assert value(text, "database_up") == 1
    assert value(text, "jobs", kind="predict", state="running") == 0
    for state in ("wanted", "ready"):
        assert value(text, "torchserve_workers", model="ranjana", state=state) > 0
    assert 0 < value(text, "disk_free_bytes", folder="media") < value(text, "disk_size_bytes")
    assert 0 < value(text, "process_open_fds") < value(text, "process_max_fds")


def test_nothing_that_callers_make_up_becomes_a_series(api: Api, user: User) -> None:
    image = {"image": encode(reference(0))}

    def ask(number: int) -> set[str]:
        odd = f"odd{number}"
        user.get(f"/{odd}/{number}")
        user.get(f"/api/{odd}/")
        user.request(f"BREW{number}", "/health")
        user.request("DELETE", f"/api/predict/{odd}")
        for query in ({"model": odd}, {"version": f"7.{number}"}, {"enhancement_level": odd}):
            assert user.post("/api/predict/", files=image, params=query).status_code in {400, 404}
        user.post("/api/predict/", files=image, headers={"X-Device-ID": odd, "X-Request-ID": odd})
        user.post("/api/similarity/", files=image, data={"target_class": odd})
        for path in ("models", "jobs", "history/predictions", "sessions", "characters"):
            user.get(f"/api/{path}/{odd}/")
        user.get(f"/api/models/{odd}/corrections/{number}/image/")
        user.get(f"/api/models/ranjana/versions/{odd}/")
        wrong = {"username": odd, "email": f"{odd}@example.org", "password": odd}
        for path in ("signin", "token/refresh", "web-session"):
            api.client.post(f"/api/{path}/", json={**wrong, "refresh": odd})
        api.client.get("/health", headers={"Host": f"{odd}.example"})
        text = api.client.get("/metrics").text
        assert odd not in text
        assert f'"7.{number}"' not in text
        return set(series(text))

    ask(1)  # /metrics itself is there once it was asked for
    first = ask(2)
    assert ask(3) == ask(4) == first
    assert len(first) < 5000


@pytest.fixture
def temporary(tmp_path: Path) -> Path:
    folder = tmp_path / "tmp"
    folder.mkdir()
    return folder


def test_whichever_of_two_processes_answers_answers_for_both(
    ranjana: Ranjana, postgresql: PostgreSQL, tmp_path: Path, temporary: Path
) -> None:
    environment = {"API_WORKERS": str(_PROCESSES), "TMPDIR": str(temporary)}
    api = Api(tmp_path / "api", ranjana, postgresql.new_database(), environment)
    try:
        api.wait_until_alive()
        wait_for(lambda: len(_servers(api)) == _PROCESSES, 30)
        _require_one_answer(api, temporary)
        assert api.stop() == 0
        assert list(temporary.glob("ranjana-metrics-*")) == []
    finally:
        api.stop(signal.SIGKILL)


def _require_one_answer(api: Api, temporary: Path) -> None:
    (folder,) = temporary.glob("ranjana-metrics-*")
    asked = 0

    def both_have_answered() -> bool:
        nonlocal asked
        asked += 1
        assert _get(api, _ROUTE)
        return all(_counted(folder, server) for server in _servers(api))

    wait_for(both_have_answered, 30, pause=0)
    for _ in range(4 * _PROCESSES):
        text = _get(api, "/metrics")
        assert value(text, "http_requests_total", route=_ROUTE, status="200") == asked
        assert value(text, "http_request_seconds_count", route=_ROUTE) == asked
        assert value(text, "service_processes") == _PROCESSES
        assert value(text, "ranjana_build_info") == 1
        assert value(text, "database_connections_max") == 16 * _PROCESSES
    with _under_way(api):
        wait_for(lambda: _in_flight(api) == _UNDER_WAY, 10)
        victim = max(_servers(api), key=lambda server: _unanswered(folder, server))
        lost = _unanswered(folder, victim)
        assert lost > 0
        victim.kill()
        wait_for(lambda: victim not in _servers(api) and len(_servers(api)) == _PROCESSES, 30)
        # What it had counted stays, what it had begun does not.
        assert _in_flight(api) == _UNDER_WAY - lost
        after = _get(api, "/metrics")
    assert value(after, "http_requests_total", route=_ROUTE, status="200") == asked
    assert value(after, "process_cpu_seconds_total") >= value(text, "process_cpu_seconds_total")
    assert value(after, "process_start_time_seconds") == value(text, "process_start_time_seconds")
    wait_for(lambda: value(_get(api, "/metrics"), "service_processes") == _PROCESSES, 30)


def _get(api: Api, path: str) -> str:
    """On a connection of its own, so that any of the processes may answer."""
    response = httpx2.get(f"http://127.0.0.1:{api.port}{path}", timeout=30)
    assert response.status_code == 200, response.text
    return response.text


def _servers(api: Api) -> list[psutil.Process]:
    children = psutil.Process(api.process.pid).children()
    return [child for child in children if "spawn_main" in command_of(child)]


def _of_one(folder: Path, server: psutil.Process, kind: str, name: str, **labels: str) -> float:
    """What one process has noted, 0 if nothing."""
    files = [str(path) for path in folder.glob(f"{kind}_{server.pid}.db")]
    metrics = MultiProcessCollector.merge(files)
    return sum(
        sample.value
        for metric in metrics
        for sample in metric.samples
        if sample.name == name and labels.items() <= sample.labels.items()
    )


def _counted(folder: Path, server: psutil.Process) -> float:
    return _of_one(folder, server, "counter", "http_requests_total", route=_ROUTE)


def _unanswered(folder: Path, server: psutil.Process) -> float:
    return _of_one(folder, server, "gauge_livesum", "http_requests_in_flight")


def _in_flight(api: Api) -> float:
    """But for the one that asks."""
    return value(_get(api, "/metrics"), "http_requests_in_flight") - 1


@contextmanager
def _under_way(api: Api) -> Iterator[None]:
    """Requests whose bodies do not come."""
    begun = (
        f"POST /api/signin/ HTTP/1.1\r\nHost: 127.0.0.1:{api.port}\r\n"
        "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n"
    )
    with ExitStack() as stack:
        for _ in range(_UNDER_WAY):
            caller = stack.enter_context(socket.create_connection(("127.0.0.1", api.port)))
            caller.sendall(begun.encode())
        yield
