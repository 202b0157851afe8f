"""Rejects requests for other host names, for example after DNS rebinding in a browser."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from auth_api.errors import BadRequest
from auth_api.http.error_responses import response_of

_PORT = re.compile(r":\d+$")


class TrustedHosts:
    """Answers 400 to requests for a host that is not in `hosts`. Pure ASGI.

    `*` allows any host, `*.example.org` all subdomains. `probed` are paths that are answered under
    any name, because probes ask by address; what they answer is no secret.
    """

    def __init__(self, app: ASGIApp, hosts: Sequence[str], probed: Collection[str]) -> None:
        self.app = app
        self.probed = probed
        self.hosts = [host.lower() for host in hosts]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not self._is_trusted(scope):
            error = BadRequest(
                "This service does not answer to this host name.", "host_not_trusted"
            )
            await response_of(error)(scope, receive, send)
            return
        await self.app(scope, receive, send)

    def _is_trusted(self, scope: Scope) -> bool:
        if "*" in self.hosts or scope["path"].rstrip("/") in self.probed:
            return True
        name = _PORT.sub("", Headers(scope=scope).get("host", "")).lower()
        return any(
            name == host or (host.startswith("*.") and name.endswith(host[1:]))
            for host in self.hosts
        )
