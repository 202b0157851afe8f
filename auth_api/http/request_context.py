"""Gives every request an id, a log line, metrics, safe headers, and an answer if a bug ends it."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from auth_api.http.error_responses import answer_unexpected
from auth_api.http.load_shedding import SHED_KEY
from auth_api.observability.logs import client_request_id, new_request_id, request_id
from auth_api.observability.metrics import Metrics

logger = logging.getLogger(__name__)

# Ids that a caller may choose: they are logged beside ours, and returned in a header.
_REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

# These forbid a browser to run or embed an answer, whatever it contains. The pages below may run
# scripts and load files of this service only. Swagger UI sets inline styles. The learners' page
# uses the camera and shows images from memory. Its one policy of Trusted Types lets it register the
# service worker, and nothing else.
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_PAGE_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "connect-src 'self'; img-src 'self' data: blob:; manifest-src 'self'; worker-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types service-worker",
    "Permissions-Policy": "camera=(self), geolocation=(), microphone=()",
}
_PAGE_PATHS = {"/", "/manifest.webmanifest", "/service-worker.js"}
_DOCUMENTATION_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; connect-src 'self'; "
    "img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


class RequestContext:
    """Gives each request an id, a log line and its metrics, and each answer safe headers.

    The log line of a caught bug has its traceback; the caller gets a 500 with our id. Pure ASGI.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics, stopping: Callable[[], bool]) -> None:
        self.app = app
        self.metrics = metrics
        self.stopping = stopping

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        identifier, chosen = new_request_id(), _chosen_id(scope)
        tokens = request_id.set(identifier), client_request_id.set(chosen)
        started = time.perf_counter()
        status = received = sent = 0
        self.metrics.in_flight.inc()

        async def counted_receive() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            return message

        async def send_with_id(message: Message) -> None:
            nonlocal status, sent
            if message["type"] == "http.response.start":
                status = message["status"]
                _add_headers(message, scope, chosen or identifier)
                if self.stopping():
                    MutableHeaders(scope=message)["Connection"] = "close"
            await send(message)
            sent += len(message.get("body", b""))

        try:
            await self.app(scope, counted_receive, send_with_id)
        except ClientDisconnect:
            status = status or 499
        except Exception:
            logger.exception("Unexpected error.")
            if status:
                raise  # the answer has begun, so only breaking the connection can tell the caller
            await answer_unexpected(identifier)(scope, counted_receive, send_with_id)
        finally:
            self.metrics.in_flight.dec()
            seconds = time.perf_counter() - started
            self._count(scope, status, seconds, received, sent)
            _log(scope, status, seconds)
            for variable, token in zip((request_id, client_request_id), tokens, strict=True):
                variable.reset(token)

    def _count(self, scope: Scope, status: int, seconds: float, received: int, sent: int) -> None:
        # A shed request never reached the router, but its path is one of the known ones.
        unmatched = scope["path"] if SHED_KEY in scope else "unmatched"
        route = getattr(scope.get("route"), "path", unmatched)
        method = scope["method"] if scope["method"] in _METHODS else "other"
        self.metrics.requests.labels(method, route, status).inc()
        self.metrics.request_seconds.labels(route).observe(seconds)
        self.metrics.request_bytes.labels(route).inc(received)
        self.metrics.response_bytes.labels(route).inc(sent)


def _chosen_id(scope: Scope) -> str:
    """The caller's own id of the request, empty if there is none that can be kept."""
    chosen = Headers(scope=scope).get("x-request-id", "")
    return chosen if _REQUEST_ID.fullmatch(chosen) else ""


def _log(scope: Scope, status: int, seconds: float) -> None:
    if SHED_KEY in scope:
        return
    caller = scope.get("state", {}).get("caller")
    logger.info(
        "request",
        extra={
            "method": scope["method"],
            "path": scope["path"],
            "status": status,
            "milliseconds": round(seconds * 1000, 1),
            **({"user_id": caller.user_id} if caller else {}),
        },
    )


def _add_headers(message: Message, scope: Scope, identifier: str) -> None:
    headers = MutableHeaders(scope=message)
    headers["X-Request-ID"] = identifier
    headers.update(_HEADERS)
    headers.update(scope.get("answer_headers", {}))
    path = scope["path"]
    if path.startswith("/docs"):
        headers["Content-Security-Policy"] = _DOCUMENTATION_POLICY
    elif path in _PAGE_PATHS or path.startswith("/web/"):
        headers.update(_PAGE_HEADERS)
    if path.startswith("/api"):
        # A route may set another value if its answer is the same for everybody.
        headers.setdefault("Cache-Control", "no-store")
    if scope["scheme"] == "https":
        headers["Strict-Transport-Security"] = "max-age=31536000"
