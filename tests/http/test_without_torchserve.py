"""The API without TorchServe."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from auth_api.app import create_app
from auth_api.observability.logs import JsonFormatter
from auth_api.settings import Settings
from launcher.ports import free_port
from tests.support.pictures import encode, reference

METRICS_PORT = 9464
METRICS = f"http://testserver:{METRICS_PORT}/metrics"


@pytest.fixture
def app(tmp_path: Path) -> Starlette:
    nobody = f"http://127.0.0.1:{free_port()}"
    return create_app(
        Settings.model_validate(
            {
                "metrics_port": METRICS_PORT,
                "torchserve_inference_url": nobody,
                "torchserve_management_url": nobody,
                "torchserve_retry_seconds": 0,
                "trusted_hosts": "testserver",
                "trusted_proxies": "10.0.0.0/24",
                "cors_origins": "https://ranjana.example",
                "data_dir": tmp_path / "data",
                "media_dir": tmp_path / "media",
            }
        )
    )


@pytest.fixture
def client(app: Starlette) -> Iterator[TestClient]:
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


def test_without_torchserve_it_is_alive_but_not_ready(client: TestClient) -> None:
    assert client.get("/health").status_code == 200
    ready = client.get("/ready")
    assert ready.status_code == 503
    assert ready.json()["code"] == "not_ready"
    assert "not running" in ready.json()["details"]["models"]["ranjana"]
    assert ready.headers["Retry-After"]


def test_without_torchserve_a_prediction_gets_503_with_retry_after(client: TestClient) -> None:
    response = client.post("/api/predict/", files={"image": encode(reference(0))})
    assert response.status_code == 503
    assert response.json()["success"] is False
    assert response.headers["Retry-After"]


def test_the_callers_request_id_is_returned(client: TestClient) -> None:
    response = client.get("/health", headers={"X-Request-ID": "abc-123"})
    assert response.headers["X-Request-ID"] == "abc-123"


@pytest.mark.parametrize("request_id", ["", "a b", 'x"y', "x" * 129])
def test_an_invalid_request_id_is_replaced(client: TestClient, request_id: str) -> None:
    response = client.get("/health", headers={"X-Request-ID": request_id})
    assert response.headers["X-Request-ID"] not in ("", request_id)


def test_a_bug_gives_a_500_without_a_traceback(app: Starlette) -> None:
    async def broken(request: Request) -> JSONResponse:
        raise RuntimeError("secret detail")

    app.router.routes.append(Route("/broken", broken))
    with TestClient(app, raise_server_exceptions=False) as client:
        response = client.get("/broken")
        chosen = client.get("/broken", headers={"X-Request-ID": "abc-123"})
    assert response.status_code == 500
    assert response.json()["code"] == "internal_error"
    assert response.json()["details"]["request_id"] == response.headers["X-Request-ID"]
    assert "secret" not in response.text
    # Our id finds the log line, whatever id the caller chose.
    assert chosen.headers["X-Request-ID"] == "abc-123" != chosen.json()["details"]["request_id"]


def test_only_pages_of_listed_origins_may_call(client: TestClient) -> None:
    requested = {"Access-Control-Request-Method": "POST"}
    listed = client.options(
        "/api/predict/", headers={"Origin": "https://ranjana.example", **requested}
    )
    other = client.options("/api/predict/", headers={"Origin": "https://evil.example", **requested})
    assert listed.headers["Access-Control-Allow-Origin"] == "https://ranjana.example"
    assert "Access-Control-Allow-Origin" not in other.headers
    assert (other.status_code, other.json()["code"]) == (400, "cross_origin_refused")
    assert other.json()["error"].endswith("Not allowed: origin.")
    assert other.headers["Vary"].startswith("Origin")
    # Headers of requests that a page may send, and of answers that it may read.
    requested["Access-Control-Request-Headers"] = "X-Device-ID, X-API-Key"
    page = {"Origin": "https://ranjana.example"}
    assert client.options("/api/predict/", headers={**page, **requested}).status_code == 200
    exposed = client.get("/health", headers=page).headers["Access-Control-Expose-Headers"]
    assert {"Location", "Retry-After", "X-Checksum-SHA256"} <= set(exposed.split(", "))


@pytest.mark.parametrize("path", ["/nope", "/api/nope", "/api/predict/1", "/api"])
def test_an_unknown_path_is_a_404_in_the_one_shape(client: TestClient, path: str) -> None:
    response = client.get(path)
    assert response.status_code == 404
    assert response.json()["code"] == "not_found"


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
def test_a_wrong_method_is_a_405_that_names_the_right_one(client: TestClient, method: str) -> None:
    response = client.request(method, "/api/predict/")
    assert response.status_code == 405
    assert response.json()["code"] == "method_not_allowed"
    assert response.headers["Allow"] == "POST"


def test_a_forwarded_address_of_an_unknown_peer_is_ignored_and_logged_once(
    app: Starlette, caplog: pytest.LogCaptureFixture
) -> None:
    def peers(header: str, value: str, sent_by: str) -> list[object]:
        with TestClient(app, client=(sent_by, 50000)) as client:
            for _ in range(3):
                client.get("/health", headers={header: value})
        return [record.peer for record in caplog.records if hasattr(record, "peer")]

    assert peers("X-Forwarded-For", " ", "10.9.9.9") == []
    assert peers("X-Forwarded-For", "1.2.3.4", "10.0.0.7") == []
    assert peers("X-Forwarded-Proto", "https", "10.9.9.9") == ["10.9.9.9"]
    assert peers("X-Forwarded-For", "1.2.3.4", "10.9.9.8") == ["10.9.9.9"]


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "OPTIONS"])
def test_the_port_of_callers_has_no_metrics(client: TestClient, method: str) -> None:
    for path in ("/metrics", "/metrics/", "/api/metrics"):
        for name in ("testserver", f"testserver:{METRICS_PORT}"):
            response = client.request(method, path, headers={"Host": name})
            assert response.status_code == 404, path
            assert "http_requests_total" not in response.text


def test_the_port_of_metrics_has_nothing_else(client: TestClient) -> None:
    for path in ("/", "/health", "/docs", "/openapi.json", "/api/models/", "/metrics/x"):
        response = client.get(f"http://testserver:{METRICS_PORT}{path}")
        assert (response.status_code, response.json()["code"]) == (404, "not_found"), path
    assert client.post(METRICS).status_code == 404
    # Prometheus asks pods by their addresses, which are in no list of host names.
    answer = client.get(METRICS, headers={"Host": "10.0.0.7"})
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    assert 'http_requests_total{method="GET",route="unmatched",status="404"}' in answer.text


def test_unknown_paths_and_methods_add_no_labels(client: TestClient) -> None:
    for path in ("/nope/1", "/nope/2", "/health"):
        client.get(path)
    client.request("BREW", "/health")
    text = client.get(METRICS).text
    assert 'route="/health"' in text
    assert 'route="unmatched"' in text
    assert "nope" not in text
    assert "BREW" not in text


def test_a_log_line_is_one_json_object() -> None:
    record = logging.makeLogRecord({"msg": "two\nlines", "levelname": "INFO", "answer": 42})
    line = JsonFormatter().format(record)
    assert "\n" not in line
    assert json.loads(line)["message"] == "two\nlines"
    assert json.loads(line)["answer"] == 42


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CORS_ORIGINS", "https://a.example, https://b.example")
    monkeypatch.setenv("API_PORT", "1234")
    settings = Settings()
    assert settings.cors_origins == ("https://a.example", "https://b.example")
    assert settings.api_port == 1234
