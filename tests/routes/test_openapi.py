"""Every answer is as `/openapi.json` describes it, also for strange requests.

Schemathesis generates requests from the description, the same ones in every run. Half of them, but
few of the costly ones, get values that it cannot generate: a picture, an existing id, credentials.
"""

from __future__ import annotations

import base64
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count, cycle
from typing import Any

import httpx2
import pytest
import schemathesis
from schemathesis import AuthContext, Case, HookContext, Response
from schemathesis.config import (
    CacheConfig,
    ChecksConfig,
    CoveragePhaseConfig,
    GenerationConfig,
    PhasesConfig,
    ProjectConfig,
    ProjectsConfig,
    SchemathesisConfig,
)
from schemathesis.engine import Status, from_schema
from schemathesis.engine.events import FatalError, NonFatalError, ScenarioFinished
from schemathesis.schemas import BaseSchema

from handlers.worksheet_layout import sheets
from tests.support.apis import PASSWORD, Api, User
from tests.support.commands import answer
from tests.support.jobs import digits, finished, hand_in
from tests.support.pictures import encode, reference
from tests.support.strokes import strokes_of
from tests.support.worksheets import printed

# A walk through the whole description takes minutes on a busy machine.
pytestmark = pytest.mark.timeout(900)

PICTURE = encode(reference(0))
CHECKS = [
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
]
# These end or rename an account, or end its sessions or consent. Each request gets a new account.
DESTRUCTIVE = {
    "DELETE /api/me/",
    "DELETE /api/sessions/",
    "PATCH /api/me/",
    "POST /api/change-password/",
    "POST /api/change-username/",
}

TRAINING = {"POST /api/models/{name}/train/", "POST /api/models/{name}/tune/"}
RECOGNITION = {"/api/predict/", "/api/predict/batch/", "/api/jobs/predict/"}
# Schemathesis has hundreds of requests for each of these, and a valid one takes long.
IMAGES = {"/api/similarity/", "/api/worksheets/judge/", *RECOGNITION}
COSTLY = {*TRAINING, *(f"POST {path}" for path in IMAGES)}

_numbers = count(1)


@dataclass
class Outcome:
    """The results of all requests."""

    failures: dict[str, str] = field(default_factory=dict)
    """A command that repeats the request, by the deviation from the description."""
    answers: Counter[tuple[str, int]] = field(default_factory=Counter)
    """Number of answers by operation and status."""

    def succeeded(self) -> set[str]:
        return {label for label, status in self.answers if 200 <= status < 300}

    def report(self) -> str:
        return "\n\n".join(f"{failure}\n{sample}" for failure, sample in self.failures.items())


class ValidValues:
    """Replaces generated values by valid ones that only the tests know."""

    def __init__(self, api: Api, user: User, *, for_user: bool) -> None:
        """Requests are those of `user`, or else anonymous, with the ids of this user."""
        self.api = api
        self.user = user
        self.for_user = for_user
        self.prediction, self.comparison = self.predict(), self.compare()
        self.correction = self.correct()
        self.other = self.sign_up()
        self.sent: Iterator[dict[str, Any]] = cycle(({}, {"strokes": strokes_of(7)}))
        self.job = hand_in(user, digits(2))
        finished(user, self.job)

    def predict(self) -> int:
        return int(self.user.predict().json()["prediction_id"])

    def compare(self) -> int:
        return int(self.user.compare().json()["comparison_id"])

    def correct(self) -> int:
        """Sends a correction with consent to training."""
        consent = self.user.request("PATCH", "/api/me/", json={"training_consent": True})
        assert consent.status_code == 200
        fields = {"prediction_id": self.predict(), "actual_class": 3}
        return int(self.user.post("/api/feedback/", json=fields).json()["id"])

    def sign_up(self) -> int:
        return int(self.api.sign_up().get("/api/me/").json()["id"])

    def waiting_job(self) -> int:
        """A training, because no worker runs it: it cannot finish before it is cancelled."""
        response = self.user.post("/api/models/ranjana/train/", json={})
        assert response.status_code == 202, response.text
        return int(response.json()["job_id"])

    def cancelled_job(self) -> int:
        number = self.waiting_job()
        assert self.user.delete(f"/api/jobs/{number}/").status_code == 200
        return number

    def make_key(self) -> int:
        key = self.user.post("/api/api-keys/", json={"name": "made"})
        return int(key.json().get("id", 1))  # without an id, the limit of keys is reached

    def start_session(self) -> str:
        self.api.sign_in(self.user.username)
        return str(self.user.get("/api/sessions/").json()["results"][0]["id"])

    def cookie(self) -> dict[str, str]:
        """The cookie of a web page that has just signed in."""
        fields = {"username": self.user.username, "password": PASSWORD}
        address = f"{self.api.client.base_url}/api/web-session/"
        return dict(httpx2.post(address, json=fields, verify=False).cookies)

    def row(self, case: Case) -> int | str:
        """The id of an existing row. Creates one for a request that deletes."""
        make: dict[str, Callable[[], int | str]] = {
            "DELETE /api/history/predictions/{id}/": self.predict,
            "DELETE /api/history/similarities/{id}/": self.compare,
            "DELETE /api/api-keys/{id}/": self.make_key,
            "DELETE /api/jobs/{id}/": self.cancelled_job,
            "DELETE /api/admin/jobs/{id}/": self.waiting_job,
            "DELETE /api/sessions/{id}/": self.start_session,
            "DELETE /api/admin/users/{id}/": self.sign_up,
        }
        if self.for_user and case.operation.label in make:
            return make[case.operation.label]()
        if "/jobs/" in case.path:
            return self.job
        if "/corrections/" in case.path:
            return self.correction
        if "/users/" in case.path:
            return self.other
        return self.comparison if "/similarities/" in case.path else self.prediction

    def fields(self, case: Case) -> dict[str, Any]:
        """Valid fields of a body."""
        label = case.operation.label
        name = f"fuzzed{next(_numbers)}"
        if label in {"POST /api/predict/", "POST /api/similarity/"}:
            sent = {"image": PICTURE}
            if case.media_type == "application/json":
                encoded = base64.b64encode(PICTURE).decode()
                sent = next(self.sent) | {"image": encoded}
            return {**sent, **({"target_class": 7} if "similarity" in label else {})}
        if label in {"POST /api/predict/batch/", "POST /api/jobs/predict/"}:
            encoded = base64.b64encode(PICTURE).decode()
            image = encoded if case.media_type == "application/json" else PICTURE
            return {"images": [image, image]}
        if label == "POST /api/worksheets/judge/":
            as_json = case.media_type == "application/json"
            sheet = encode(printed(sheets([12])[0]))
            return {"images": [base64.b64encode(sheet).decode() if as_json else sheet]}
        if label == "POST /api/feedback/":
            return {"prediction_id": self.prediction, "actual_class": 3}
        if label in TRAINING:
            return {"start": "default", "synthesis": True}
        if label in {"POST /api/signup/", "POST /api/register/"}:
            email = f"{name}@example.org"
            fields = {"username": name, "email": email, "password": PASSWORD, "timezone": "UTC"}
            return {**fields, "password2": PASSWORD}
        if "/admin/users/" in label:
            email = f"{name}@example.org"
            fields = {"username": name, "email": email, "password": PASSWORD, "active": True}
            return {**fields, "role": "analyst", "timezone": "UTC"}
        if label in {"POST /api/signin/", "POST /api/login/", "POST /api/web-session/"}:
            return {"username": self.user.username, "password": PASSWORD}
        if label in {"POST /api/token/refresh/", "POST /api/logout/"}:
            return {"refresh": self.api.sign_in(self.user.username).refresh}
        if label == "POST /api/change-password/":
            return {"old_password": PASSWORD, "new_password": "another quiet river"}
        if label == "PATCH /api/me/":
            return {"timezone": "Asia/Kathmandu", "training_consent": True}
        if label == "POST /api/change-username/":
            return {"new_username": name}
        if "/versions/" in label:
            return {"archive": "ranjana.mar", "sha256": None}
        if label == "PUT /api/models/{name}/default/":
            return {"version": "1.0"}
        return {}

    def apply(self, case: Case) -> None:
        if "{id}" in case.path and case.path_parameters:
            case.path_parameters["id"] = str(self.row(case))
        if "{name}" in case.path and case.path_parameters:
            case.path_parameters["name"] = "ranjana"
        if "{class}" in case.path and case.path_parameters:
            case.path_parameters["class"] = "12"
        if case.path == "/api/models/{name}/traffic/":
            case.body = {"1.0": 100}
        elif case.path in IMAGES and isinstance(case.body, dict):
            case.body = self.fields(case)  # options that contradict the query are refused
            if case.query and case.path not in RECOGNITION:
                case.query = {"strictness": "strict"}
        elif isinstance(case.body, dict):
            case.body |= self.fields(case)
        if case.path in RECOGNITION and case.query:
            values = {"model": "ranjana", "version": "1.0", "enhancement_level": 1}
            case.query = {**case.query, **values}
        if case.path == "/api/worksheets/":
            case.query = {"group": "digit"}
        if case.path == "/api/analytics/system/" and case.query:
            case.query = {"days": 7, "bucket": "hour", "model": "digits"}
        if case.operation.label in TRAINING and isinstance(case.body, dict):
            for name in ("labelled", "search", "network", "corrections", "version"):
                case.body.pop(name, None)
        if case.path == "/api/jobs/predict/" and isinstance(case.body, dict):
            case.body.pop("zip", None)


def load_schema(
    api: Api,
    valid: ValidValues,
    examples: int,
    *,
    limits: bool = True,
    other_methods: bool = False,
) -> BaseSchema:
    """The schema of the service. Without `limits`, all requests have valid values. With
    `other_methods`, there are requests with undescribed methods.
    """
    checks = ChecksConfig()
    checks.update(included_check_names=CHECKS)
    generation = GenerationConfig(
        max_examples=examples, deterministic=True, no_shrink=True, database="none"
    )
    coverage = CoveragePhaseConfig(
        enabled=limits, unexpected_methods=None if other_methods else set()
    )
    project = ProjectConfig(
        checks=checks,
        continue_on_failure=True,
        generation=generation,
        phases=PhasesConfig(coverage=coverage),
        request_timeout=30,
    )
    config = SchemathesisConfig(
        cache=CacheConfig(enabled=False), projects=ProjectsConfig(default=project)
    )
    schema = schemathesis.openapi.from_url(f"{api.client.base_url}/openapi.json", config=config)

    firsts: dict[str, str] = {}

    @schema.hook
    def map_case(context: HookContext, case: Case) -> Case:
        if "{version}" in case.path and case.path_parameters:
            case.path_parameters["version"] = "9.9"  # because other tests use the real versions
        # Depends on the content, so that a repeated request stays the same.
        content = repr((case.body, case.query, case.path_parameters))
        first = firsts.setdefault(case.operation.label, content)
        share = 8 if case.operation.label in COSTLY else 2
        if not limits or content == first or len(content) % share == 1:
            valid.apply(case)
        if case.operation.label == "POST /api/web-session/refresh/":
            case.cookies = valid.cookie()
        return case

    @schema.hook
    def after_call(context: HookContext, case: Case, response: Response) -> None:
        # No worker runs them, and they would soon reach the limit of jobs per user.
        if case.operation.label in TRAINING and response.status_code == 202:
            valid.user.delete(response.json()["url"])

    return schema


def call_everything(schema: BaseSchema) -> Outcome:
    outcome = Outcome()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # warnings of the libraries of Schemathesis
        for event in from_schema(schema).execute():
            if isinstance(event, FatalError):
                raise event.exception
            if isinstance(event, NonFatalError):
                outcome.failures[f"{event.label}: {event.value!r}"] = event.info.format()
            if isinstance(event, ScenarioFinished):
                _record(event, outcome)
    return outcome


def _record(event: ScenarioFinished, outcome: Outcome) -> None:
    recorder = event.recorder
    labels = {number: node.value.operation.label for number, node in recorder.cases.items()}
    for number, interaction in recorder.interactions.items():
        if interaction.response:
            outcome.answers[labels[number], interaction.response.status_code] += 1
    for number, checks in recorder.checks.items():
        for check in checks:
            if check.status == Status.FAILURE and check.failure_info:
                failure = check.failure_info.failure
                title = f"{labels[number]}: {failure.title}\n{failure.message}"
                outcome.failures.setdefault(title, check.failure_info.code_sample)


@pytest.fixture(scope="module")
def administrator(api: Api) -> User:
    """An administrator, who may call every route."""
    name = f"fuzzer{next(_numbers)}"
    arguments = ("--username", name, "--email", f"{name}@example.org")
    answer(api, "create-admin", *arguments, stdin=f"{PASSWORD}\n")
    return api.sign_in(name)


@pytest.mark.thorough("postgresql")
def test_a_signed_in_caller_is_answered_as_described(
    api: Api, administrator: User, database: str
) -> None:
    # PostgreSQL refuses values that SQLite takes. On SQLite each route is called a few times.
    full = database == "postgresql"
    schema = load_schema(
        api,
        ValidValues(api, administrator, for_user=True),
        examples=5 if full else 2,
        limits=full,
    )

    @schema.auth(refresh_interval=None)
    class Session:
        def get(self, case: Case, context: AuthContext) -> str:
            destructive = context.operation.label in DESTRUCTIVE
            return (api.sign_up() if destructive else administrator).headers["Authorization"]

        def set(self, case: Case, data: str, context: AuthContext) -> None:
            case.headers["Authorization"] = data

    outcome = call_everything(schema)
    assert not outcome.failures, outcome.report()
    # Every operation has succeeded at least once, so that not only refusals were checked.
    operations = {result.ok().label for result in schema.get_all_operations()}
    assert operations - outcome.succeeded() == {
        # These need an own model store: test_releases.
        "POST /api/models/{name}/versions/",
        "PUT /api/models/{name}/versions/{version}/",
        "DELETE /api/models/{name}/versions/{version}/",
    }


@pytest.mark.database("sqlite")
@pytest.mark.thorough
def test_an_anonymous_caller_is_answered_as_described(api: Api, user: User) -> None:
    valid = ValidValues(api, user, for_user=False)
    schema = load_schema(api, valid, examples=2, other_methods=True)
    outcome = call_everything(schema)
    assert not outcome.failures, outcome.report()
    assert outcome.succeeded() == {
        "GET /api/characters/",
        "GET /api/characters/{class}/reference/",
        "GET /api/models/",
        "GET /api/models/status/",
        "GET /api/models/{name}/",
        "GET /api/models/{name}/confused-pairs/",
        "GET /api/worksheets/",
        "GET /health",
        "GET /ready",
        "GET /ready/database",
        "POST /api/login/",
        "POST /api/logout/",
        "POST /api/predict/",
        "POST /api/predict/batch/",
        "POST /api/register/",
        "POST /api/signin/",
        "POST /api/signup/",
        "POST /api/similarity/",
        "POST /api/worksheets/judge/",
        "POST /api/token/refresh/",
        "DELETE /api/web-session/",
        "POST /api/web-session/",
        "POST /api/web-session/refresh/",
    }


JSON = {"Content-Type": "application/json"}


def odd_calls() -> Iterator[Any]:
    """Numbers and texts that the database or the conversion before it cannot handle."""
    paths = (
        "/api/history/predictions/{}/",
        "/api/history/similarities/{}/overlay/",
        "/api/api-keys/{}/",
        "/api/jobs/{}/",
        "/api/admin/users/{}/",
        "/api/admin/jobs/{}/",
    )
    for number in ("0" * 25 + "9" * 25, "0" * 5000, "9" * 30, "-1", "%00", "%C2%B2", "%D9%A1"):
        for path in paths:
            method = "DELETE" if "keys" in path else "GET"
            name = number if len(number) < 60 else f"{number[:3]}... ({len(number)})"
            yield pytest.param(method, path.format(number), {}, id=path.format(name))
    for number in ("0", "9223372036854775807", "9223372036854775808", "1e30", "1" * 5000):
        content = f'{{"prediction_id": {number}, "actual_class": 1}}'
        yield pytest.param(
            "POST",
            "/api/feedback/",
            {"content": content, "headers": JSON},
            id=f"feedback to {number[:20]}",
        )
    for path in ("/api/signin/", "/api/login/"):
        for name in ("a\x00b", "a\x00@example.org"):
            body = {"username": name, "password": "x\x00"}
            yield pytest.param("POST", path, {"json": body}, id=f"{path} as {name!r}")
    for body in (b'{"%b": 1}', b'{"username": "%b", "password": "x"}', b'{"timezone": "%b"}'):
        for surrogate in (b"\xed\xa0\x80", b"\\ud800"):  # half of a pair
            content = body.replace(b"%b", surrogate)
            for method, path in (("PATCH", "/api/me/"), ("POST", "/api/signin/")):
                options = {"content": content, "headers": JSON}
                yield pytest.param(method, path, options, id=f"{path} {content!r}")
    for name, value in (("action", "a\x00b"), ("cursor", "\x00"), ("user_id", "9" * 30)):
        yield pytest.param(
            "GET", "/api/admin/audit-logs/", {"params": {name: value}}, id=f"audit log by {name}"
        )


@pytest.mark.parametrize(("method", "path", "options"), [*odd_calls()])
def test_values_that_no_database_accepts_cause_no_server_error(
    administrator: User, method: str, path: str, options: dict[str, Any]
) -> None:
    response: httpx2.Response = administrator.request(method, path, **options)
    assert response.status_code < 500, response.text
