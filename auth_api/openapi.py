"""The description of the routes at `/openapi.json`, and a page of it at `/docs`.

Routes are annotated with `documented`; what they take is validated by
`auth_api.validation`, so that every error has the one shape.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from importlib.resources import files
from typing import Any, TypeVar

import swagger_ui
from pydantic import BaseModel
from spectree import Response as Answers
from spectree import SpecTree
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from auth_api.schemas.errors import ErrorAnswer

Endpoint = TypeVar("Endpoint", bound=Callable[[Request], Awaitable[Response]])

_spectree = SpecTree(
    "starlette",
    title="Ranjana",
    version="1",
    description="Reads handwritten Ranjana characters.",
    mode="strict",
    annotations=False,
    naming_strategy=lambda model: model.__name__,
    nested_naming_strategy=lambda _parent, child: child,
    validation_error_status=400,
    validation_error_model=ErrorAnswer,
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
<script>
window.ui = SwaggerUIBundle({ url: "/openapi.json", dom_id: "#swagger-ui" });
</script>
</body>
</html>
"""


def documented(
    *,
    answer: type[BaseModel] | None,
    errors: tuple[int, ...] = (),
    query: type[BaseModel] | None = None,
    form: type[BaseModel] | None = None,
    json: type[BaseModel] | None = None,
    tag: str,
) -> Callable[[Endpoint], Endpoint]:
    """Puts a route into the description; its docstring becomes the text.

    `answer` is the model of its 200, None where that is no JSON.
    """
    models: dict[str, Any] = {"HTTP_200": answer}
    models |= {f"HTTP_{status}": ErrorAnswer for status in errors}
    decorator: Callable[[Endpoint], Endpoint] = _spectree.validate(
        query=query,
        form=form,
        json=json,
        resp=Answers(**models),
        tags=(tag,),
        skip_validation=True,
    )
    return decorator


def describe(app: Starlette) -> None:
    """Makes `app` the application that is described."""
    _spectree.app = app


async def specification(request: Request) -> Response:
    """`/openapi.json`."""
    return JSONResponse(_spectree.spec)


async def page(request: Request) -> Response:
    """`/docs`: Swagger UI, whose files come from its package and not from a CDN."""
    return HTMLResponse(_PAGE)


async def home(request: Request) -> Response:
    """`/`: until there is a page for learners, what there is to read."""
    return RedirectResponse("/docs")


def routes() -> list[BaseRoute]:
    """The routes of the documentation itself."""
    assets = StaticFiles(directory=str(files(swagger_ui) / "static"))
    return [
        Route("/", home),
        Route("/openapi.json", specification),
        Route("/docs", page),
        Mount("/docs/assets", assets),
    ]
