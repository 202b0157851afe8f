"""Puts the service together."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware

from auth_api import openapi
from auth_api.errors import ApiError, answer_api_error, answer_http_exception
from auth_api.metrics import Metrics
from auth_api.middleware import BodyLimit, RequestContext, TrailingSlash
from auth_api.routes import ops, predict, similarity
from auth_api.settings import Settings
from auth_api.torchserve import TorchServe


def create_app(settings: Settings | None = None) -> Starlette:
    """The ASGI application, with `settings` or those of the environment."""
    settings = settings or Settings()
    metrics = Metrics()

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        app.state.torchserve = TorchServe(settings, metrics)
        yield
        await app.state.torchserve.aclose()

    app = Starlette(
        routes=[*predict.routes, *similarity.routes, *ops.routes, *openapi.routes()],
        middleware=[
            Middleware(RequestContext, metrics=metrics),
            Middleware(
                CORSMiddleware,
                allow_origins=settings.cors_origins,
                allow_methods=["GET", "POST", "PUT", "DELETE"],
                allow_headers=["Authorization", "Content-Type", "X-API-Key", "X-Request-ID"],
                expose_headers=["Retry-After", "X-Request-ID"],
            ),
            Middleware(TrailingSlash),
            Middleware(BodyLimit, limit=settings.max_body_bytes),
        ],
        exception_handlers={ApiError: answer_api_error, HTTPException: answer_http_exception},
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False
    app.state.settings = settings
    app.state.metrics = metrics
    openapi.describe(app)
    return app
