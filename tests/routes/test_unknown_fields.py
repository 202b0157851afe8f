"""Every route of `/openapi.json` ignores unknown fields and refuses misspelt ones."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from tests.support.apis import PASSWORD, Api, User
from tests.support.commands import answer
from tests.support.pictures import encode, reference

pytestmark = pytest.mark.database("sqlite")

PICTURE = encode(reference(0)[::8, ::8])
SHORTEST = 6
FILES = {"image", "images", "zip", "labelled"}
JSON, FORM = "application/json", "multipart/form-data"


@pytest.fixture(scope="module")
def administrator(api: Api) -> User:
    """An administrator, who may call every route."""
    name = "speller"
    arguments = ("--username", name, "--email", f"{name}@example.org")
    answer(api, "create-admin", *arguments, stdin=f"{PASSWORD}\n")
    return api.sign_in(name)


def operations(api: Api) -> Iterator[tuple[str, str, dict[str, list[str]]]]:
    """Methods and paths with their fields, by where they are: the query, JSON or a form."""
    description = api.client.get("/openapi.json").json()
    schemas = description["components"]["schemas"]
    for path, methods in description["paths"].items():
        for method, operation in methods.items():
            parameters = operation.get("parameters", [])
            fields = {"query": [each["name"] for each in parameters if each["in"] == "query"]}
            for kind, content in operation.get("requestBody", {}).get("content", {}).items():
                schema = schemas[content["schema"]["$ref"].rpartition("/")[2]]
                fields[kind] = list(schema.get("properties", {}))
            values = {"id": "1", "name": "ranjana", "version": "1.0", "class": "12"}
            yield method, path.format(**values), {where: fields[where] for where in fields}


def send(user: User, method: str, path: str, where: str, fields: dict[str, Any]) -> httpx2.Response:
    if where == "query":
        return user.request(method, path, params=fields)
    if where == JSON:
        return user.request(method, path, json=fields)
    name = "labelled" if "models" in path else "image"
    return user.request(method, path, data=fields, files={name: PICTURE})


def misspellings(name: str) -> list[str]:
    words = name.split("_")
    return [
        name[: len(name) // 2] + name[len(name) // 2 + 1 :],
        name + name[-1],
        *(["".join([words[0], *(word.title() for word in words[1:])])] if words[1:] else []),
    ]


def test_a_misspelt_field_is_refused_everywhere(api: Api, administrator: User) -> None:
    checked = set()
    for method, path, places in operations(api):
        for where, fields in places.items():
            texts = set(fields) - FILES if where == FORM else set(fields)
            for name in (name for name in texts if len(name) >= SHORTEST):
                for wrong in misspellings(name):
                    response = send(administrator, method, path, where, {wrong: "1"})
                    label = f"{method} {path} {where} {wrong}: {response.text}"
                    assert response.status_code == 400, label
                    assert response.json()["code"] == "validation_failed", label
                    expected = f"{wrong}: there is no such field; is it meant to be '{name}'."
                    assert response.json()["error"] == expected, label
                    checked.add((method, path, where))
    assert {where for _, _, where in checked} == {"query", JSON, FORM}
    assert len(checked) > 40


def test_an_unknown_field_is_ignored_everywhere(api: Api, administrator: User) -> None:
    """Also one whose name ends with that of a field, as `app_version`."""
    unknown = {"zz_other": "1", "app_version": "2.0", "mode": "x"}
    for method, path, places in operations(api):
        if method == "delete":
            continue
        for where, fields in places.items():
            if not fields:
                continue
            plain = send(administrator, method, path, where, {})
            response = send(administrator, method, path, where, unknown)
            label = f"{method} {path} {where}: {response.text}"
            assert response.status_code == plain.status_code, label
            if response.status_code >= 400:
                assert response.json()["code"] == plain.json()["code"], label
            for each in (plain, response):
                if each.status_code == 202:
                    administrator.delete(each.json()["url"])


def test_what_came_instead_of_a_required_field_is_named(api: Api) -> None:
    response = api.client.post("/api/signin/", json={"user": "maya", "password": PASSWORD})
    assert response.json()["error"] == "username: Field required; unknown are 'user'."
    response = api.client.post("/api/predict/", json={"photo": "AAAA", "model": "ranjana"})
    assert response.json()["error"] == "image: Field required; unknown are 'photo'."
