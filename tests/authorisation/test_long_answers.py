"""Streams and downloads end when their caller loses access, and a user has few at once.

One test opens all kinds at the same time, because each has to wait for the next check.
"""

from __future__ import annotations

import json
from contextlib import ExitStack
from typing import Any

import httpx2
import pytest

from auth_api.authorisation.long_answers import MAX_PER_USER
from tests.authorisation.test_access import by_key, make_key, sql, user_id
from tests.support.apis import Api, User
from tests.support.running import wait_for
from tests.training.test_training import as_data_scientist, request_training

# More than the buffers between the service and a client that reads nothing.
ROWS, ROW_BYTES = 1000, 30_000
EXPORT, JOBS = "/api/history/export/", "/api/jobs/"
CUT_OFF = "a long answer ends early"


def _fill_history(api: Api, user: User) -> None:
    top = json.dumps([{"class": 1, "character": "x" * ROW_BYTES, "name": "x", "confidence": 1.0}])
    sql(
        api,
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $1) "
        "INSERT INTO predictions (user_id, created_at, model, version, predicted_class, "
        "confidence, top, preprocessed, media) SELECT $2, CURRENT_TIMESTAMP, 'ranjana', '1.0', 1, "
        "1.0, $3, 1, 'long-' || $2 || '-' || i FROM n",
        ROWS,
        user_id(user),
        top,
    )


def _queued_job(user: User) -> str:
    """The address of a job that does not end: the API of the tests runs no trainings."""
    return f"{JOBS}{request_training(user, {})['job_id']}/events/"


@pytest.mark.database("sqlite")
def test_streams_and_downloads_end_with_the_access_of_their_caller(api: Api) -> None:
    """The session ends, a key is revoked, the role changes, the account is deactivated."""
    leaving, robot, demoted, inactive, kept = (as_data_scientist(api) for _ in range(5))
    key = make_key(robot, "history", "predict")
    for user in (leaving, robot, inactive, kept):
        _fill_history(api, user)
    archive = "/api/models/similarity/export/"
    # Path, credentials, how the answer ends, and the status of the next request.
    asked: list[tuple[str, dict[str, str], str, int]] = [
        *((EXPORT, user.headers, "cut off", 401) for user in (leaving, inactive)),
        *((_queued_job(user), user.headers, "ends", 401) for user in (leaving, inactive)),
        (EXPORT, by_key(key), "cut off", 401),
        (archive, demoted.headers, "cut off", 403),
        (EXPORT, kept.headers, "complete", 200),
        (_queued_job(kept), kept.headers, "goes on", 200),
    ]
    before = api.log.read_text().count(CUT_OFF)
    with ExitStack() as stack:
        client = stack.enter_context(_client(api))
        answers: list[httpx2.Response] = []
        for path, headers, _, _ in asked:
            opened: Any = client.stream("GET", path, headers=headers)
            answers.append(stack.enter_context(opened))
            assert answers[-1].status_code == 200
        assert leaving.post("/api/logout/", json={"refresh": leaving.refresh}).status_code == 200
        assert robot.delete(f"/api/api-keys/{key['id']}/").status_code == 200
        change = "UPDATE users SET role = 'analyst' WHERE id = $1"
        sql(api, change, user_id(demoted))
        sql(api, "UPDATE users SET active = 0 WHERE username = $1", inactive.username)
        lost = sum(status != 200 for _, _, _, status in asked)
        wait_for(lambda: api.log.read_text().count(CUT_OFF) - before == lost, 30)
        for (_, _, end, _), answer in zip(asked, answers, strict=True):
            if end == "cut off":
                with pytest.raises(httpx2.RemoteProtocolError):
                    answer.read()
            elif end == "ends":
                answer.read()
            elif end == "complete":
                assert len(json.loads(answer.read())["predictions"]) == ROWS
    for path, headers, _, status in asked:
        assert client_status(api, path, headers) == status


def _client(api: Api) -> httpx2.Client:
    return httpx2.Client(base_url=api.client.base_url, timeout=60, verify=False)


def client_status(api: Api, path: str, headers: dict[str, str]) -> int:
    with api.client.stream("GET", path, headers=headers) as answer:
        return answer.status_code


@pytest.mark.database("sqlite")
def test_a_user_has_few_streams_at_once(api: Api) -> None:
    user, other = as_data_scientist(api), as_data_scientist(api)
    path, elsewhere = _queued_job(user), _queued_job(other)
    key = by_key(make_key(user, "history", "predict"))
    with ExitStack() as stack:
        client = stack.enter_context(_client(api))
        streams = [client.stream("GET", path, headers=user.headers) for _ in range(MAX_PER_USER)]
        opened = [stack.enter_context(stream) for stream in streams]
        assert {stream.status_code for stream in opened} == {200}
        for asked, headers in ((path, user.headers), (EXPORT, user.headers), (EXPORT, key)):
            with api.client.stream("GET", asked, headers=headers) as refused:
                assert refused.status_code == 429  # before it is read: a stream does not end
                assert json.loads(refused.read())["code"] == "too_many_streams"
                assert int(refused.headers["Retry-After"]) > 0
        assert client_status(api, elsewhere, other.headers) == 200
        assert user.get("/api/jobs/").status_code == 200
        opened[0].close()
        wait_for(lambda: client_status(api, path, user.headers) == 200, 10)
