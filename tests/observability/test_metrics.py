"""The metrics that Prometheus gets from a running service and its TorchServe."""

from __future__ import annotations

import signal
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx2
import numpy as np
import psutil
import pytest
from prometheus_client.multiprocess import MultiProcessCollector

from tests.accounts.test_tokens import backdate_use, claims_of
from tests.support.apis import PASSWORD, Api, User
from tests.support.digits import NO_DIGITS, drawn_strokes
from tests.support.jobs import characters, finished, hand_in
from tests.support.measured import BY_SERVICE, BY_TORCHSERVE, Measured, series, shown, value
from tests.support.pictures import encode, reference
from tests.support.postgresql import PostgreSQL
from tests.support.running import Ranjana, command_of, wait_for

_PROCESSES = 2
_PENDING = 8
_ROUTE = "/api/characters/"


def test_all_metrics_are_documented(ranjana: Ranjana) -> None:
    image = encode(reference(3))
    assert ranjana.predict(image).status_code == 200
    compared = ranjana.client.post(
        "/api/similarity/", files={"image": image}, data={"target_class": "3"}
    )
    assert compared.status_code == 200
    _require_documented(_scrape(ranjana.api_metrics_port), BY_SERVICE)
    # TorchServe adds its host to every series.
    text = _scrape(ranjana.metrics_port)
    _require_documented(
        text.replace(",}", "}"), BY_TORCHSERVE, extra_labels={"Hostname", "hostname"}
    )
    assert value(text, "BatchSize_count", ModelName="ranjana") > 0


def _scrape(port: int) -> str:
    """The metrics, requested with the headers of Prometheus."""
    accepted = "application/openmetrics-text;version=1.0.0;q=0.6,text/plain;version=0.0.4;q=0.3"
    url, headers = f"http://127.0.0.1:{port}/metrics", {"Accept": accepted}
    answer = httpx2.get(url, headers=headers, verify=False)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    return answer.text


def _require_documented(
    text: str,
    documented: dict[str, Measured],
    extra_labels: frozenset[str] | set[str] = frozenset(),
) -> None:
    found = shown(text)
    assert found.keys() == documented.keys()
    for name, metric in found.items():
        assert metric.type == documented[name].type, name
        assert metric.labels - extra_labels <= documented[name].labels, name


def test_actions_of_users_are_answered(api: Api, user: User) -> None:
    before = api.metrics()
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
    for status, age in ((200, 5), (200, 11), (401, 0), (401, 0)):
        answer = api.client.post("/api/token/refresh/", json={"refresh": again.refresh})
        assert answer.status_code == status
        backdate_use(api, claims_of(again.refresh)["sid"], age)
    assert api.client.post("/api/token/refresh/", json={"refresh": "x"}).status_code == 401
    finished(user, hand_in(user, characters(2), "/api/jobs/predict/"))

    def added(name: str, **labels: str) -> float:
        text = api.metrics()
        return value(text, name, **labels) - value(before, name, **labels)

    # The count rises just after the end of the job becomes visible.
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
    none = [added("predictions_none_total", model="ranjana", version="1.0")]
    sign = encode(drawn_strokes(NO_DIGITS["✓"], np.random.default_rng(0)))
    question = encode(drawn_strokes(NO_DIGITS["?"], np.random.default_rng(0)))
    # A vowel is no consonant, but it is a character. `also` says which, and of a ? it says one too.
    for picture in (sign, encode(reference(40)), question, encode(reference(9))):
        user.post("/api/predict/", files={"image": picture})
        none.append(added("predictions_none_total", model="ranjana", version="1.0"))
    assert none == [0, 1, 1, 2, 2]
    for outcome in ("succeeded", "wrong_password", "unknown"):
        assert added("sign_ins_total", outcome=outcome) == 1, outcome
    for outcome in ("succeeded", "repeated", "reused", "ended", "invalid"):
        assert added("token_refreshes_total", outcome=outcome) == 1, outcome
    assert added("http_requests_total", route="/api/feedback/", method="POST") == 2
    assert added("http_request_seconds_count", route="/api/feedback/") == 2
    assert added("http_request_bytes_total", route="/api/similarity/") > len(image["image"])
    assert added("http_response_bytes_total", route="/api/similarity/") > 1000
    assert added("database_seconds_count", operation="write") > 5
    text = api.metrics()
    assert value(text, "http_requests_in_flight") >= 1
    assert value(text, "database_up") == 1
    assert value(text, "jobs", kind="predict", state="running") == 0
    for state in ("wanted", "ready"):
        assert value(text, "torchserve_workers", model="ranjana", state=state) > 0
    assert 0 < value(text, "disk_free_bytes", folder="media") < value(text, "disk_size_bytes")
    assert 0 < value(text, "process_open_fds") < value(text, "process_max_fds")


@pytest.mark.database("sqlite")
def test_values_chosen_by_callers_never_become_a_series(api: Api, user: User) -> None:
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
        text = api.metrics()
        assert odd not in text
        assert f'"7.{number}"' not in text
        return set(series(text))

    ask(1)  # the first request adds the series of /metrics itself
    first = ask(2)
    assert ask(3) == ask(4) == first
    assert len(first) < 5000


@pytest.fixture
def temporary(tmp_path: Path) -> Path:
    folder = tmp_path / "tmp"
    folder.mkdir()
    return folder


@pytest.mark.thorough
def test_each_of_two_processes_shows_the_metrics_of_both(
    ranjana: Ranjana, postgresql: PostgreSQL, tmp_path: Path, temporary: Path
) -> None:
    # Requests stay pending while a process is replaced, however slow the machine is.
    environment = {"API_WORKERS": str(_PROCESSES), "TMPDIR": str(temporary), "CLIENT_SECONDS": "90"}
    api = Api(tmp_path / "api", ranjana, postgresql.new_database(), environment)
    try:
        api.wait_until_alive()
        wait_for(lambda: len(_servers(api)) == _PROCESSES, 30)
        _require_combined_metrics(api, temporary)
        assert api.stop() == 0
        assert list(temporary.glob("ranjana-*-metrics-*")) == []
    finally:
        api.stop(signal.SIGKILL)


def _require_combined_metrics(api: Api, temporary: Path) -> None:
    (folder,) = temporary.glob("ranjana-*-metrics-*")
    requests = 0

    def both_answered() -> bool:
        nonlocal requests
        requests += 1
        assert _get(api, _ROUTE)
        return all(_answered(folder, server) for server in _servers(api))

    wait_for(both_answered, 30, pause=0)
    for _ in range(4 * _PROCESSES):
        text = api.metrics()
        assert value(text, "http_requests_total", route=_ROUTE, status="200") == requests
        assert value(text, "http_request_seconds_count", route=_ROUTE) == requests
        assert value(text, "service_processes") == _PROCESSES
        assert value(text, "ranjana_build_info") == 1
        assert value(text, "database_connections_max") == 16 * _PROCESSES
    with _pending_requests(api):
        wait_for(lambda: _in_flight(api) == _PENDING, 10)
        victim = max(_servers(api), key=lambda server: _in_flight_of(folder, server))
        lost = _in_flight_of(folder, victim)
        assert lost > 0
        victim.kill()
        wait_for(lambda: victim not in _servers(api) and len(_servers(api)) == _PROCESSES, 30)
        # Its counts stay; its pending requests are no longer in flight.
        assert _in_flight(api) == _PENDING - lost
        after = api.metrics()
    assert value(after, "http_requests_total", route=_ROUTE, status="200") == requests
    assert value(after, "process_cpu_seconds_total") >= value(text, "process_cpu_seconds_total")
    assert value(after, "process_start_time_seconds") == value(text, "process_start_time_seconds")
    wait_for(lambda: value(api.metrics(), "service_processes") == _PROCESSES, 30)


def _get(api: Api, path: str) -> str:
    """Uses a new connection, so that any of the processes may answer."""
    response = httpx2.get(f"http://127.0.0.1:{api.port}{path}", timeout=30, verify=False)
    assert response.status_code == 200, response.text
    return response.text


def _servers(api: Api) -> list[psutil.Process]:
    children = psutil.Process(api.process.pid).children()
    return [child for child in children if "spawn_main" in command_of(child)]


def _value_of(folder: Path, server: psutil.Process, kind: str, name: str, **labels: str) -> float:
    """A metric of one process, 0 if it has no value."""
    files = [str(path) for path in folder.glob(f"{kind}_{server.pid}.db")]
    metrics = MultiProcessCollector.merge(files)
    return sum(
        sample.value
        for metric in metrics
        for sample in metric.samples
        if sample.name == name and labels.items() <= sample.labels.items()
    )


def _answered(folder: Path, server: psutil.Process) -> float:
    return _value_of(folder, server, "counter", "http_requests_total", route=_ROUTE)


def _in_flight_of(folder: Path, server: psutil.Process) -> float:
    return _value_of(folder, server, "gauge_livesum", "http_requests_in_flight")


def _in_flight(api: Api) -> float:
    """Requests in flight, without the request for the metrics."""
    return value(api.metrics(), "http_requests_in_flight") - 1


@contextmanager
def _pending_requests(api: Api) -> Iterator[None]:
    """Keeps requests pending whose bodies are never sent."""
    head = (
        f"POST /api/signin/ HTTP/1.1\r\nHost: 127.0.0.1:{api.port}\r\n"
        "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n"
    )
    with ExitStack() as stack:
        for _ in range(_PENDING):
            client = stack.enter_context(socket.create_connection(("127.0.0.1", api.port)))
            client.sendall(head.encode())
        yield
