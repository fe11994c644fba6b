"""W1, W1m, W1j, W1u: one case a request."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from bench import checks, dataset, prepare, servers
from bench.figures import Figure
from bench.harness import Bench, Measured, Readings, Round, figure, judged
from bench.servers import Server
from bench.sources import SIZE

CLIENTS = (1, 8, 32, 128)
UPDATED = 100_000
"""The N of the data set that W1u changes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Floors:
    """The servers that W1 is compared with: B, B+ and H."""

    bench: Bench
    bare: Server
    plus: Server
    hello: Server

    def read(self, clients: int) -> Readings:
        """Return what they do over so many connections."""
        bench = self.bench
        plan = {"connections": clients, "start": bench.numbers(), **bench.half()}
        result = bench.timed(self.bare, "forms", **plan).load
        floors = {"B": result.rate, "B p50": result.p50 * 1000}
        floors["B+"] = bench.timed(self.plus, "forms", **plan).load.rate
        if clients == 32:
            floors["H"] = bench.hello_rate(self.hello)
        return floors


class Written:
    """What a workload has written into one server of the product, to be checked."""

    def __init__(self, bench: Bench, server: Server) -> None:
        self.server = server
        self._bench = bench
        self._cases = 0
        self._last: list[int] = []

    def run(self, source: str, *, clients: int, **plan: Any) -> Measured:
        """Write with fresh numbers; remember which were answered."""
        measured = self._bench.timed(
            self.server,
            source,
            connections=clients,
            keep_ordinals=True,
            start=self._bench.numbers(),
            **plan,
        )
        self._cases += measured.load.total
        self._last = measured.load.ordinals
        return measured

    def check(self, what: str, **content: Any) -> None:
        """Compare what the product holds with what it answered for."""
        checks.expect_cases(self._bench, self.server, self._cases, what=what)
        numbers = self._last[-checks.AT_ONCE :]
        checks.expect_content(self._bench, self.server, numbers, what=what, **content)


@contextmanager
def w1(bench: Bench) -> Iterator[Round]:
    """Submit one-case forms over 1, 8, 32 and 128 connections."""
    with (
        servers.hello() as hello,
        bench.bare("bare-w1") as bare,
        bench.bare("bare-w1-plus", obliged=True) as plus,
        bench.product("w1") as product,
    ):
        written = Written(bench, product)
        floors = Floors(bench=bench, bare=bare, plus=plus, hello=hello)
        yield lambda _: _w1_round(bench, written, floors)
        written.check("W1")


@contextmanager
def w1_two(bench: Bench) -> Iterator[Round]:
    """Submit over 128 connections to two processes; PostgreSQL only."""
    with (
        bench.bare("bare-w1", workers=2) as bare,
        bench.product("w1") as one,
        bench.product("w1-two", workers=2) as two,
    ):
        single, double = Written(bench, one), Written(bench, two)
        yield lambda _: _two_round(bench, single, double, bare=bare)
        double.check("W1 two processes")


def w1m(bench: Bench) -> Any:
    """Submit as W1 at c32, wrapped as multipart."""
    return _beside_w1(bench, "W1m", "multipart_forms", (0.75, 0.90))


def w1j(bench: Bench) -> Any:
    """Create one case of JSON a request."""
    return _beside_w1(bench, "W1j", "single_creates", (0.80, 1.0))


@contextmanager
def w1u(bench: Bench) -> Iterator[Round]:
    """Change three properties of a random case of D(100,000) a request."""
    size = min(bench.options.size, UPDATED)
    name = prepare.kept_cases(bench, size)
    with (
        bench.product("w1") as plain,
        prepare.serving_copy(bench, name) as loaded,
    ):
        written = Written(bench, plain)

        def update() -> Measured:
            plan = {"size": size, "seed": bench.numbers()}
            return bench.timed(loaded, "single_updates", connections=32, **plan)

        yield lambda _: _ratio_to_w1(bench, written, "W1u", update, (0.80, 1.0))
        checks.expect_cases(bench, loaded, size, what="W1u")


@contextmanager
def _beside_w1(
    bench: Bench, name: str, source: str, marks: tuple[float, float]
) -> Iterator[Round]:
    with bench.product("w1") as plain, bench.product("w1-other") as other:
        written, subject = Written(bench, plain), Written(bench, other)
        yield lambda _: _ratio_to_w1(
            bench, written, name, lambda: subject.run(source, clients=32), marks
        )
        if source == "single_creates":
            subject.check(name, by="external_ids", properties=_ten)
        else:
            subject.check(name)


def _ratio_to_w1(
    bench: Bench,
    written: Written,
    name: str,
    subject: Callable[[], Measured],
    marks: tuple[float, float],
) -> list[Figure]:
    def floor() -> Readings:
        measured = written.run("forms", clients=32, **bench.half())
        return {"W1": measured.load.rate}

    floors, measured = bench.beside(floor, subject)
    rate = figure(name, "c32", "per s", measured.load.rate)
    return [
        judged(rate, ("W1", floors["W1"]), ">=", *marks),
        *_told(name, "c32", measured),
    ]


def _w1_round(bench: Bench, written: Written, floors: Floors) -> list[Figure]:
    rates: dict[int, float] = {}
    figures: list[Figure] = []
    for clients in CLIENTS:
        read, measured = bench.beside(
            lambda clients=clients: floors.read(clients),  # type: ignore[misc]
            lambda clients=clients: written.run("forms", clients=clients),  # type: ignore[misc]
        )
        rates[clients] = measured.load.rate
        figures += _w1_figures(clients, read, measured)
    grouped = figure("W1", "c32 / c1", "group commit", rates[32])
    goal = 2.0 if bench.on_sqlite else 3.0
    return [*figures, judged(grouped, ("c1", rates[1]), ">=", goal)]


def _w1_figures(clients: int, floors: Readings, measured: Measured) -> list[Figure]:
    case, result = f"c{clients}", measured.load
    rate = figure("W1", case, "forms/s", result.rate)
    marks = (0.60, 0.80) if clients == 32 else (None, None)
    figures = [
        judged(rate, ("B", floors["B"]), ">=", *marks),
        judged(rate, ("B+", floors["B+"]), ">=", None),
    ]
    if clients == 1:
        p50 = figure("W1", case, "p50 ms", result.p50 * 1000)
        figures.append(judged(p50, ("B p50", floors["B p50"]), "<=", 3.0, 1.5))
    if "H" in floors:
        figures.append(judged(rate, ("H", floors["H"]), ">=", 0.09))
        p99 = figure("W1", case, "p99 ms", result.p99 * 1000)
        even = ("32 / rate", 32_000 / result.rate)
        figures.append(judged(p99, even, "<=", 3.0, 2.0))
    return [*figures, *_told("W1", case, measured)]


def _two_round(
    bench: Bench, single: Written, double: Written, *, bare: Server
) -> list[Figure]:
    def floor() -> Readings:
        half = bench.half()
        plan = {"connections": 128, "start": bench.numbers(), **half}
        return {
            "B": bench.timed(bare, "forms", **plan).load.rate,
            "one": single.run("forms", clients=128, **half).load.rate,
        }

    floors, measured = bench.beside(floor, lambda: double.run("forms", clients=128))
    rate = figure("W1", "c128, 2 processes", "forms/s", measured.load.rate)
    return [
        judged(rate, ("B", floors["B"]), ">=", 0.60, 0.80),
        judged(rate, ("one process", floors["one"]), ">=", 1.5),
    ]


def _told(name: str, case: str, measured: Measured) -> list[Figure]:
    result = measured.load
    return [
        figure(name, case, "p50 ms", result.p50 * 1000),
        figure(name, case, "p99 ms", result.p99 * 1000),
        figure(name, case, "CPU us each", measured.cpu_micros()),
    ]


def _ten(i: int) -> dict[str, str]:
    return dataset.ten_properties(i, SIZE)
