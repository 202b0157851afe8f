"""Paths work with and without a trailing slash: `/api/predict` is `/api/predict/`."""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send


class TrailingSlash:
    """Adds or removes the trailing slash, without a redirect. Pure ASGI.

    Routes under `/api` are declared with one, as in the API contract, all others without.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            bare = scope["path"].rstrip("/")
            # Changed in place, because the metrics read the route from this same scope.
            scope["path"] = f"{bare}/" if bare.startswith("/api/") or not bare else bare
        await self.app(scope, receive, send)
