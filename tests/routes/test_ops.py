"""Health, readiness, metrics, and the description of the routes."""

from __future__ import annotations

import re

from tests.support.pictures import encode, reference
from tests.support.running import Ranjana

ROUTES = {
    "/api/admin/audit-logs/",
    "/api/admin/audit-logs/export/",
    "/api/admin/config/",
    "/api/admin/jobs/",
    "/api/admin/jobs/{id}/",
    "/api/admin/stats/",
    "/api/admin/users/",
    "/api/admin/users/{id}/",
    "/api/analytics/me/",
    "/api/analytics/system/",
    "/api/api-keys/",
    "/api/api-keys/{id}/",
    "/api/change-password/",
    "/api/change-username/",
    "/api/characters/",
    "/api/characters/{class}/reference/",
    "/api/feedback/",
    "/api/history/export/",
    "/api/history/predictions/",
    "/api/history/predictions/{id}/",
    "/api/history/predictions/{id}/image/",
    "/api/history/similarities/",
    "/api/history/similarities/best/",
    "/api/history/similarities/{id}/",
    "/api/history/similarities/{id}/overlay/",
    "/api/history/similarities/{id}/reference/",
    "/api/history/similarities/{id}/user/",
    "/api/jobs/",
    "/api/jobs/predict/",
    "/api/jobs/{id}/",
    "/api/jobs/{id}/events/",
    "/api/jobs/{id}/results.csv/",
    "/api/login/",
    "/api/logout/",
    "/api/me/",
    "/api/me/export/",
    "/api/models/",
    "/api/models/status/",
    "/api/models/{name}/",
    "/api/models/{name}/confused-pairs/",
    "/api/models/{name}/confusion-matrix/",
    "/api/models/{name}/corrections/",
    "/api/models/{name}/corrections/export/",
    "/api/models/{name}/corrections/{id}/accept/",
    "/api/models/{name}/corrections/{id}/image/",
    "/api/models/{name}/corrections/{id}/reject/",
    "/api/models/{name}/default/",
    "/api/models/{name}/export/",
    "/api/models/{name}/metrics/",
    "/api/models/{name}/roc-curve/",
    "/api/models/{name}/traffic/",
    "/api/models/{name}/traffic/report/",
    "/api/models/{name}/versions/",
    "/api/models/{name}/versions/{version}/",
    "/api/models/{name}/train/",
    "/api/models/{name}/tune/",
    "/api/predict/",
    "/api/predict/batch/",
    "/api/progress/",
    "/api/register/",
    "/api/sessions/",
    "/api/sessions/{id}/",
    "/api/signin/",
    "/api/signup/",
    "/api/similarity/",
    "/api/token/refresh/",
    "/api/web-session/",
    "/api/web-session/refresh/",
    "/api/worksheets/",
    "/api/worksheets/judge/",
}


def test_alive_and_ready(ranjana: Ranjana) -> None:
    assert ranjana.client.get("/health").json() == {"success": True, "status": "healthy"}
    ready = ranjana.client.get("/ready")
    assert ready.status_code == 200
    assert ready.json()["database"] == "ready"
    assert ready.json()["models"] == {
        "ranjana": "ready",
        "similarity": "ready",
        "digits": "ready",
    }


def test_metrics_count_requests(ranjana: Ranjana) -> None:
    def count() -> float:
        text = ranjana.metrics()
        line = 'http_requests_total{method="POST",route="/api/predict/",status="200"}'
        found = re.search(rf"^{re.escape(line)} (.+)$", text, re.MULTILINE)
        return float(found[1]) if found else 0

    before = count()
    for _ in range(3):
        ranjana.predict(encode(reference(0)))
    assert count() == before + 3
    assert "torchserve_request_seconds_bucket" in ranjana.metrics()


def test_the_description_has_every_route_and_every_field_of_its_answers(ranjana: Ranjana) -> None:
    spec = ranjana.client.get("/openapi.json").json()
    images = {"/api/predict/", "/api/predict/batch/", "/api/similarity/"}
    assert images | {"/health", "/ready"} < set(spec["paths"])
    assert {path for path in spec["paths"] if path.startswith("/api/")} == ROUTES
    for path in images:
        route = spec["paths"][path]["post"]
        assert set(route["requestBody"]["content"]) == {"multipart/form-data", "application/json"}
        answers = {"200", "400", "401", "403", "404", "408", "413", "415", "429", "431", "503"}
        # The id of an attempt may be that of another one.
        assert answers | ({"409"} if "similarity" in path else set()) == set(route["responses"])
        assert route["security"] == [{"session": []}, {"api_key": []}, {}]
    schemas = spec["components"]["schemas"]
    answer = ranjana.predict(encode(reference(0)), heatmap="true", model="digits").json()
    # Only of ranjana, only if asked, and only for pictures that no browser shows.
    others = {"also", "characters", "picture"}
    assert set(schemas["PredictAnswer"]["properties"]) == set(answer) | others
    assert set(schemas["Candidate"]["properties"]) == set(answer["top"][0])
    compared = ranjana.client.post(
        "/api/similarity/?embedding=true&heatmap=true",
        files={"image": encode(reference(0))},
        data={"target_class": "0"},
    ).json()
    assert set(schemas["ComparisonAnswer"]["properties"]) == set(compared)
    assert set(schemas["ComparedRegion"]["properties"]) == set(compared["regions"][0])
    assert set(schemas["NearCharacter"]["properties"]) == set(compared["nearest"][0])
    for reference_name in re.findall(r"#/components/schemas/(\w+)", str(spec)):
        assert reference_name in schemas


def test_the_documentation_page_needs_no_other_server(ranjana: Ranjana) -> None:
    page = ranjana.client.get("/docs").text
    paths = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert len(paths) == 4
    moved = ranjana.client.get("/redoc", follow_redirects=True)
    assert (moved.url.path, moved.text) == ("/docs", page)
    for path in paths:
        assert path.startswith("/docs/")
        assert ranjana.client.get(path).status_code == 200
