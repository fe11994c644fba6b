"""What the process counts for Prometheus; labels are names and numbers of ours only.

With several workers the parent sets ``PROMETHEUS_MULTIPROC_DIR`` before they start,
and each answer adds up the files of all of them. What is true of the database and not
of a process is asked by whoever answers (``state.py``), and never added up.
"""

from __future__ import annotations

import asyncio
import os
from bisect import bisect_left
from collections import Counter as Counted
from collections.abc import Iterable, Sequence, Sized
from functools import lru_cache

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import REGISTRY
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from api.http.access_log import Served
from ledger.entry import Kind
from ledger.store import READ_THREADS, Store
from ledger.webhooks.values import DEAD, DELIVERED, PENDING, Attempt
from ledger.writer import Committed, LedgerWriter

CONTENT_TYPE = CONTENT_TYPE_LATEST
SHARED_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
SAMPLE_SECONDS = 1.0
"""How old a gauge of a process may be."""
BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
_OUTCOMES = {DELIVERED: "delivered", PENDING: "failed", DEAD: "dead"}


class _Histogram(Histogram):
    """A histogram that can be told of many amounts at once."""

    def observe_many(self, amounts: Sequence[float]) -> None:
        """Do what ``observe`` does for each."""
        self._sum.inc(sum(amounts))
        bounds = self._upper_bounds
        for place, count in Counted(bisect_left(bounds, a) for a in amounts).items():
            self._buckets[place].inc(count)


_REQUESTS = _Histogram(
    "caseledger_http_request_seconds",
    "Time from a request's head to its answer, by route.",
    ("method", "route", "status"),
    buckets=BUCKETS,
)
_ENTRIES = Counter(
    "caseledger_entries", "Entries that the server appended, by kind.", ("kind",)
)
_COMMIT_COMMANDS = Histogram(
    "caseledger_commit_commands",
    "Commands that were committed together.",
    buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256),
)
_COMMIT_SECONDS = Histogram(
    "caseledger_commit_seconds",
    "Time of a commit, from the lock of the head to the disk.",
    buckets=BUCKETS,
)
_ATTEMPTS = Counter(
    "caseledger_webhook_attempts",
    "Attempts to tell a webhook of an entry, by what became of the delivery.",
    ("outcome",),
)


_CUT = Counter(
    "caseledger_connections_cut",
    "Connections that were refused or cut off, by the reason.",
    ("reason",),
)


def _gauge(name: str, meaning: str) -> Gauge:
    return Gauge(f"caseledger_{name}", meaning, multiprocess_mode="livesum")


WORKERS = _gauge("workers", "Server processes that are up.")
_QUEUE = _gauge("write_queue_commands", "Commands that wait for their commit.")
_QUEUE_BYTES = _gauge("write_queue_bytes", "Bytes of the commands being written.")
_READS = _gauge("reads_running", "Reads at work in a thread, or waiting for one.")
_THREADS = _gauge("read_threads", "Threads that reads may use.")
_AWAY = _gauge("store_away", "Processes for which the store cannot be used now.")
_OPEN = _gauge("open_connections", "Connections of clients that are open.")
_CONNECTIONS = _gauge("database_connections", "Connections to the database.")

for _kind in Kind:
    _ENTRIES.labels(_kind.value)
for _reason in ("head", "body_still", "body_slow", "too_many"):
    _CUT.labels(_reason)
for _outcome in _OUTCOMES.values():
    _ATTEMPTS.labels(_outcome)


def count_requests(served: Iterable[Served]) -> None:
    """Count requests."""
    seconds: dict[tuple[str, str, int], list[float]] = {}
    for request in served:
        seconds.setdefault(request[:3], []).append(request.seconds)
    for kind, amounts in seconds.items():
        _request_child(*kind).observe_many(amounts)


def count_commit(committed: Committed) -> None:
    """Count a commit and its entries."""
    _COMMIT_COMMANDS.observe(committed.commands)
    _COMMIT_SECONDS.observe(committed.seconds)
    for kind in committed.kinds:
        _ENTRIES.labels(kind).inc()


def count_attempt(attempt: Attempt) -> None:
    """Count an attempt to deliver."""
    _ATTEMPTS.labels(_OUTCOMES[attempt.state]).inc()


def count_cut(reason: str) -> None:
    """Count a connection that was refused or cut off."""
    _CUT.labels(reason).inc()


async def sample(store: Store, writer: LedgerWriter, connections: Sized) -> None:
    """Look at what this process has at hand, again and again, until cancelled."""
    _THREADS.set(READ_THREADS)
    while True:
        commands, size = writer.waiting
        _QUEUE.set(commands)
        _QUEUE_BYTES.set(size)
        _READS.set(store.reads_running)
        _OPEN.set(len(connections))
        _CONNECTIONS.set(store.connections)
        _AWAY.set(store.away is not None)
        await asyncio.sleep(SAMPLE_SECONDS)


def exposition(state: Collector) -> bytes:
    """Return every metric of all workers in Prometheus's text format.

    ``state`` tells what is true of the database.
    """
    registry = CollectorRegistry()
    registry.register(state)
    if SHARED_FOLDER in os.environ:
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    else:
        registry.register(REGISTRY)
    return generate_latest(registry)


@lru_cache(maxsize=2048)
def _request_child(method: str, route: str, status: int) -> _Histogram:
    return _REQUESTS.labels(method, route, str(status))
