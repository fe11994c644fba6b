"""Many domains at once, and what a head that somebody holds costs the others."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import psycopg

from bench import checks, load, prepare
from bench.figures import Figure
from bench.harness import Bench, Measured, Readings, Round, figure, judged
from bench.servers import DOMAIN, Server

DOMAINS = 32
HELD_SECONDS = 6.0
_HEAD = "SELECT position FROM domains WHERE domain = %s FOR UPDATE"


@contextmanager
def d1(bench: Bench) -> Iterator[Round]:
    """Submit one-case forms over 32 connections, to one domain and to 32."""
    names = [f"d{number:02}" for number in range(DOMAINS)]
    product = prepare.copy_of(bench, prepare.kept_domains(bench, names))
    with product.serving() as server:
        # No user is one of all domains.
        target = replace(server.target, authorization="")
        crowd = _Crowd(bench, Server(target, server.process), names, product.url)
        yield crowd.round
        checks.expect_cases(bench, server, crowd.in_one, what="D1")


class _Crowd:
    """Who submits to many domains, and how many cases the one domain got."""

    def __init__(
        self, bench: Bench, server: Server, names: list[str], url: str
    ) -> None:
        self.in_one = 0
        self._bench = bench
        self._server = server
        self._names = names
        self._url = url

    def round(self, _number: int) -> list[Figure]:
        """Measure once, and on PostgreSQL once more beside a head that is held."""
        floors, many = self._bench.beside(self._one, lambda: self._load(self._names))
        rate = figure("D1", f"{DOMAINS} domains", "forms/s", many.load.rate)
        figures = [
            judged(rate, ("one", floors["one"]), ">=", 0.8, 0.95),
            figure("D1", f"{DOMAINS} domains", "p99 ms", many.load.p99 * 1000),
            figure("D1", f"{DOMAINS} domains", "CPU us each", many.cpu_micros()),
            figure("D1", "one", "CPU us each", floors["CPU"]),
        ]
        return figures if self._bench.on_sqlite else [*figures, self._beside_held()]

    def _one(self) -> Readings:
        measured = self._load([DOMAIN], **self._bench.half())
        self.in_one += measured.load.total
        return {"one": measured.load.rate, "CPU": measured.cpu_micros()}

    def _load(self, names: list[str], **plan: float) -> Measured:
        return self._bench.timed(
            self._server,
            "spread_forms",
            connections=DOMAINS,
            options={"domains": names, "start": self._bench.numbers()},
            **plan,
        )

    def _beside_held(self) -> Figure:
        """Return what others wait at most, nearly, while one head is held."""
        held, *others = self._names
        timing = {"seconds": HELD_SECONDS, "warmup": 0.0}
        free = self._load(others, **timing)
        with psycopg.connect(self._url) as session:
            session.execute(_HEAD, (held,))
            waiting = load.start(self._plan(held))
            beside = self._load(others, **timing)
        self._bench.expect("D1: failed in the held domain", waiting().failed, 0)
        p99 = figure("D1", "one head held", "p99 ms", beside.load.p99 * 1000)
        return judged(p99, ("free", free.load.p99 * 1000), "<=", 1.5, 1.1)

    def _plan(self, name: str) -> load.Plan:
        return load.Plan(
            target=replace(self._server.target, domain=name),
            source="spread_forms",
            options={"domains": [name], "start": self._bench.numbers()},
            seconds=HELD_SECONDS,
        )
