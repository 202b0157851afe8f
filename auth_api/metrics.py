"""What Prometheus scrapes from the service; every label has few values."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Histogram

_SECONDS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30)


class Metrics:
    """The metrics of one application, in a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "http_requests",
            "Requests answered.",
            ("method", "route", "status"),
            registry=self.registry,
        )
        self.request_seconds = Histogram(
            "http_request_seconds",
            "From the first byte of a request to the last of its answer.",
            ("route",),
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.torchserve_seconds = Histogram(
            "torchserve_request_seconds",
            "Predictions by TorchServe as felt here, queueing included.",
            ("model",),
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.torchserve_failures = Counter(
            "torchserve_failures",
            "Predictions that TorchServe did not answer.",
            ("model", "code"),
            registry=self.registry,
        )
        self.fallbacks = Counter(
            "model_fallbacks",
            "Predictions that the default version answered in the place of another one.",
            ("model", "version"),
            registry=self.registry,
        )
