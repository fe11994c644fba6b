"""W2, W2u, W2x: a hundred cases a request."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from bench import checks, dataset, prepare
from bench.figures import Figure
from bench.harness import Bench, Measured, Round, figure, judged
from bench.servers import Server
from bench.sources import SIZE

CLIENTS = (1, 8)
ROWS = 100
WARM_UP = 30
"""Requests that are not measured, so that all statements are prepared."""
EXISTING = 100_000
"""The N of the data set that W2u and W2x change."""


@contextmanager
def w2(bench: Bench) -> Iterator[Round]:
    """Create a hundred cases a request, over one and over eight connections."""
    with (
        bench.bare("bare-w2") as bare,
        bench.bare("bare-w2-plus", obliged=True) as plus,
        bench.product("w2") as product,
    ):
        rows = Rows(bench, product)
        floors = {"B": bare, "B+": plus}
        for floor in floors.values():
            warm = {"requests": WARM_UP, "start": bench.numbers()}
            bench.run(floor, "bulk_creates", connections=8, **warm)

        def one_round(_: int) -> list[Figure]:
            return [
                line
                for clients in CLIENTS
                for line in _w2_figures(bench, rows, floors, clients)
            ]

        yield one_round
        checks.expect_cases(bench, product, rows.written, what="W2")
        last = list(range(rows.last, rows.last + 2000))
        checks.expect_content(
            bench, product, last, what="W2", by="external_ids", properties=_ten
        )


@contextmanager
def w2_two(bench: Bench) -> Iterator[Round]:
    """Create over eight connections with two processes; PostgreSQL only."""
    with (
        bench.product("w2") as one,
        bench.product("w2-two", workers=2) as two,
    ):
        single, double = Rows(bench, one), Rows(bench, two)

        def one_round(_: int) -> list[Figure]:
            floors, measured = bench.beside(
                lambda: {"one": _cases_per_second(single.create(8))},
                lambda: double.create(8),
            )
            rate = figure(
                "W2", "c8, 2 processes", "cases/s", _cases_per_second(measured)
            )
            return [judged(rate, ("one process", floors["one"]), ">=", None, 1.5)]

        yield one_round
        checks.expect_cases(bench, two, double.written, what="W2 two processes")


def w2u(bench: Bench) -> Any:
    """Change three properties of a hundred known cases a request."""
    return _beside_w2(bench, "W2u", "bulk_updates", (0.80, 1.0))


def w2x(bench: Bench) -> Any:
    """Upsert a hundred cases by external id a request, half of them existing."""
    return _beside_w2(bench, "W2x", "bulk_upserts", (0.65, 0.85))


class Rows:
    """Bulk creates into one server of the product."""

    def __init__(self, bench: Bench, server: Server) -> None:
        self.written = 0
        self.last = 0
        self._bench = bench
        self._server = server
        self.create(8, count=WARM_UP)

    def create(self, clients: int, *, count: int | None = None) -> Measured:
        """Send the requests of W2."""
        self.last = self._bench.numbers()
        measured = self._bench.run(
            self._server,
            "bulk_creates",
            connections=clients,
            start=self.last,
            requests=count or requests(self._bench),
        )
        self.written += measured.load.total * ROWS
        return measured


def requests(bench: Bench) -> int:
    """Return how many bulk requests make one run."""
    return 60 if bench.options.quick else 200


@contextmanager
def _beside_w2(
    bench: Bench, name: str, source: str, marks: tuple[float, float]
) -> Iterator[Round]:
    size = min(bench.options.size, EXISTING)
    kept = prepare.kept_cases(bench, size)
    with bench.product("w2") as plain, prepare.serving_copy(bench, kept) as loaded:
        rows = Rows(bench, plain)
        made = 0

        def subject(count: int) -> Measured:
            nonlocal made
            number = bench.numbers()
            made += count * 50 if source == "bulk_upserts" else 0
            start = {"start": number} if source == "bulk_upserts" else {"seed": number}
            return bench.run(loaded, source, size=size, requests=count, **start)

        subject(WARM_UP)
        yield lambda _: _against_w2(
            rows, bench, name, lambda: subject(requests(bench)), marks
        )
        checks.expect_cases(bench, loaded, size + made, what=name)


def _against_w2(
    rows: Rows,
    bench: Bench,
    name: str,
    subject: Callable[[], Measured],
    marks: tuple[float, float],
) -> list[Figure]:
    floors, measured = bench.beside(
        lambda: {"W2": _cases_per_second(rows.create(1))}, subject
    )
    rate = figure(name, "c1", "cases/s", _cases_per_second(measured))
    return [
        judged(rate, ("W2", floors["W2"]), ">=", *marks),
        *_told(name, "c1", measured),
    ]


def _w2_figures(
    bench: Bench, rows: Rows, floors: Mapping[str, Server], clients: int
) -> list[Figure]:
    def floor(server: Server) -> float:
        plan = {"requests": requests(bench), "start": bench.numbers()}
        measured = bench.run(server, "bulk_creates", connections=clients, **plan)
        return _cases_per_second(measured)

    read, measured = bench.beside(
        lambda: {name: floor(server) for name, server in floors.items()},
        lambda: rows.create(clients),
    )
    rate = figure("W2", f"c{clients}", "cases/s", _cases_per_second(measured))
    return [
        judged(rate, ("B", read["B"]), ">=", 0.65, 0.80),
        judged(rate, ("B+", read["B+"]), ">=", None),
        *_told("W2", f"c{clients}", measured),
    ]


def _cases_per_second(measured: Measured) -> float:
    return measured.load.rate * ROWS


def _told(name: str, case: str, measured: Measured) -> list[Figure]:
    result = measured.load
    return [
        figure(name, case, "p50 ms", result.p50 * 1000),
        figure(name, case, "p99 ms", result.p99 * 1000),
        figure(name, case, "CPU us/case", measured.cpu_micros(each=ROWS)),
    ]


def _ten(i: int) -> dict[str, str]:
    return dataset.ten_properties(i, SIZE)
