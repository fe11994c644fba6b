"""What the process counts for Prometheus; labels are names and numbers of ours only.

With several workers the parent sets ``PROMETHEUS_MULTIPROC_DIR`` before they start,
and each answer adds up the files of all of them.
"""

from __future__ import annotations

import os
from functools import lru_cache

from prometheus_client import CollectorRegistry, Gauge, Histogram
from prometheus_client.core import REGISTRY
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

CONTENT_TYPE = CONTENT_TYPE_LATEST
SHARED_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)

_REQUESTS = Histogram(
    "caseledger_http_request_seconds",
    "Time from a request's head to its answer, by route.",
    ("method", "route", "status"),
    buckets=_BUCKETS,
)
WORKERS = Gauge(
    "caseledger_workers",
    "Server processes that are up.",
    multiprocess_mode="livesum",
)


def observe(method: str, route: str, status: int, seconds: float) -> None:
    """Count one request."""
    _request_child(method, route, status).observe(seconds)


def exposition() -> bytes:
    """Return every metric of all workers in Prometheus's text format."""
    if SHARED_FOLDER not in os.environ:
        return generate_latest(REGISTRY)
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return generate_latest(registry)


@lru_cache(maxsize=2048)
def _request_child(method: str, route: str, status: int) -> Histogram:
    return _REQUESTS.labels(method, route, str(status))
