"""What operators and programmers look at."""

from __future__ import annotations

import re

from tests.conftest import encode, reference
from tests.service.running import Ranjana


def test_alive_and_ready(ranjana: Ranjana) -> None:
    assert ranjana.client.get("/health").json() == {"success": True, "status": "alive"}
    ready = ranjana.client.get("/ready")
    assert ready.status_code == 200
    assert ready.json()["models"] == {"ranjana": "ready"}


def test_metrics_count_what_was_asked(ranjana: Ranjana) -> None:
    def count() -> float:
        text = ranjana.client.get("/metrics").text
        line = 'http_requests_total{method="POST",route="/api/predict/",status="200"}'
        found = re.search(rf"^{re.escape(line)} (.+)$", text, re.MULTILINE)
        return float(found[1]) if found else 0

    before = count()
    for _ in range(3):
        ranjana.predict(encode(reference(0)))
    assert count() == before + 3
    assert "torchserve_request_seconds_bucket" in ranjana.client.get("/metrics").text


def test_the_specification_describes_every_route_and_what_it_answers(ranjana: Ranjana) -> None:
    spec = ranjana.client.get("/openapi.json").json()
    assert set(spec["paths"]) == {"/api/predict/", "/health", "/ready", "/metrics"}
    predict = spec["paths"]["/api/predict/"]["post"]
    assert set(predict["requestBody"]["content"]) == {"multipart/form-data", "application/json"}
    assert {"200", "400", "404", "413", "415", "503"} <= set(predict["responses"])
    schemas = spec["components"]["schemas"]
    answer = ranjana.predict(encode(reference(0))).json()
    assert set(schemas["PredictAnswer"]["properties"]) == set(answer)
    assert set(schemas["Candidate"]["properties"]) == set(answer["top"][0])
    for reference_name in re.findall(r"#/components/schemas/(\w+)", str(spec)):
        assert reference_name in schemas


def test_the_documentation_page_brings_its_own_files(ranjana: Ranjana) -> None:
    page = ranjana.client.get("/docs").text
    paths = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert len(paths) == 3
    for path in paths:
        assert path.startswith("/docs/assets/")
        assert ranjana.client.get(path).status_code == 200
