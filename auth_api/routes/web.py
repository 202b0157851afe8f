"""The web page: the files of `auth_api/web`."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from auth_api.http.documents import REVALIDATE
from auth_api.services import services


async def home(request: Request) -> Response:
    """`/`: the page. Its scripts choose the view."""
    return services(request).page.home.answer(request, REVALIDATE)


async def manifest(request: Request) -> Response:
    """`/manifest.webmanifest`: what the page is called and looks like when it is installed."""
    return services(request).page.manifest.answer(request, REVALIDATE)


async def worker(request: Request) -> Response:
    """`/service-worker.js`, at the root because it answers for all of the page."""
    return services(request).page.worker.answer(request, REVALIDATE)


async def file(request: Request) -> Response:
    """`/web/<version>/...`: a file of the page."""
    return services(request).page.answer(request, request.path_params["path"])


routes = [
    Route("/", home),
    Route("/manifest.webmanifest", manifest),
    Route("/service-worker.js", worker),
    Route("/web/{path:path}", file),
]
