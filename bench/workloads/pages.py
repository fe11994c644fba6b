"""W6 and W7: list pages at any depth, and the walk over all of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from bench import dataset, load, prepare, servers, units, walking
from bench.bare import floors as documents
from bench.bare.rows import batched
from bench.figures import Figure
from bench.harness import Bench, Measured, Readings, Round, figure, judged
from bench.servers import Server

LIMITS = (20, 100, 5000)
LARGE = 5000
SMALL = 20
MIDDLE = 100


@contextmanager
def w6(bench: Bench) -> Iterator[Round]:
    """List pages of 20, 100 and 5,000 at three depths of D(size)."""
    size = bench.options.size
    name, bare_url = (
        prepare.kept_cases(bench, size),
        prepare.kept_bare_cases(bench, size),
    )
    product = prepare.product_of(bench, name)
    with servers.bare(bare_url) as bare, product.serving() as server:
        paths = {
            limit: walking.kept_paths(bench, name, server, limit=limit)
            for limit in LIMITS
        }

        def one_round(_: int) -> list[Figure]:
            return [
                *_latencies(bench, server, bare_url, paths),
                *_rate(bench, server, bare, paths[SMALL]),
                *_large(bench, server, bare, bare_url, paths[LARGE][0]),
            ]

        yield one_round


def page_p50(bench: Bench, server: Server, paths: list[str]) -> Measured:
    """Ask for the same pages for a while over one connection."""
    seconds = max(0.5, bench.options.seconds / 5)
    return bench.run(
        server, "paths", paths=paths, seconds=seconds, warmup=seconds / 5, ready=100
    )


def _latencies(
    bench: Bench, server: Server, bare_url: str, paths: dict[int, list[str]]
) -> list[Figure]:
    size = bench.options.size

    def subject() -> dict[int, list[load.Result]]:
        return {
            limit: [page_p50(bench, server, [path]).load for path in paths[limit]]
            for limit in LIMITS
        }

    units_read, results = bench.beside(
        lambda: {"Q": units.point_read_ms(bare_url, size=size)}, subject
    )
    lines: list[Figure] = [figure("Q", "", "ms", units_read["Q"])]
    for limit, at in results.items():
        lines += _depth_figures(limit, at)
    return [*lines, *_against_q(bench, results[MIDDLE], units_read["Q"])]


def _depth_figures(limit: int, at: list[load.Result]) -> list[Figure]:
    shallow, _, deep = at
    case = f"n={limit}"
    deepest = figure("W6", f"{case} at 99 %", "p50 ms", deep.p50 * 1000)
    tail = figure("W6", case, "p99 ms", shallow.p99 * 1000)
    return [
        figure("W6", f"{case} at 0 %", "p50 ms", shallow.p50 * 1000),
        judged(deepest, ("at 0 %", shallow.p50 * 1000), "<=", 1.2),
        judged(tail, ("p50", shallow.p50 * 1000), "<=", 4.0, 2.5),
    ]


def _against_q(bench: Bench, at: list[load.Result], q: float) -> list[Figure]:
    p50 = figure("W6", "n=100", "p50 ms", at[0].p50 * 1000)
    goal = 60 * q + 1 if bench.on_sqlite else 30 * q + 1
    reach = 30 * q + 0.5 if bench.on_sqlite else 15 * q + 0.7
    goal_name, reach_name = (
        ("60Q+1", "30Q+.5") if bench.on_sqlite else ("30Q+1", "15Q+.7")
    )
    return [
        judged(p50, (goal_name, goal), "<=", 1.0),
        judged(p50, (reach_name, reach), "<=", None, 1.0),
    ]


def _rate(bench: Bench, server: Server, bare: Server, paths: list[str]) -> list[Figure]:
    size = bench.options.size
    plain = bare.target.cases
    same = [f"{plain}?limit=20&after={int(size * depth)}" for depth in walking.DEPTHS]

    def floor() -> Readings:
        plan: dict[str, Any] = {"paths": same, "connections": 32, **bench.half()}
        return {"B": bench.timed(bare, "paths", ready=100, **plan).load.rate}

    floors, measured = bench.beside(
        floor,
        lambda: bench.timed(server, "paths", paths=paths, connections=32, ready=100),
    )
    rate = figure("W6", "n=20 c32", "requests/s", measured.load.rate)
    return [
        judged(rate, ("B", floors["B"]), ">=", 0.55, 0.80),
        figure("W6", "n=20 c32", "p99 ms", measured.load.p99 * 1000),
        figure("W6", "n=20 c32", "CPU us each", measured.cpu_micros()),
    ]


def _large(
    bench: Bench, server: Server, bare: Server, bare_url: str, path: str
) -> list[Figure]:
    same = [f"{bare.target.cases}?limit={LARGE}"]

    def floor() -> Readings:
        over_http = page_p50(bench, bare, same).load.p50 * 1000
        alone = documents.page_ms(bare_url, after=0, limit=LARGE)
        return {"documents": alone, "sending": max(0.0, over_http - alone)}

    readings = [floor()]
    result = page_p50(bench, server, [path]).load
    readings.append(floor())
    mean = {key: (readings[0][key] + readings[1][key]) / 2 for key in readings[0]}
    line = figure(
        "W6", "n=5000", "p50 ms less sending", result.p50 * 1000 - mean["sending"]
    )
    return [judged(line, ("documents", mean["documents"]), "<=", 3.0, 1.5)]


@contextmanager
def w7(bench: Bench) -> Iterator[Round]:
    """Walk all of D(size) by ``next`` at limit 5,000, idle and beside 200 forms/s."""
    size = bench.options.size
    name, bare_url = (
        prepare.kept_cases(bench, size),
        prepare.kept_bare_cases(bench, size),
    )
    with prepare.serving_copy(bench, name) as server:

        def one_round(_: int) -> list[Figure]:
            floors, rate = bench.beside(
                lambda: {"documents": documents.walk_rate(bare_url)},
                lambda: _walk(bench, server),
            )
            line = figure("W7", "idle", "cases/s", rate)
            return [
                judged(line, ("documents", floors["documents"]), ">=", 0.30, 0.50),
                figure("W7", "beside 200/s", "cases/s", _busy_walk(bench, server)),
            ]

        yield one_round


def _busy_walk(bench: Bench, server: Server) -> float:
    seconds = max(2.0, bench.options.size / 60_000)
    writing = load.start(
        load.Plan(
            target=server.target,
            source="forms",
            options={"start": bench.numbers()},
            connections=8,
            seconds=seconds,
            rate=200,
            ready=int(60 * seconds),
        )
    )
    rate = _walk(bench, server)
    result = writing()
    if result.failed:
        bench.complain(f"W7: {result.failed} forms failed: {result.first_failure}")
    return rate


def _walk(bench: Bench, server: Server) -> float:
    """Return cases per second; note missed cases and an order that goes back."""
    seen: set[str] = set()
    took, count, last, backwards = 0.0, 0, "", 0
    for page in walking.walk(server, f"limit={LARGE}"):
        took += page.seconds
        count += len(page.cases)
        seen.update(case["case_id"] for case in page.cases)
        moments = [last, *(case["indexed_on"] for case in page.cases)]
        backwards += moments != sorted(moments)
        last = moments[-1]
    bench.expect("W7: pages whose order goes back", backwards, 0)
    wanted = (dataset.case_id(i) for i in range(bench.options.size))
    missed = sum(len(set(batch) - seen) for batch in batched(wanted, 100_000))
    bench.expect("W7: cases missed by the walk", missed, 0)
    return count / took
