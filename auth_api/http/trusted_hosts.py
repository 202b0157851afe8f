"""Rejects requests for other host names, for example after DNS rebinding in a browser."""

from __future__ import annotations

import re
from collections.abc import Sequence

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from auth_api.errors import BadRequest
from auth_api.http.error_responses import response_of

_PORT = re.compile(r":\d+$")


class TrustedHosts:
    """Answers 400 to requests for a host that is not in `hosts`. Pure ASGI.

    `*` allows any host, `*.example.org` all subdomains.
    """

    def __init__(self, app: ASGIApp, hosts: Sequence[str]) -> None:
        self.app = app
        self.hosts = [host.lower() for host in hosts]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and "*" not in self.hosts and not self._is_trusted(scope):
            error = BadRequest(
                "This service does not answer to this host name.", "host_not_trusted"
            )
            await response_of(error)(scope, receive, send)
            return
        await self.app(scope, receive, send)

    def _is_trusted(self, scope: Scope) -> bool:
        name = _PORT.sub("", Headers(scope=scope).get("host", "")).lower()
        return any(
            name == host or (host.startswith("*.") and name.endswith(host[1:]))
            for host in self.hosts
        )
