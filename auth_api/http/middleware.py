"""What happens to every request before a route sees it. Pure ASGI, outermost first.

RequestContext    its id, its log line, its metrics, the answer to a bug, safe headers
TrustedHosts      only under the names that the service has
TrailingSlash     `/api/predict` is `/api/predict/`
Overload          no more for a model than it can answer in time (`auth_api.http.load_shedding`)
BodyLimit         no more bytes than are allowed
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Mapping, Sequence

import anyio
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.routing import compile_path
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from auth_api.errors import BadRequest, TooLarge, answer_unexpected
from auth_api.http.load_shedding import SHED
from auth_api.observability.logs import new_request_id, request_id
from auth_api.observability.metrics import Metrics
from auth_api.process.stopping import Stopping

logger = logging.getLogger(__name__)

# What a caller may choose as an id: it goes into logs and back into a header.
_REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")
_PORT = re.compile(r":\d+$")
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

# A refused upload is still read for so long, so that its sender, who may read nothing before
# all is written, gets the refusal and not a broken connection.
_DRAIN_SECONDS = 5.0
_DRAIN_BYTES = 64 * 1024 * 1024


# What a browser must not do with our answers, whatever is in them. The pages run scripts and load
# files from here only; Swagger UI sets styles as it goes, and the learners' page sees the camera
# and shows pictures that it has in memory.
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_PAGE_HEADERS = {
    "Cache-Control": "no-cache",
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "connect-src 'self'; img-src 'self' data: blob:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
    "Permissions-Policy": "camera=(self), geolocation=(), microphone=()",
}
_DOCUMENTATION_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; connect-src 'self'; "
    "img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


class RequestContext:
    """Gives each request an id, and each answer `X-Request-ID`, a log line and its metrics."""

    def __init__(self, app: ASGIApp, metrics: Metrics, stopping: Stopping) -> None:
        self.app = app
        self.metrics = metrics
        self.stopping = stopping

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        offered = Headers(scope=scope).get("x-request-id", "")
        identifier = offered if _REQUEST_ID.fullmatch(offered) else new_request_id()
        token = request_id.set(identifier)
        started = time.perf_counter()
        status = received = sent = 0
        self.metrics.in_flight.inc()

        async def counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            return message

        async def send_with_id(message: Message) -> None:
            nonlocal status, sent
            if message["type"] == "http.response.start":
                status = message["status"]
                _add_headers(message, scope, identifier)
                if self.stopping.begun:
                    MutableHeaders(scope=message)["Connection"] = "close"
            await send(message)
            sent += len(message.get("body", b""))

        try:
            await self.app(scope, counted, send_with_id)
        except ClientDisconnect:
            status = status or 499
        except Exception:
            logger.exception("Unexpected error.")
            if status:
                raise  # the answer has begun: all that is left is to break the connection
            await answer_unexpected(identifier)(scope, counted, send_with_id)
        finally:
            self.metrics.in_flight.dec()
            seconds = time.perf_counter() - started
            self._count(scope, status, seconds, received, sent)
            _log(scope, status, seconds)
            request_id.reset(token)

    def _count(self, scope: Scope, status: int, seconds: float, received: int, sent: int) -> None:
        # What was refused before it came to a route was on its way to one.
        unmatched = scope["path"] if SHED in scope else "unmatched"
        route = getattr(scope.get("route"), "path", unmatched)
        method = scope["method"] if scope["method"] in _METHODS else "other"
        self.metrics.requests[method, route, status].inc()
        self.metrics.request_seconds[route,].observe(seconds)
        self.metrics.request_bytes[route,].inc(received)
        self.metrics.response_bytes[route,].inc(sent)


def _log(scope: Scope, status: int, seconds: float) -> None:
    if SHED in scope:
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
    elif path == "/" or path.startswith("/web/"):
        headers.update(_PAGE_HEADERS)
    if path.startswith("/api"):
        # Unless a route says that its answer is the same for everybody.
        headers.setdefault("Cache-Control", "no-store")
    if scope["scheme"] == "https":
        headers["Strict-Transport-Security"] = "max-age=31536000"


class TrustedHosts:
    """Refuses requests for other names than `hosts`, `*` for any, `*.example.org` for all below.

    Whoever has a browser ask for this service under a name of their own gets nothing.
    """

    def __init__(self, app: ASGIApp, hosts: Sequence[str]) -> None:
        self.app = app
        self.hosts = [host.lower() for host in hosts]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and "*" not in self.hosts and not self._is_ours(scope):
            error = BadRequest("This service does not go by that name.", "host_not_trusted")
            await error.response()(scope, receive, send)
            return
        await self.app(scope, receive, send)

    def _is_ours(self, scope: Scope) -> bool:
        name = _PORT.sub("", Headers(scope=scope).get("host", "")).lower()
        return any(
            name == host or (host.startswith("*.") and name.endswith(host[1:]))
            for host in self.hosts
        )


class TrailingSlash:
    """Lets each path work with and without its trailing slash, without a redirect.

    Routes under `/api` are declared with one, as in the contract, others without.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            bare = scope["path"].rstrip("/")
            # In place: the router notes in this very scope which route it took, for the metrics.
            scope["path"] = f"{bare}/" if bare.startswith("/api/") or not bare else bare
        await self.app(scope, receive, send)


class BodyLimit:
    """Refuses a body of more than `limit` bytes: by its declared length before any of it is
    read, else as soon as it grows beyond.
    """

    def __init__(
        self, app: ASGIApp, limit: int, others: Mapping[str, int], forms: Mapping[str, int]
    ) -> None:
        """`others` are the limits of some paths, written as those of routes are; `forms` those
        of multipart forms at some paths, which are on the disk and not in memory.
        """
        self.app = app
        self.limit = limit
        self.others = [(compile_path(path)[0], limit) for path, limit in others.items()]
        self.forms = [(compile_path(path)[0], limit) for path, limit in forms.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        is_form = headers.get("content-type", "").lower().startswith("multipart/form-data")
        others = self.forms + self.others if is_form else self.others
        limits = (limit for pattern, limit in others if pattern.match(scope["path"]))
        limit = next(limits, self.limit)
        declared = headers.get("content-length", "")
        if declared.isdigit() and int(declared) > limit:
            await _refuse(limit, receive, send, 0)
            return
        received = 0

        async def counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > limit:
                raise _Overflow
            return message

        try:
            await self.app(scope, counted, send)
        except _Overflow:
            await _refuse(limit, receive, send, received)


async def _refuse(limit: int, receive: Receive, send: Send, received: int) -> None:
    megabytes = limit / (1024 * 1024)
    error = TooLarge(f"The request is too large: up to {megabytes:g} MB are taken.")
    response = error.response()
    response.headers["Connection"] = "close"
    await send({"type": "http.response.start", "status": 413, "headers": response.raw_headers})
    await send({"type": "http.response.body", "body": response.body, "more_body": True})
    with anyio.move_on_after(_DRAIN_SECONDS):
        while received < _DRAIN_BYTES:
            message = await receive()
            received += len(message.get("body", b""))
            if not message.get("more_body"):
                break
    await send({"type": "http.response.body", "body": b""})


class _Overflow(Exception):
    """The body grew beyond the limit while it was read."""
