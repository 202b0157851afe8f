"""The web page: static files of `auth_api/web`."""

from __future__ import annotations

from pathlib import Path

from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

_FILES = Path(__file__).parents[1] / "web"


async def home(request: Request) -> FileResponse:
    """`/`: the page. Its scripts choose the view."""
    return FileResponse(_FILES / "index.html")


routes = [
    Route("/", home),
    Mount(
        "/web",
        StaticFiles(directory=_FILES),
        middleware=[Middleware(GZipMiddleware, minimum_size=512)],
    ),
]
