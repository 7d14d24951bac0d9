"""The metrics, which Prometheus reads at ``/metrics``.

With several worker processes, each writes its values into files in a shared folder, and the process
that is asked adds them up (prometheus_client's multiprocess mode).
"""

import os
from typing import final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

MULTIPROCESS_DIR = "PROMETHEUS_MULTIPROC_DIR"
"""The environment variable with the shared folder; prometheus_client defines its name."""

_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)  # seconds


@final
class Metrics:
    """Counters, a gauge and a histogram of request durations.

    Attributes:
        in_progress: The gauge of pictures that are computed or wait.
        timeouts: The counter of pictures that were not done in time.
    """

    def __init__(self) -> None:
        """Start from zero, in a registry of its own."""
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "numcnn_requests", "Requests.", ("method", "route", "status"), registry=self._registry
        )
        self._seconds = Histogram(
            "numcnn_request_seconds",
            "Time from a request's head to the end of its answer.",
            ("route",),
            buckets=_BUCKETS,
            registry=self._registry,
        )
        self._findings = Counter(
            "numcnn_things", "What was found in pictures.", ("answer",), registry=self._registry
        )
        self.in_progress = Gauge(
            "numcnn_pictures_in_work",
            "Pictures that are worked on or wait for it.",
            registry=self._registry,
            multiprocess_mode="livesum",
        )
        self.timeouts = Counter(
            "numcnn_deadlines",
            "Pictures that were not done in time, waiting included.",
            registry=self._registry,
        )
        if MULTIPROCESS_DIR not in os.environ:
            ProcessCollector(registry=self._registry)
            PlatformCollector(registry=self._registry)

    def observe_request(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count a request and record how long it took, to the end of its response."""
        self._requests.labels(method, route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def count_finding(self, answer: str) -> None:
        """Count something that was found in a picture: "0" to "9", or "rejected"."""
        self._findings.labels(answer).inc()

    def exposition(self) -> bytes:
        """Return all metrics in Prometheus' text exposition format."""
        registry = self._registry
        if MULTIPROCESS_DIR in os.environ:
            registry = CollectorRegistry()
            MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return generate_latest(registry)
