"""Under overload the service answers what it can and rejects the rest at once.

Images that are sent to TorchServe together get the same answers as alone.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import httpx2
import pytest

from tests.support.apis import Api, StartApi
from tests.support.pictures import encode, reference
from tests.support.running import wait_for


def ask_all(api: Api, count: int, path: str = "/api/predict/") -> list[httpx2.Response]:
    """Sends `count` requests at the same time, each with the reference image of its class."""

    def ask(number: int) -> httpx2.Response:
        index = number % 36
        image = encode(reference(index))
        fields = {"target_class": str(index)}
        with httpx2.Client(base_url=api.client.base_url, timeout=60, verify=False) as client:
            return client.post(path, files={"image": image}, data=fields)

    with ThreadPoolExecutor(count) as threads:
        return list(threads.map(ask, range(count)))


@pytest.mark.database("sqlite")
def test_grouped_images_get_the_same_answers_as_alone(start_api: StartApi) -> None:
    api = start_api({"TORCHSERVE_MAX_CONCURRENCY": "1"})
    answers = [response.json() for response in ask_all(api, 36)]
    assert [answer["predicted_class"] for answer in answers] == list(range(36))
    alone = ask_all(api, 1)[0].json()
    assert answers[0]["probabilities"] == pytest.approx(alone["probabilities"], abs=1e-4)
    assert set(answers[0]) == set(alone)
    compared = [response.json() for response in ask_all(api, 12, "/api/similarity/")]
    assert [answer["compared_with_class"] for answer in compared] == list(range(12))
    assert all(answer["distance"] < 0.1 for answer in compared)


@pytest.mark.database("sqlite")
def test_requests_that_would_wait_too_long_are_rejected_and_the_rest_answered(
    start_api: StartApi,
) -> None:
    api = start_api({"TORCHSERVE_MAX_CONCURRENCY": "1", "MAX_QUEUE_SECONDS": "0.01"})
    ask_all(api, 8)  # the service does not know before how long an answer takes
    responses = ask_all(api, 48)
    statuses = {response.status_code for response in responses}
    assert statuses == {200, 503}
    for response in responses:
        if response.status_code == 200:
            assert response.json()["predicted_class"] in range(36)
            continue
        body = response.json()
        assert set(body) == {"success", "error", "code"}
        assert body["code"] == "model_server_busy"
        assert int(response.headers["Retry-After"]) >= 1
        assert response.headers["X-Request-ID"]
    wait_for(lambda: ask_all(api, 1)[0].status_code == 200, 10)
    assert "requests rejected: the queue of the model is too long" in api.log.read_text()
