"""Holds curl lines of the documentation against the OpenAPI document of the service."""

from __future__ import annotations

import argparse
import io
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import redirect_stderr
from functools import cache
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from jsonschema import Draft202012Validator
from starlette.applications import Starlette
from starlette.testclient import TestClient

from auth_api.app import create_app
from auth_api.settings import Settings

Schema = Mapping[str, Any]

_FORM, _JSON = "multipart/form-data", "application/json"
# Names of files that the service takes besides those in its description.
_ALSO = {"file": "image", "files": "images"}
# What listens on the other ports of `make serve`. TorchServe describes itself in no document.
_OTHERS = {
    8080: r"/(ping|predictions/\w+(/[\d.]+)?)",
    8081: r"/(models(/[\w.-]+)*|token)",
    8082: "/metrics",
    8083: "/metrics",
}


def fault_of_call(arguments: list[str]) -> str | None:
    """Why a call does not fit what is served, None if it does."""
    parser, said = _curl(), io.StringIO()
    try:
        with redirect_stderr(said):
            options = parser.parse_args(arguments)
    except SystemExit:
        return said.getvalue().strip().rpartition("\n")[2]
    address = urlsplit(options.url)
    if address.hostname != "localhost":
        return f"{options.url} is not at localhost"
    if address.port in _OTHERS:
        fits = re.fullmatch(_OTHERS[address.port], address.path)
        return None if fits else f"there is no {address.path} on port {address.port}"
    if address.port != 8000:
        return f"nothing listens on port {address.port}"
    return next(
        _faults(options, address.path, parse_qsl(address.query, keep_blank_values=True)), None
    )


def fault_of_path(path: str, method: str = "") -> str | None:
    """Why a path is not served, None if it is. A word in capitals or braces stands for any."""
    path = re.sub(r"\{\w+\}|\b[A-Z]{2,}\b", "1", path.partition("?")[0])
    for template, operations in specification()["paths"].items():
        if _template(template).fullmatch(path) and (not method or method.lower() in operations):
            return None
    return f"there is no {method} {path}"


@cache
def specification() -> dict[str, Any]:
    """The OpenAPI document."""
    app: Starlette = create_app(Settings())
    # Not as a context manager, because that would open the database.
    document: dict[str, Any] = TestClient(app).get("/openapi.json").json()
    return document


def _curl() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="curl", allow_abbrev=False)
    parser.add_argument("url")
    parser.add_argument("-X", "--request")
    for name in ("-H", "-F", "-d", "--data-urlencode"):
        parser.add_argument(name, action="append", default=[])
    parser.add_argument("-G", "--get", action="store_true")
    for name in ("-o", "-T", "-w"):
        parser.add_argument(name)
    for name in ("-s", "-S", "-N", "-i", "-f"):
        parser.add_argument(name, action="store_true")
    return parser


def _faults(options: argparse.Namespace, path: str, query: list[tuple[str, str]]) -> Iterator[str]:
    sent = [*options.d, *options.data_urlencode]
    method = options.request or ("POST" if (sent or options.F) and not options.get else "GET")
    if options.get:
        query, sent = [*query, *(_pair(each) for each in sent)], []
    operation = _operation(path, method)
    if operation is None:
        yield f"there is no {method} {path}"
        return
    parameters = {each["name"]: each["schema"] for each in operation.get("parameters", ())}
    for name, value in query:
        yield from _fault_of_text(parameters, name, value, "parameter")
    bodies = operation.get("requestBody", {}).get("content", {})
    if options.F:
        yield from _faults_of_form(options.F, bodies)
    if sent:
        yield from _faults_of_json(sent, options.H, bodies)


def _operation(path: str, method: str) -> Schema | None:
    paths = specification()["paths"]
    # A literal path comes before one with a parameter.
    for template in sorted(paths, key=lambda each: each.count("{")):
        if _template(template).fullmatch(path) and method.lower() in paths[template]:
            found: Schema = paths[template][method.lower()]
            return found
    return None


def _template(path: str) -> re.Pattern[str]:
    """Matches a path of the document, with and without the slash at its end."""
    return re.compile(re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(path.rstrip("/"))) + "/?")


def _faults_of_form(fields: list[str], bodies: Schema) -> Iterator[str]:
    if _FORM not in bodies:
        yield "the route takes no form"
        return
    properties = _resolved(bodies[_FORM]["schema"])["properties"]
    for field in fields:
        name, value = _pair(field)
        if value.startswith("@"):
            if _ALSO.get(name, name) not in properties:
                yield f"there is no file {name}"
        else:
            yield from _fault_of_text(properties, name, value, "field")


def _faults_of_json(sent: list[str], headers: list[str], bodies: Schema) -> Iterator[str]:
    if f"Content-Type: {_JSON}" not in headers:
        yield "the call does not say that it sends JSON"
    if _JSON not in bodies:
        yield "the route takes no JSON"
        return
    try:
        content = json.loads(sent[0])
    except ValueError as error:
        yield f"no JSON: {error}"
        return
    schema = bodies[_JSON]["schema"]
    yield from (error.message for error in _validator(schema).iter_errors(content))
    properties = _resolved(schema).get("properties")
    if properties is not None:
        yield from (f"there is no field {name}" for name in content.keys() - properties.keys())


def _fault_of_text(known: Schema, name: str, value: str, kind: str) -> Iterator[str]:
    """Of a value in a query or a form, which may be text or the text of a number."""
    if name not in known:
        yield f"there is no {kind} {name}"
        return
    try:
        values = [value, json.loads(value)]
    except ValueError:
        values = [value]
    if not any(_validator(known[name]).is_valid(each) for each in values):
        yield f"{name} may not be {value}"


def _validator(schema: Schema) -> Draft202012Validator:
    return Draft202012Validator({**schema, "components": specification()["components"]})


def _resolved(schema: Schema) -> Schema:
    name = schema.get("$ref", "").rpartition("/")[2]
    found: Schema = specification()["components"]["schemas"][name] if name else schema
    return found


def _pair(text: str) -> tuple[str, str]:
    name, _, value = text.partition("=")
    return name, value
