"""Replaces pooled connections after a while.

A load balancer, such as Kubernetes' kube-proxy, chooses a TorchServe for each connection, not for
each request. One that is added later gets no request until somebody connects anew.
"""

from __future__ import annotations

import random
import time

import httpcore2

# Shares of the age. Connections that were made together must not all be replaced together.
_SHORTEST, _LONGEST = 0.67, 1.33


class AgingPool(httpcore2.AsyncConnectionPool):
    """Closes a connection that is older than `max_age` seconds, a third more or less, as soon as
    no request uses it.
    """

    def __init__(
        self,
        max_age: float,
        max_connections: int,
        keepalive_expiry: float,
        network_backend: httpcore2.AsyncNetworkBackend,
    ) -> None:
        super().__init__(max_connections=max_connections)
        self._max_age = max_age
        self._expiry = keepalive_expiry
        self._backend = network_backend

    def create_connection(self, origin: httpcore2.Origin) -> httpcore2.AsyncHTTPConnection:
        """A connection that connects with its first request."""
        age = self._max_age * random.uniform(_SHORTEST, _LONGEST)  # noqa: S311 - no secret
        return _AgingConnection(
            age, origin, keepalive_expiry=self._expiry, network_backend=self._backend
        )


class _AgingConnection(httpcore2.AsyncHTTPConnection):
    def __init__(
        self,
        max_age: float,
        origin: httpcore2.Origin,
        *,
        keepalive_expiry: float,
        network_backend: httpcore2.AsyncNetworkBackend,
    ) -> None:
        super().__init__(origin, keepalive_expiry=keepalive_expiry, network_backend=network_backend)
        self._ends_at = time.monotonic() + max_age

    def has_expired(self) -> bool:
        # The pool asks this only about connections that no request uses.
        return time.monotonic() > self._ends_at or super().has_expired()
