"""Builds the ASGI application: routes, middleware, and background tasks."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware

from auth_api.errors import ApiError, Unavailable
from auth_api.http.body_limit import SMALL, BodyLimit, Pace, Sizes
from auth_api.http.body_memory import SMALL_BYTES, BodyMemory
from auth_api.http.cross_origin import CrossOrigin
from auth_api.http.error_responses import answer_api_error, answer_http_exception
from auth_api.http.load_shedding import LoadShedding
from auth_api.http.metrics_port import MetricsPort
from auth_api.http.request_context import RequestContext
from auth_api.http.trailing_slash import TrailingSlash
from auth_api.http.trusted_hosts import TrustedHosts
from auth_api.http.trusted_proxies import TrustedProxies
from auth_api.observability.metrics import Metrics
from auth_api.operations.startup import wait_for_dependencies
from auth_api.process.allocator import map_large_memory
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
    worksheets,
)
from auth_api.services import Services, open_services
from auth_api.settings import Settings
from handlers.logs import log_lightly

# Thresholds of the garbage collector: new objects between two collections of the youngest
# generation, then collections of one generation between two of the next. With Python's own values,
# 700, 10 and 10, it scanned all objects of a long queue every other second.
_GC_THRESHOLDS = (10_000, 50, 100)


def create_app(settings: Settings | None = None) -> Starlette:
    """The ASGI application with `settings`, by default those of the environment."""
    settings = settings or Settings()
    metrics = Metrics()
    shutdown = Shutdown(settings.drain_seconds)

    def rejection(model: str) -> Unavailable | None:
        services: Services = app.state.services
        return services.torchserve.rejection(model)

    async def metrics_text() -> bytes:
        services: Services = app.state.services
        return await services.exposition.text()

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with open_services(settings, metrics) as services:
            app.state.services = services
            if not settings.versions_elsewhere:
                await services.reconciler.start()
            _tune_garbage_collector()
            map_large_memory(SMALL_BYTES)
            log_lightly()
            services.usage.start()
            services.runner.start()
            background_tasks = {
                asyncio.create_task(services.cleanup.run_regularly()),
                asyncio.create_task(
                    wait_for_dependencies(settings, services.limits, services.presenter)
                ),
            }
            try:
                with shutdown.handling_signals():
                    yield
            finally:
                for task in background_tasks:
                    task.cancel()
                await asyncio.wait(background_tasks)

    app = Starlette(
        routes=[
            *predict.routes,
            *similarity.routes,
            *worksheets.routes,
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
            Middleware(TrustedProxies, proxies=settings.trusted_proxies),
            Middleware(RequestContext, metrics=metrics, stopping=lambda: shutdown.started),
            Middleware(MetricsPort, port=settings.metrics_port, text=metrics_text),
            Middleware(
                CrossOrigin,
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
            Middleware(TrustedHosts, hosts=settings.trusted_hosts, probed=ops.PATHS),
            Middleware(TrailingSlash),
            Middleware(LoadShedding, rejection=rejection),
            Middleware(
                BodyLimit,
                pace=Pace(settings.client_seconds, settings.body_seconds),
                sizes=_body_sizes(settings),
            ),
        ],
        exception_handlers={ApiError: answer_api_error, HTTPException: answer_http_exception},
        lifespan=lifespan,
    )
    app.state.shutdown = shutdown
    app.state.body_memory = BodyMemory(settings.body_memory_mb * 1024 * 1024, settings.media_dir)
    app.router.redirect_slashes = False
    openapi.describe(app)
    return app


def _body_sizes(settings: Settings) -> dict[str, Sizes]:
    """The largest bodies of the routes that take pictures."""
    picture = Sizes(settings.max_body_bytes, settings.max_body_bytes)
    several = Sizes(settings.max_batch_bytes, settings.max_batch_json_bytes)
    upload = Sizes(settings.max_job_bytes, SMALL.other)
    return {
        "/api/predict/": picture,
        "/api/similarity/": picture,
        "/api/predict/batch/": several,
        "/api/worksheets/judge/": several,
        "/api/jobs/predict/": upload,
        "/api/models/{name}/train/": upload,
        "/api/models/{name}/tune/": upload,
    }


def _tune_garbage_collector() -> None:
    """Makes the garbage collector run less often, and skip all objects of the start.

    Requests leave few reference cycles. The search for them took a tenth of the work of a request,
    and stopped all requests for up to 0.1 s while hundreds were queued.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_GC_THRESHOLDS)
