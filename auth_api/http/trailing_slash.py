"""`/api/predict` is `/api/predict/`."""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send


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
