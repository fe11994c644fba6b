"""W10 and W11: many cases by id, and one case by id."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from bench import prepare, servers
from bench.figures import Figure
from bench.harness import Bench, Readings, Round, figure, judged
from bench.servers import Server

ASKED = 5000
MIXES = (0, 2500)


@contextmanager
def w10(bench: Bench) -> Iterator[Round]:
    """Fetch 5,000 random cases at once, by case ids and by both kinds of id."""
    with _both(bench) as (bare, server):
        yield lambda _: [
            line for mixed in MIXES for line in _fetches(bench, bare, server, mixed)
        ]


@contextmanager
def w11(bench: Bench) -> Iterator[Round]:
    """Get one random case a request over 32 connections, by either kind of id."""
    with _both(bench) as (bare, server):
        yield lambda _: [
            line
            for by in ("case_id", "external_id")
            for line in _points(bench, bare, server, by)
        ]


@contextmanager
def _both(bench: Bench) -> Iterator[tuple[Server, Server]]:
    size = bench.options.size
    name, bare_url = (
        prepare.kept_cases(bench, size),
        prepare.kept_bare_cases(bench, size),
    )
    product = prepare.product_of(bench, name)
    with servers.bare(bare_url) as bare, product.serving() as server:
        yield bare, server


def _fetches(bench: Bench, bare: Server, server: Server, mixed: int) -> list[Figure]:
    plan: dict[str, Any] = {
        "size": bench.options.size,
        "requests": 10 if bench.options.quick else 40,
        "seed": 11,
    }

    def floor() -> Readings:
        result = bench.run(bare, "bulk_fetches", mixed=0, **plan).load
        return {"B": result.p50 * 1000}

    floors, measured = bench.beside(
        floor, lambda: bench.run(server, "bulk_fetches", mixed=mixed, **plan)
    )
    result = measured.load
    case = f"{ASKED - mixed} + {mixed} external"
    line = figure("W10", case, "p50 ms", result.p50 * 1000)
    return [
        judged(line, ("B", floors["B"]), "<=", 2.0, 1.4),
        figure("W10", case, "cases/s", result.rate * ASKED),
        figure("W10", case, "CPU us/case", measured.cpu_micros(each=ASKED)),
    ]


def _points(bench: Bench, bare: Server, server: Server, by: str) -> list[Figure]:
    plan: dict[str, Any] = {"size": bench.options.size, "seed": 11, "connections": 32}

    def floor() -> Readings:
        made = {**plan, **bench.half(), "by": "case_id"}
        return {"B": bench.timed(bare, "points", **made).load.rate}

    floors, measured = bench.beside(
        floor, lambda: bench.timed(server, "points", by=by, **plan)
    )
    line = figure("W11", f"by {by}, c32", "requests/s", measured.load.rate)
    marks = (0.50, 0.75) if by == "case_id" else (None, None)
    return [
        judged(line, ("B", floors["B"]), ">=", *marks),
        figure("W11", f"by {by}, c32", "p99 ms", measured.load.p99 * 1000),
        figure("W11", f"by {by}, c32", "CPU us each", measured.cpu_micros()),
    ]
