"""Describes the routes at `/openapi.json` and shows them at `/docs`.

`documented` adds a route to the description. `auth_api.http.validation` validates requests instead
of SpecTree, so that all errors have the same form.
"""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable, Mapping
from importlib.resources import files
from typing import Any

import swagger_ui
from pydantic import BaseModel
from spectree import Response as Answers
from spectree import SecurityScheme, SpecTree
from spectree.model_adapter import get_pydantic_model_adapter
from spectree.models import InType, SecureType, SecuritySchemeData
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from auth_api.authorisation.access import OPERATIONS, Access
from auth_api.http.json_response import JSONResponse
from auth_api.schemas.errors import ErrorAnswer
from auth_api.services import services

Endpoint = Callable[[Request], Awaitable[Response]]

_schemas = get_pydantic_model_adapter()
# Cached, because the schema of errors alone is computed hundreds of times: half a second per start.
_schemas.json_schema = functools.cache(  # type: ignore[assignment, method-assign]
    _schemas.json_schema
)

_DESCRIPTION = """Reads handwritten Ranjana characters and tells where to improve them.

Options of recognition and comparison may be in the query, the form or the JSON; if they disagree, \
the answer is a 400. Fields and parameters that a route does not know are ignored. One that is \
spelt almost like a known one that is absent is a 400 that names both."""

_spectree = SpecTree(
    "starlette",
    model_adapter=_schemas,
    title="Ranjana",
    version="1",
    description=_DESCRIPTION,
    mode="strict",
    annotations=False,
    naming_strategy=lambda model: model.__name__,
    nested_naming_strategy=lambda _parent, child: child,
    validation_error_status=400,
    validation_error_model=ErrorAnswer,
    security_schemes=[
        SecurityScheme(
            name="session",
            data=SecuritySchemeData(
                type=SecureType.HTTP, scheme="bearer", description="The access token."
            ),
        ),
        SecurityScheme(
            name="api_key",
            data=SecuritySchemeData(
                type=SecureType.API_KEY, name="X-API-Key", field_in=InType.HEADER
            ),
        ),
    ],
)

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Ranjana API</title>
<link rel="icon" href="/docs/assets/favicon-32x32.png">
<link rel="stylesheet" href="/docs/assets/swagger-ui.css">
</head>
<body>
<div id="swagger-ui"></div>
<script src="/docs/assets/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</body>
</html>
"""

EVENTS = "text/event-stream"
"""The media type of server-sent events."""

_EVENT = {
    "type": "object",
    "description": "A server-sent event.",
    "properties": {
        "event": {"type": "string"},
        "data": {"type": "string", "description": "JSON."},
    },
}

_BINARY = {"format": "binary"}

# Not inline, because the Content-Security-Policy forbids inline scripts.
_START = 'window.ui = SwaggerUIBundle({ url: "/openapi.json", dom_id: "#swagger-ui" });'


def documented(
    *,
    access: Access,
    answer: type[BaseModel] | None,
    status: int = 200,
    also: Mapping[int, type[BaseModel] | None] | None = None,
    errors: tuple[int, ...] = (),
    query: type[BaseModel] | None = None,
    form: type[BaseModel] | None = None,
    json: type[BaseModel] | None = None,
    media: tuple[str, ...] = (),
    tag: str,
) -> Callable[[Endpoint], Endpoint]:
    """Adds a route to the description, with its docstring as text, and authorises its callers.

    `answer` is the model of a successful answer, None if that is not JSON. `media` has further
    media types of that answer. `also` has the models of other successful statuses, None for one
    without a body. `errors` need not list those that follow from `access` and the request body.
    Sets `request.state.caller`, None for an anonymous caller.
    """
    models: dict[str, Any] = {f"HTTP_{status}": answer}
    models |= {f"HTTP_{number}": model for number, model in (also or {}).items()}
    implied = _errors_of(access) | ({400} if query or json or form else set())
    implied |= {408, 413, 415} if json or form else set()
    models |= {f"HTTP_{number}": ErrorAnswer for number in sorted(implied.union(errors))}
    describe_route = _spectree.validate(
        query=query,
        form=form,
        json=json,
        resp=Answers(**models),
        tags=(tag,),
        security=_security_of(access),
        skip_validation=True,
    )

    def decorate(endpoint: Endpoint) -> Endpoint:
        @functools.wraps(endpoint)
        async def authorised(request: Request) -> Response:
            request.state.caller = await services(request).authoriser.authorise(request, access)
            answer = await endpoint(request)
            return services(request).long_answers.guarded(answer, request, access)

        described: Endpoint = describe_route(authorised)
        described.media = media  # type: ignore[attr-defined]
        return described

    return decorate


def _errors_of(access: Access) -> set[int]:
    if access == OPERATIONS:
        return set()
    errors = {400, 429, 431, 503}  # 400: an untrusted host name
    errors |= {403} if access.same_origin else set()
    return errors if access.who == "anyone" else errors | {401, 403}


def _security_of(access: Access) -> Any:
    """Alternatives, as in OpenAPI. `{}` means no authentication."""
    if access.who == "anyone":
        return []
    schemes: list[dict[str, list[str]]] = [{"session": []}]
    schemes += [{"api_key": []}] if access.scope else []
    schemes += [{}] if access.who in {"callers", "models"} else []
    return schemes


def describe(app: Starlette) -> None:
    """Sets the application to describe."""
    _spectree.app = app


def description(app: Starlette) -> dict[str, Any]:
    """The OpenAPI document of the application that is described, which need not run."""
    document: dict[str, Any] = _spectree.spec
    for route in app.routes:
        for media in getattr(getattr(route, "endpoint", None), "media", ()):
            assert isinstance(route, Route)
            answers = document["paths"][route.path]["get"]["responses"]
            content = answers["200"].setdefault("content", {})
            content[media] = {"schema": _schema_of(media)}
    return document


def _schema_of(media: str) -> dict[str, Any]:
    if media == EVENTS:
        return _EVENT
    return {"type": "string"} if media.startswith("text/") else {"type": "string", **_BINARY}


async def specification(request: Request) -> Response:
    """`/openapi.json`."""
    return JSONResponse(description(request.app))


async def page(request: Request) -> Response:
    """`/docs`: Swagger UI, served from its Python package instead of a CDN."""
    return HTMLResponse(_PAGE)


async def redoc(request: Request) -> Response:
    """`/redoc`, where other frameworks have their documentation, leads to `/docs`."""
    return RedirectResponse("/docs")


async def start(request: Request) -> Response:
    """`/docs/start.js`."""
    return Response(_START, media_type="text/javascript")


def routes() -> list[BaseRoute]:
    """The routes of the documentation."""
    assets = StaticFiles(directory=str(files(swagger_ui) / "static"))
    return [
        Route("/openapi.json", specification),
        Route("/docs", page),
        Route("/redoc", redoc),
        Route("/docs/start.js", start),
        Mount("/docs/assets", assets),
    ]
