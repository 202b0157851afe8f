"""Submits jobs and follows them."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import httpx2

from tests.support.apis import Api, User
from tests.support.digits import held_out
from tests.support.pictures import encode, reference
from tests.support.running import wait_for

HAND_IN = "/api/jobs/predict/"
DIGITS = f"{HAND_IN}?model=digits"

Part = tuple[str, tuple[str, bytes]]


def digits(count: int) -> list[Part]:
    """`count` parts of a form, each an image of a few hundred bytes. Image n shows n modulo 10."""
    return [("images", (f"{number:04d}.png", _DIGITS[number % 200])) for number in range(count)]


_DIGITS = [encode(held_out(number % 10, number // 10)) for number in range(200)]


def characters(count: int) -> list[Part]:
    """The same with characters, whose recognition takes longer."""
    return [("images", (f"{number}.png", _CHARACTERS[number % 36])) for number in range(count)]


_CHARACTERS = [encode(reference(index)) for index in range(36)]


def zipped(content: Mapping[str, bytes], **options: Any) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, **options) as archive:
        for name, data in content.items():
            archive.writestr(name, data)
    return stream.getvalue()


def hand_in(user: User, parts: Iterable[Part], path: str = DIGITS) -> int:
    response = user.post(path, files=list(parts))
    assert response.status_code == 202, response.text
    number: int = response.json()["job_id"]
    assert response.headers["Location"] == f"/api/jobs/{number}/"
    return number


def job_of(user: User, number: int, *, results: bool = False) -> dict[str, Any]:
    response = user.get(f"/api/jobs/{number}/", params={"results": str(results).lower()})
    assert response.status_code == 200, response.text
    job: dict[str, Any] = response.json()
    return job


def finished(user: User, number: int, seconds: float = 60, pause: float = 0.05) -> dict[str, Any]:
    """Waits until the job has ended. Returns it with its results."""
    wait_until(user, number, lambda job: job["finished_at"] is not None, seconds, pause)
    return job_of(user, number, results=True)


def wait_until(
    user: User,
    number: int,
    condition: Callable[[dict[str, Any]], bool],
    seconds: float = 60,
    pause: float = 0.05,
) -> None:
    wait_for(lambda: condition(job_of(user, number)), seconds, pause)


def is_under_way(job: Mapping[str, Any]) -> bool:
    """Whether some images have an answer and others do not."""
    assert job["counts"]["pending"] or not job["counts"]["succeeded"], "too quick to see"
    return bool(job["counts"]["succeeded"])


def require_all_right(job: Mapping[str, Any], count: int) -> None:
    """Requires one answer for each digit, in order, nearly all of them right."""
    assert (job["state"], job["progress"], job["error"]) == ("succeeded", 1, None)
    assert job["counts"] == {"total": count, "succeeded": count, "failed": 0, "pending": 0}
    assert [row["file"] for row in job["results"]] == [
        f"{number:04d}.png" for number in range(count)
    ]
    right = sum(row["digit"] == number % 10 for number, row in enumerate(job["results"]))
    assert right >= 0.98 * count


def events(response: httpx2.Response) -> Iterable[tuple[str, dict[str, Any]]]:
    """Yields names and data of server-sent events as they arrive."""
    name = ""
    for line in response.iter_lines():
        field, _, value = line.partition(": ")
        if field == "event":
            name = value
        elif field == "data":
            yield name, json.loads(value)


def inputs(api: Api) -> list[str]:
    """Names of the input files, which only unfinished jobs have."""
    folder = api.media / "jobs"
    return [path.name for path in folder.iterdir()] if folder.exists() else []


def on(api: Api, user: User) -> User:
    """The same user, as a client of another process."""
    return User(api, user.username, user.email, user.refresh, user.access)
