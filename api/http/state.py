"""What is true of the database, for Prometheus: jobs, deliveries and replays that wait.

It is the same whichever process is asked. It is remembered for a moment, so that
whoever asks often makes the database work no more.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from threading import Lock

from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from ledger.clock import Clock, now_micros
from ledger.errors import StoreUnavailable
from ledger.jobs.counts import count_jobs
from ledger.jobs.values import JobState
from ledger.storage.connection import Connection
from ledger.store import Store
from ledger.times import Micros
from ledger.webhooks.backlog import waiting_deliveries
from projections.rebuild.generations import replays_at_work

FRESH_FOR = 5.0
"""Seconds after which the database is asked again."""

_SECOND = 1_000_000

logger = logging.getLogger(__name__)


class DatabaseState(Collector):
    """Asks the database how it stands; one a process."""

    def __init__(
        self,
        store: Store,
        *,
        clock: Clock = now_micros,
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        """Start without knowing anything."""
        self._store = store
        self._clock = clock
        self._timer = timer
        self._asking = Lock()
        self._known: list[Metric] = []
        self._fresh_until = 0.0

    def collect(self) -> Iterable[Metric]:
        """Return the metrics; of a database that does not answer, only that."""
        with self._asking:
            if not self._known or self._timer() >= self._fresh_until:
                self._known = list(self._asked())
                self._fresh_until = self._timer() + FRESH_FOR
            return self._known

    def describe(self) -> Iterable[Metric]:
        """Return nothing: to register it the database need not be asked."""
        return ()

    def _asked(self) -> Iterable[Metric]:
        try:
            with self._store.snapshot_of_all() as conn:
                found = [*self._jobs(conn), *self._deliveries(conn), *_replays(conn)]
        except StoreUnavailable:
            found, answers = [], 0
        except Exception as error:  # noqa: BLE001 - any is the same to who watches
            extra = {"error": type(error).__name__}
            logger.warning("state_not_read", extra=extra)
            found, answers = [], 0
        else:
            answers = 1
        text = "Whether the database answered when it was last asked."
        return [_gauge("database_up", text, answers), *found]

    def _jobs(self, conn: Connection) -> Iterable[Metric]:
        jobs = GaugeMetricFamily(
            "caseledger_jobs", "Jobs of all domains.", labels=("kind", "state")
        )
        oldest = None
        for count in count_jobs(conn):
            jobs.add_metric((count.kind, count.state), count.jobs)
            if count.state == JobState.QUEUED:
                oldest = min(count.oldest, oldest or count.oldest)
        yield jobs
        text = "How long the oldest job has waited that nobody has taken up yet."
        yield _gauge("oldest_waiting_job_seconds", text, self._since(oldest))

    def _deliveries(self, conn: Connection) -> Iterable[Metric]:
        count, oldest = waiting_deliveries(conn)
        text = "Deliveries to webhooks that are on and have not got through yet."
        yield _gauge("webhook_deliveries_waiting", text, count)
        text = "How long the oldest of these deliveries has waited."
        yield _gauge("oldest_waiting_delivery_seconds", text, self._since(oldest))

    def _since(self, when: Micros | None) -> float:
        return 0.0 if when is None else max(0, self._clock() - when) / _SECOND


def _replays(conn: Connection) -> Iterable[Metric]:
    count, folded, entries = replays_at_work(conn)
    yield _gauge("replay_generations", "Generations that are being built.", count)
    text = "Entries that were folded into these generations."
    yield _gauge("replay_entries_folded", text, folded)
    text = "Entries of the logs that they are built from."
    yield _gauge("replay_entries", text, entries)


def _gauge(name: str, meaning: str, value: float) -> Metric:
    return GaugeMetricFamily(f"caseledger_{name}", meaning, value=value)
