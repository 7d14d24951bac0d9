"""The metrics: what Prometheus asks for at ``/metrics``.

With several processes, each writes its numbers into files of a shared folder, and whichever is
asked adds them up.
"""

import os
from typing import final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

FOLDER = "PROMETHEUS_MULTIPROC_DIR"
"""The environment variable that names the shared folder; prometheus_client's own."""

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


@final
class Metrics:
    """Counts requests and digits, and takes times."""

    def __init__(self) -> None:
        """Start from zero."""
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "numcnn_requests", "Requests.", ("method", "route", "status"), registry=self._registry
        )
        self._seconds = Histogram(
            "numcnn_request_seconds",
            "Time from a request's head to the end of its answer.",
            ("route",),
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._read = Counter(
            "numcnn_things", "What was found in pictures.", ("answer",), registry=self._registry
        )
        self.working = Gauge(
            "numcnn_pictures_in_work",
            "Pictures that are worked on or wait for it.",
            registry=self._registry,
            multiprocess_mode="livesum",
        )
        self.deadlines = Counter(
            "numcnn_deadlines",
            "Pictures that were not done in time, waiting included.",
            registry=self._registry,
        )
        if FOLDER not in os.environ:
            ProcessCollector(registry=self._registry)
            PlatformCollector(registry=self._registry)

    def request(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count a request that was answered."""
        self._requests.labels(method, route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def thing(self, answer: str) -> None:
        """Count something that was found in a picture: a digit's name, or "rejected"."""
        self._read.labels(answer).inc()

    def text(self) -> bytes:
        """Write all of it in Prometheus' text format."""
        registry = self._registry
        if FOLDER in os.environ:
            registry = CollectorRegistry()
            MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return generate_latest(registry)
