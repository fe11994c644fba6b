"""U1: an import of 10,000 rows is undone, and the undo is undone."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from bench import checks, dataset, processes
from bench.figures import Figure
from bench.harness import Bench, Round, figure, judged
from bench.http import Client
from bench.servers import USERNAME, Server
from bench.sources import SIZE
from bench.workloads.bulk import ROWS, Rows

REQUESTS = 100
TOTAL = REQUESTS * ROWS
ASK_AGAIN = 0.02
AT_MOST = 600.0
"""Seconds after which a job is given up."""


@contextmanager
def u1(bench: Bench) -> Iterator[Round]:
    """Undo 100 bulk requests of 100 new cases each, and take that back again."""
    with bench.product("u1") as server:
        imports = Imports(bench, server)
        yield lambda _: _round(bench, imports)
        checks.expect_cases(bench, server, imports.rows.written, what="U1, all back")


class Imports:
    """Bulk creates whose span of time is known, so that they can be undone."""

    def __init__(self, bench: Bench, server: Server) -> None:
        self.rows = Rows(bench, server)
        self._bench = bench
        self._server = server
        self._wish: dict[str, str] = {}

    def write(self) -> float:
        """Import 10,000 rows over one connection; return cases a second."""
        began = datetime.now(UTC)
        measured = self.rows.create(1, count=REQUESTS)
        ended = datetime.now(UTC) + timedelta(milliseconds=1)
        self._wish = {
            "user_id": USERNAME,
            "from": began.isoformat(),
            "to": ended.isoformat(),
        }
        return measured.load.rate * ROWS

    def undo(self) -> dict[str, float]:
        """Preview the undo of the last import, do it, take it back; return figures."""
        client = Client(self._server.target)
        started = time.perf_counter()
        seen = client.json("POST", self._path("undo/"), {**self._wish, "dry_run": True})
        preview = TOTAL / (time.perf_counter() - started)
        deleted = seen["cases"]["deleted"]
        self._bench.expect("U1: cases that the preview deletes", deleted, TOTAL)
        before = processes.cpu_seconds(self._server.pid)
        there = self.rows.written
        job, done = self._job(client, "undo/", self._wish)
        cpu = processes.cpu_seconds(self._server.pid) - before
        self._expect_cases(there - TOTAL, "U1, undone")
        _, back = self._job(client, f"jobs/{job['job_id']}/undo/", {})
        self._check_last()
        client.close()
        found = {"preview": preview, "undo": TOTAL / done, "redo": TOTAL / back}
        return {**found, "cpu": cpu * 1e6 / TOTAL}

    def _job(
        self, client: Client, what: str, wish: dict[str, str]
    ) -> tuple[dict[str, Any], float]:
        """Have a job done; return it and the seconds until it was."""
        job, took = job_done(client, self._path(what), wish)
        self._bench.expect(f"U1: {what} {job['problem'] or ''}", job["state"], "done")
        self._bench.expect(f"U1: forms of {what}", job["progress"]["done"], REQUESTS)
        return job, took

    def _expect_cases(self, expected: int, what: str) -> None:
        checks.expect_cases(self._bench, self._server, expected, what=what)

    def _check_last(self) -> None:
        """Note when the last import did not come back as it was."""
        last = range(self.rows.last, self.rows.last + 2000)
        checks.expect_content(
            self._bench,
            self._server,
            list(last),
            what="U1, back again",
            by="external_ids",
            properties=lambda i: dataset.ten_properties(i, SIZE),
        )

    def _path(self, rest: str) -> str:
        return f"{self._server.target.ledger}{rest}"


def job_done(
    client: Client, path: str, wish: dict[str, str]
) -> tuple[dict[str, Any], float]:
    """Ask for a job and wait; return it and the seconds until it had ended."""
    started = time.perf_counter()
    job = client.json("POST", path, wish)
    jobs = f"{client.target.ledger}jobs/{job['job_id']}/"
    while job["state"] in {"queued", "running"}:
        if time.perf_counter() - started > AT_MOST:
            raise RuntimeError(f"the job does not end: {job['progress']}")
        time.sleep(ASK_AGAIN)
        job = client.json("GET", jobs)
    return job, time.perf_counter() - started


def _round(bench: Bench, imports: Imports) -> list[Figure]:
    floors, found = bench.beside(lambda: {"import": imports.write()}, imports.undo)
    floor = ("import", floors["import"])
    case = f"{TOTAL:,} rows"
    undone = figure("U1", case, "cases/s undone", found["undo"])
    back = figure("U1", case, "cases/s taken back", found["redo"])
    preview = figure("U1", case, "cases/s previewed", found["preview"])
    return [
        judged(undone, floor, ">=", 0.80, 1.2),
        judged(back, floor, ">=", 0.60, 1.0),
        judged(preview, floor, ">=", None),
        figure("U1", case, "CPU us/case undone", found["cpu"]),
    ]
