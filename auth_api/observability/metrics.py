"""What the service counts and times, for Prometheus; docs/monitoring.md says what each is for.

Every label has few values: routes as they are declared, models of the settings, versions that have
answered, codes and names of ours. Nothing that a caller made up, and nobody's number, is a label.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import product
from typing import Any, Generic, TypeVar

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
)
from prometheus_client.metrics import MetricWrapperBase

from auth_api import VERSION

# When a series began is nothing that anybody looks at, and as many series again.
disable_created_metrics()  # type: ignore[no-untyped-call]

_SECONDS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30)
# A statement takes less than a millisecond, and five seconds at most.
_DATABASE_SECONDS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1, 5)
# Jobs take seconds, trainings hours.
_JOB_SECONDS = (1, 5, 15, 60, 300, 900, 3600, 4 * 3600, 12 * 3600, 24 * 3600)
# Finer where confidences are: most are near 1.
_RATIOS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 1)

Metric = TypeVar("Metric", bound=MetricWrapperBase)


class Labelled(dict[tuple[Any, ...], Metric], Generic[Metric]):
    """The series of a metric by the values of its labels, for what every request counts: to have
    prometheus_client look one up takes longer than to count.
    """

    def __init__(self, metric: Metric) -> None:
        super().__init__()
        self._metric = metric

    def __missing__(self, values: tuple[Any, ...]) -> Metric:
        self[values] = found = self._metric.labels(*values)
        return found


class Metrics:
    """The metrics of one process, in a registry of their own. What happens when several processes
    share them is in `auth_api.observability.shared_metrics`.
    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._of_http()
        self._of_torchserve()
        self._of_models()
        self._of_accounts()
        self._of_jobs()
        self._of_database()
        self._gauge("ranjana_build_info", "The version that runs.", ("version",), "max").labels(
            VERSION
        ).set(1)

    def _of_http(self) -> None:
        self.requests = Labelled(
            self._counter("http_requests", "Requests answered.", ("method", "route", "status"))
        )
        self.request_seconds = Labelled(
            self._histogram(
                "http_request_seconds",
                "From the first byte of a request to the last of its answer.",
                ("route",),
                _SECONDS,
            )
        )
        self.request_bytes = Labelled(
            self._counter("http_request_bytes", "Bytes of bodies that came.", ("route",))
        )
        self.response_bytes = Labelled(
            self._counter("http_response_bytes", "Bytes of bodies that were answered.", ("route",))
        )
        self.in_flight = self._gauge(
            "http_requests_in_flight", "Requests that have come and are not answered yet."
        )
        self.rate_limited = self._counter(
            "rate_limited_requests", "Requests refused by a limit.", ("limit",)
        )
        self.rate_limit_failures = self._counter(
            "rate_limit_store_failures", "Counts of limits that their store did not take."
        )

    def _of_torchserve(self) -> None:
        self.torchserve_seconds = Labelled(
            self._histogram(
                "torchserve_request_seconds",
                "Predictions by TorchServe as felt here, its own queue included.",
                ("model",),
                _SECONDS,
            )
        )
        self.torchserve_waiting_seconds = Labelled(
            self._histogram(
                "torchserve_waiting_seconds",
                "How long pictures waited here before they were sent to TorchServe.",
                ("model",),
                _SECONDS,
            )
        )
        self.requests_shed = self._counter(
            "requests_shed",
            "Pictures refused at once because too many waited for TorchServe.",
            ("model",),
        )
        self.torchserve_failures = self._counter(
            "torchserve_failures", "Predictions that TorchServe did not answer.", ("model", "code")
        )
        self.fallbacks = self._counter(
            "model_fallbacks",
            "Predictions that the default version answered in the place of another one.",
            ("model", "version"),
        )
        self.workers = self._gauge(
            "torchserve_workers",
            "Workers of a version: those that there are to be, and those that answer.",
            ("model", "version", "state"),
            # Every process looks; what the last one saw counts.
            "livemostrecent",
        )
        self.key_renewals = self._counter(
            "torchserve_key_renewals",
            "New keys asked of TorchServe before the old ones expired, or because they had.",
            ("kind", "outcome"),
            product(("inference", "management"), ("succeeded", "failed")),
        )

    def _of_models(self) -> None:
        self._predictions = Labelled(
            self._counter(
                "predictions", "Pictures that were read as a class.", ("model", "version", "class")
            )
        )
        self._confidence = Labelled(
            self._histogram(
                "prediction_confidence_ratio",
                "How sure a version was of the class, 0-1.",
                ("model", "version"),
                _RATIOS,
            )
        )
        self._comparisons = Labelled(
            self._counter(
                "comparisons",
                "Pictures that were compared with a reference, by whether they are the same.",
                ("version", "same"),
            )
        )
        self.refused = self._counter(
            "pictures_refused", "Pictures that a handler refused, by why.", ("model", "code")
        )
        self.feedback = self._counter(
            "feedback", "Predictions that users called right or wrong.", ("model", "said")
        )

    def _of_accounts(self) -> None:
        outcomes = ("succeeded", "wrong_password", "unknown", "limited")
        self.sign_ins = self._counter(
            "sign_ins", "Attempts to sign in.", ("outcome",), product(outcomes)
        )
        self.sign_ups = self._counter("sign_ups", "Accounts made.")
        outcomes = ("succeeded", "ended", "reused", "invalid")
        self.refreshes = self._counter(
            "token_refreshes",
            "Refresh tokens that came to be exchanged.",
            ("outcome",),
            product(outcomes),
        )

    def _of_jobs(self) -> None:
        self.jobs_ended = self._counter(
            "jobs_ended",
            "Jobs that ended.",
            ("kind", "outcome"),
            product(("predict", "train", "tune"), ("succeeded", "failed", "cancelled")),
        )
        self.job_seconds = self._histogram(
            "job_seconds",
            "From when a job was taken up first to its end.",
            ("kind",),
            _JOB_SECONDS,
        )

    def _of_database(self) -> None:
        self.database_seconds = Labelled(
            self._histogram(
                "database_seconds",
                "Reading and writing, waiting for a connection included.",
                ("operation",),
                _DATABASE_SECONDS,
            )
        )
        self.database_busy = self._gauge(
            "database_operations_in_flight", "What is being read or written, or waits for that."
        )
        self.database_capacity = self._gauge(
            "database_connections_max", "Connections that there may be; more has to wait."
        )
        self.database_connections = self._counter(
            "database_connections_opened", "Connections opened, again after they were lost."
        )
        self.database_failures = self._counter(
            "database_failures", "What could not be done because the database was unreachable."
        )
        self.clean_ups = self._counter(
            "clean_ups",
            "Runs of the hourly clean-up by outcome.",
            ("outcome",),
            product(("succeeded", "failed")),
        )
        self.cleaned_up = self._counter(
            "cleaned_up", "What the clean-up has removed, by what it was.", ("what",)
        )

    def answered(self, model: str, answer: Mapping[str, Any]) -> None:
        """Counts what a version of a model answered."""
        version = answer["model"]["version"]
        if "similarity_score" in answer:
            same = "yes" if answer["is_same_character"] else "no"
            self._comparisons[version, same].inc()
            return
        self._predictions[model, version, answer["predicted_class"]].inc()
        self._confidence[model, version].observe(answer["confidence"] / 100)

    def _counter(
        self,
        name: str,
        meaning: str,
        labels: tuple[str, ...] = (),
        known: Iterable[tuple[str, ...]] = (),
    ) -> Counter:
        """`known` are values of the labels that are shown from the start, as 0: what rises from
        nothing to 1 is no increase to Prometheus.
        """
        counter = Counter(name, meaning, labels, registry=self.registry)
        for values in known:
            counter.labels(*values)
        return counter

    def _histogram(
        self, name: str, meaning: str, labels: tuple[str, ...], buckets: tuple[float, ...]
    ) -> Histogram:
        return Histogram(name, meaning, labels, buckets=buckets, registry=self.registry)

    def _gauge(
        self, name: str, meaning: str, labels: tuple[str, ...] = (), together: Any = "livesum"
    ) -> Gauge:
        """`together` is what several processes that live show as one."""
        return Gauge(name, meaning, labels, registry=self.registry, multiprocess_mode=together)
