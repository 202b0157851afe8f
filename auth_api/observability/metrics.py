"""The metrics of the service, for Prometheus. `docs/monitoring.md` explains each.

Every label has few values: declared routes, models of the settings, versions that answered, and
fixed codes and names. Input of callers and ids of users are never labels.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import product
from typing import Any

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
)

from auth_api import VERSION

# Nobody uses the time when a series began, and it would double the number of series.
disable_created_metrics()  # type: ignore[no-untyped-call]

_SECONDS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30)
# A statement usually takes less than a millisecond, and at most five seconds.
_DATABASE_SECONDS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1, 5)
# Prediction jobs take seconds, trainings take hours.
_JOB_SECONDS = (1, 5, 15, 60, 300, 900, 3600, 4 * 3600, 12 * 3600, 24 * 3600)
# Finer near 1, where most confidences are.
_RATIOS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 1)


class Metrics:
    """The metrics of one process, in their own registry.

    `auth_api.observability.shared_metrics` combines those of several processes.
    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._add_http()
        self._add_torchserve()
        self._add_models()
        self._add_accounts()
        self._add_jobs()
        self._add_database()
        self._gauge("ranjana_build_info", "The running version.", ("version",), "max").labels(
            VERSION
        ).set(1)

    def _add_http(self) -> None:
        self.requests = self._counter(
            "http_requests", "Requests answered.", ("method", "route", "status")
        )
        self.request_seconds = self._histogram(
            "http_request_seconds",
            "Time from the first byte of a request to the last byte of its answer.",
            ("route",),
            _SECONDS,
        )
        self.request_bytes = self._counter(
            "http_request_bytes", "Bytes of request bodies.", ("route",)
        )
        self.response_bytes = self._counter(
            "http_response_bytes", "Bytes of answer bodies.", ("route",)
        )
        self.in_flight = self._gauge(
            "http_requests_in_flight", "Requests that are not answered yet."
        )
        self.rate_limited = self._counter(
            "rate_limited_requests", "Requests rejected by a rate limit.", ("limit",)
        )
        self.rate_limit_failures = self._counter(
            "rate_limit_store_failures",
            "Requests that the store of the rate limits could not count.",
        )

    def _add_torchserve(self) -> None:
        self.torchserve_seconds = self._histogram(
            "torchserve_request_seconds",
            "Time of a request to TorchServe, including its own queue.",
            ("model",),
            _SECONDS,
        )
        self.torchserve_waiting_seconds = self._histogram(
            "torchserve_waiting_seconds",
            "Time that images waited here before they were sent to TorchServe.",
            ("model",),
            _SECONDS,
        )
        self.requests_shed = self._counter(
            "requests_shed",
            "Images rejected at once because the queue for TorchServe was too long.",
            ("model",),
        )
        self.torchserve_failures = self._counter(
            "torchserve_failures", "Predictions that TorchServe did not answer.", ("model", "code")
        )
        self.fallbacks = self._counter(
            "model_fallbacks",
            "Predictions that the default version answered in place of another version.",
            ("model", "version"),
        )
        self.workers = self._gauge(
            "torchserve_workers",
            "Workers of a version, wanted and ready.",
            ("model", "version", "state"),
            # Every process checks the workers; the latest value counts.
            "livemostrecent",
        )
        self.key_renewals = self._counter(
            "torchserve_key_renewals",
            "Requests to TorchServe for a new key, before or after the old one expired.",
            ("kind", "outcome"),
            product(("inference", "management"), ("succeeded", "failed")),
        )

    def _add_models(self) -> None:
        self._predictions = self._counter(
            "predictions", "Images read as a class.", ("model", "version", "class")
        )
        self._confidence = self._histogram(
            "prediction_confidence_ratio",
            "Confidence of a version in the class, 0-1.",
            ("model", "version"),
            _RATIOS,
        )
        self._none = self._counter(
            "predictions_none",
            "Images that are more likely none of the characters than the likeliest of them.",
            ("model", "version"),
        )
        self._comparisons = self._counter(
            "comparisons",
            "Images compared with a reference, by whether the characters are the same.",
            ("version", "same"),
        )
        self.refused = self._counter(
            "pictures_refused", "Images rejected by a handler, by error code.", ("model", "code")
        )
        self.feedback = self._counter(
            "feedback", "Predictions that users called right or wrong.", ("model", "said")
        )

    def _add_accounts(self) -> None:
        outcomes = ("succeeded", "wrong_password", "unknown", "limited")
        self.sign_ins = self._counter(
            "sign_ins", "Attempts to sign in.", ("outcome",), product(outcomes)
        )
        self.sign_ups = self._counter("sign_ups", "Accounts created.")
        refresh_outcomes = ("succeeded", "repeated", "ended", "reused", "invalid")
        self.refreshes = self._counter(
            "token_refreshes",
            "Refresh tokens sent for exchange.",
            ("outcome",),
            product(refresh_outcomes),
        )

    def _add_jobs(self) -> None:
        self.jobs_ended = self._counter(
            "jobs_ended",
            "Jobs ended.",
            ("kind", "outcome"),
            product(("predict", "train", "tune"), ("succeeded", "failed", "cancelled")),
        )
        self.job_seconds = self._histogram(
            "job_seconds",
            "Time from the first claim of a job to its end.",
            ("kind",),
            _JOB_SECONDS,
        )

    def _add_database(self) -> None:
        self.database_seconds = self._histogram(
            "database_seconds",
            "Time of reads and writes, including the wait for a connection.",
            ("operation",),
            _DATABASE_SECONDS,
        )
        self.database_busy = self._gauge(
            "database_operations_in_flight", "Reads and writes that run or wait."
        )
        self.database_capacity = self._gauge(
            "database_connections_max", "Limit of connections; further operations wait."
        )
        self.database_connections = self._counter(
            "database_connections_opened",
            "Connections opened, including replacements of lost ones.",
        )
        self.database_failures = self._counter(
            "database_failures", "Operations that failed because the database was unreachable."
        )
        self.clean_ups = self._counter(
            "clean_ups",
            "Runs of the hourly clean-up by outcome.",
            ("outcome",),
            product(("succeeded", "failed")),
        )
        self.cleaned_up = self._counter(
            "cleaned_up", "Things removed by the clean-up, by kind.", ("what",)
        )

    def count_answer(
        self, model: str, answer: Mapping[str, Any], comparisons: Iterable[Mapping[str, Any]]
    ) -> None:
        """Counts the answer of a model version, and the comparisons that it has."""
        version = answer["model"]["version"]
        for comparison in comparisons:
            same = "yes" if comparison["is_same_character"] else "no"
            self._comparisons.labels(version, same).inc()
        if "predicted_class" not in answer:
            return
        self._predictions.labels(model, version, answer["predicted_class"]).inc()
        self._confidence.labels(model, version).observe(answer["confidence"] / 100)
        if "probabilities" not in answer:  # another handler than ours
            return
        # An increase of 0 too, because Prometheus sees no increase if a series appears with 1.
        self._none.labels(model, version).inc(1 if _is_none(answer) else 0)

    def _counter(
        self,
        name: str,
        help_text: str,
        labels: tuple[str, ...] = (),
        known_values: Iterable[tuple[str, ...]] = (),
    ) -> Counter:
        """Series of `known_values` start as 0, because Prometheus sees no increase if a series
        appears with 1.
        """
        counter = Counter(name, help_text, labels, registry=self.registry)
        for values in known_values:
            counter.labels(*values)
        return counter

    def _histogram(
        self, name: str, help_text: str, labels: tuple[str, ...], buckets: tuple[float, ...]
    ) -> Histogram:
        return Histogram(name, help_text, labels, buckets=buckets, registry=self.registry)

    def _gauge(
        self, name: str, help_text: str, labels: tuple[str, ...] = (), mode: Any = "livesum"
    ) -> Gauge:
        """`mode` says how the values of several living processes become one."""
        return Gauge(name, help_text, labels, registry=self.registry, multiprocess_mode=mode)


def _is_none(answer: Mapping[str, Any]) -> bool:
    """Whether a picture is more likely none of the characters than the likeliest of them.

    The probabilities lack to 1 that of none of them, and those of characters that were not asked
    for, of which `also` is the likeliest if it is likelier than all that were.
    """
    also = answer["also"]["confidence"] / 100 if answer.get("also") else 0.0
    none = 1 - sum(answer["probabilities"]) - also
    return bool(none > max(answer["confidence"] / 100, also))
