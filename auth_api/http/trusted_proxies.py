"""The caller's address and scheme, from the headers of reverse proxies that are trusted."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

logger = logging.getLogger(__name__)

_HEADERS = frozenset({b"x-forwarded-for", b"x-forwarded-proto"})


class TrustedProxies:
    """Takes the headers of `proxies`, and ignores those of all others. Pure ASGI.

    That others send them is logged once: either a proxy is missing in the settings, so that all its
    callers share the limits of one address, or somebody tries to appear as somebody else.
    """

    def __init__(self, app: ASGIApp, proxies: Sequence[str]) -> None:
        self.app = ProxyHeadersMiddleware(app, list(proxies))  # type: ignore[arg-type]
        self.logged = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not self.logged and scope["type"] == "http":
            self._log_untrusted(scope)
        await self.app(scope, receive, send)  # type: ignore[arg-type]

    def _log_untrusted(self, scope: Scope) -> None:
        address = scope["client"][0] if scope.get("client") else None
        stated = any(name in _HEADERS and value.strip() for name, value in scope["headers"])
        if stated and address not in self.app.trusted_hosts:
            self.logged = True
            logger.warning(
                "X-Forwarded-For and X-Forwarded-Proto of a peer are ignored, because it is not in "
                "TRUSTED_PROXIES; this is said once",
                extra={"peer": address},
            )
