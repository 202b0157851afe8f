"""Puts the service together."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware

from auth_api.errors import ApiError, Unavailable
from auth_api.http.body_limit import BodyLimit
from auth_api.http.error_responses import answer_api_error, answer_http_exception
from auth_api.http.load_shedding import LoadShedding
from auth_api.http.request_context import RequestContext
from auth_api.http.slow_clients import BodyTimeout
from auth_api.http.trailing_slash import TrailingSlash
from auth_api.http.trusted_hosts import TrustedHosts
from auth_api.observability.metrics import Metrics
from auth_api.operations.startup import wait_for_dependencies
from auth_api.process.stopping import Shutdown
from auth_api.routes import (
    accounts,
    admin,
    admin_users,
    analytics,
    api_keys,
    audit_logs,
    characters,
    corrections,
    history,
    jobs,
    models,
    openapi,
    ops,
    own_sessions,
    predict,
    progress,
    releases,
    sessions,
    similarity,
    training,
    web,
    web_sessions,
)
from auth_api.services import Services, open_services
from auth_api.settings import Settings
from handlers.logs import log_lightly

# New objects between two looks of the garbage collector, looks at those between two at what it has
# seen once, and of these between two at everything. Python's own are 700, 10 and 10, with which
# everything that a long line is made of is looked at every other second.
_GARBAGE = (10_000, 50, 100)


def create_app(settings: Settings | None = None) -> Starlette:
    """The ASGI application, with `settings` or those of the environment."""
    settings = settings or Settings()
    metrics = Metrics()
    shutdown = Shutdown(settings.drain_seconds)

    def rejection(model: str) -> Unavailable | None:
        services: Services = app.state.services
        return services.torchserve.rejection(model)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with open_services(settings, metrics) as services:
            app.state.services = services
            if not settings.versions_elsewhere:
                await services.reconciler.start()
            _collect_seldom()
            log_lightly()
            services.usage.start()
            services.runner.start()
            beside = {
                asyncio.create_task(services.cleanup.run_regularly()),
                asyncio.create_task(
                    wait_for_dependencies(settings, services.limits, services.presenter)
                ),
            }
            try:
                with shutdown.handling_signals():
                    yield
            finally:
                for task in beside:
                    task.cancel()
                await asyncio.wait(beside)

    app = Starlette(
        routes=[
            *predict.routes,
            *similarity.routes,
            *accounts.routes,
            *sessions.routes,
            *own_sessions.routes,
            *web_sessions.routes,
            *api_keys.routes,
            *characters.routes,
            *history.routes,
            *progress.routes,
            *jobs.routes,
            *models.routes,
            *releases.routes,
            *training.routes,
            *corrections.routes,
            *analytics.routes,
            *admin.routes,
            *admin_users.routes,
            *audit_logs.routes,
            *ops.routes,
            *web.routes,
            *openapi.routes(),
        ],
        middleware=[
            Middleware(RequestContext, metrics=metrics, stopping=lambda: shutdown.started),
            Middleware(
                CORSMiddleware,
                allow_origins=settings.cors_origins,
                allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
                allow_headers=[
                    "Authorization",
                    "Content-Type",
                    "X-API-Key",
                    "X-Device-ID",
                    "X-Request-ID",
                ],
                expose_headers=[
                    "Location",
                    "Retry-After",
                    "X-Checksum-SHA256",
                    "X-RateLimit-Limit",
                    "X-RateLimit-Remaining",
                    "X-RateLimit-Reset",
                    "X-Request-ID",
                ],
            ),
            Middleware(TrustedHosts, hosts=settings.trusted_hosts),
            Middleware(TrailingSlash),
            Middleware(LoadShedding, rejection=rejection),
            Middleware(
                BodyLimit,
                limit=settings.max_body_bytes,
                path_limits={"/api/predict/batch/": settings.max_batch_bytes},
                form_limits={
                    "/api/jobs/predict/": settings.max_job_bytes,
                    "/api/models/{name}/train/": settings.max_job_bytes,
                    "/api/models/{name}/tune/": settings.max_job_bytes,
                },
            ),
            Middleware(BodyTimeout, seconds=settings.client_seconds),
        ],
        exception_handlers={ApiError: answer_api_error, HTTPException: answer_http_exception},
        lifespan=lifespan,
    )
    app.state.shutdown = shutdown
    app.router.redirect_slashes = False
    openapi.describe(app)
    return app


def _collect_seldom() -> None:
    """Has the garbage collector look less often, and never at what is there from the start.

    A request leaves few cycles behind; looking for them was a tenth of its work, and held up all
    others for up to a tenth of a second while hundreds waited.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_GARBAGE)
