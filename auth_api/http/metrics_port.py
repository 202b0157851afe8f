"""Answers Prometheus on a port of its own, so that whoever reaches the API cannot read metrics."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from auth_api.errors import NotFound
from auth_api.http.error_responses import response_of


class MetricsPort:
    """Answers `GET /metrics` on `port` and nothing else there; other ports go on. Pure ASGI.

    Any host name will do, because Prometheus asks by address. `text` returns the metrics in
    Prometheus' text format.
    """

    def __init__(self, app: ASGIApp, port: int, text: Callable[[], Awaitable[bytes]]) -> None:
        self.app = app
        self.port = port
        self.text = text
        self.route = Route("/metrics", self._metrics, methods=["GET"])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        server = scope.get("server")
        if scope["type"] != "http" or not server or server[1] != self.port:
            await self.app(scope, receive, send)
            return
        match, found = self.route.matches(scope)
        if match is not Match.FULL:
            error = NotFound("This port has only /metrics.", "not_found")
            await response_of(error)(scope, receive, send)
            return
        scope.update(found, route=self.route)
        await self.route.handle(scope, receive, send)

    async def _metrics(self, request: Request) -> Response:
        return Response(await self.text(), media_type=CONTENT_TYPE_PLAIN_0_0_4)
