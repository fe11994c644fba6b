"""W8, W8b and W9: property filters cold and warm, two at once, and counts."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import quote

from bench import dataset, load, prepare, walking
from bench.bare import floors
from bench.figures import Figure
from bench.harness import Bench, Readings, Round, figure, judged
from bench.http import Client
from bench.servers import Server
from bench.workloads.pages import page_p50

LIMIT = 100
SETTLE_WITHIN, QUICKLY = 60.0, 10.0
"""Seconds that a filter may take to become quick before it is measured as it is."""
REQUESTS = 200
COMMON = "bihar"
"""The value that at least 5 % of the cases have when it is asked for first."""


@contextmanager
def w8(bench: Bench) -> Iterator[Round]:
    """Filter by one property: first request ever, then warm at three depths."""
    size = bench.options.size
    name, bare_url = (
        prepare.kept_cases(bench, size),
        prepare.kept_bare_cases(bench, size),
    )
    with prepare.serving_copy(bench, name) as server:
        wanted = single_filters(size)
        cold = _cold(bench, server, bare_url, wanted)
        paths = {
            f"{key}={value}": walking.deep_paths(
                server, _query({key: value}) + "&", limit=LIMIT
            )
            for key, value in wanted
        }

        def one_round(number: int) -> list[Figure]:
            return [*(cold if number == 0 else []), *_warm(bench, server, paths)]

        yield one_round


@contextmanager
def w8b(bench: Bench) -> Iterator[Round]:
    """Filter by two things at once."""
    name = prepare.kept_cases(bench, bench.options.size)
    with prepare.serving_copy(bench, name) as server:
        queries = {title: f"{query}&limit={LIMIT}" for title, query in _pairs(server)}
        for query in queries.values():
            _settle(bench, server, f"{server.target.cases}?{query}", limit_ms=20.0)
        yield lambda _: _double_round(bench, server, queries)


@contextmanager
def w9(bench: Bench) -> Iterator[Round]:
    """Ask for the total with ``limit=1``, unfiltered and by one filter."""
    name = prepare.kept_cases(bench, bench.options.size)
    with prepare.serving_copy(bench, name) as server:
        queries = {"no filter": "limit=1"}
        for key, value in single_filters(bench.options.size)[:4]:
            queries[f"{key}={value}"] = f"{_query({key: value})}&limit=1"
        queries["case_type"] = "case_type=patient&limit=1"
        for query in queries.values():
            _settle(bench, server, f"{server.target.cases}?{query}", limit_ms=5.0)
        yield lambda _: _count_round(bench, server, queries)


def single_filters(size: int) -> list[tuple[str, str]]:
    """Return the six filters of D, the dearest walk first (rules/design.md 6.4)."""
    return [
        ("phone", dataset.properties(size - 10, size)["phone"]),
        ("batch", "b97"),
        ("state", COMMON),
        ("state", ""),
        ("is_testing", "true"),
        ("village", "village_17"),
    ]


def _pairs(server: Server) -> list[tuple[str, str]]:
    household = dataset.case_id(400)
    client = Client(server.target)
    middle = client.json("GET", f"{server.target.cases}{household}")
    client.close()
    since = quote(middle["indexed_on"])
    bihar = _query({"state": "bihar"})
    return [
        ("state + batch", f"{bihar}&{_query({'batch': 'b97'})}"),
        ("state + case_type", f"{bihar}&case_type=patient"),
        ("owner + risk", f"owner_id=owner-7&{_query({'risk': 'high'})}"),
        ("indices.parent", f"indices.parent={household}"),
        ("indexed_on + state", f"indexed_on.gte={since}&{bihar}"),
    ]


def _query(properties: dict[str, str]) -> str:
    return "&".join(
        f"properties.{name}={quote(value, safe='')}"
        for name, value in properties.items()
    )


def _cold(
    bench: Bench, server: Server, bare_url: str, wanted: list[tuple[str, str]]
) -> list[Figure]:
    """Ask for each name for the first time ever; the floor walks all cases."""
    figures: list[Figure] = []
    asked: set[str] = set()
    plain = _once_ms(server, f"{server.target.cases}?limit={LIMIT}")
    for key, value in wanted:
        path = f"{server.target.cases}?{_query({key: value})}&limit={LIMIT}"
        if key not in asked:
            line = figure("W8", f"{key}={value} cold", "ms", _once_ms(server, path))
            walk = ("walk", floors.filter_walk_ms(bare_url, key, value))
            figures.append(judged(line, walk, "<=", 1.5))
            if value == COMMON:
                figures.append(judged(line, ("page", plain), "<=", None, 5.0))
        asked.add(key)
        settled = _settle(bench, server, path, limit_ms=5.0)
        figures.append(figure("W8", f"{key}={value}", "warm after s", settled))
    return [*figures, *_cold_beside_reads(bench, server)]


def _cold_beside_reads(bench: Bench, server: Server) -> list[Figure]:
    """Tell whether reads are answered while a new name is asked for."""
    path = f"{server.target.cases}?{_query({'dob': '1950-01-01'})}&limit={LIMIT}"
    idle = _reads(bench, server)()
    beside = _reads(bench, server)
    time.sleep(0.8)
    _once_ms(server, path)
    busy = beside()
    line = figure("W8", "W11 c4 beside a cold filter", "p99 ms", busy.p99 * 1000)
    return [judged(line, ("idle p99", idle.p99 * 1000), "<=", 5.0)]


def _reads(bench: Bench, server: Server) -> load.Waiting:
    options = {"size": bench.options.size, "by": "case_id", "seed": 3}
    plan = load.Plan(
        target=server.target,
        source="points",
        options=options,
        connections=4,
        seconds=2.0,
        ready=1000,
    )
    return load.start(plan)


def _warm(bench: Bench, server: Server, paths: dict[str, list[str]]) -> list[Figure]:
    plain = [f"{server.target.cases}?limit={LIMIT}"]

    def floor() -> Readings:
        return {"page": page_p50(bench, server, plain).load.p50 * 1000}

    floors_read, results = bench.beside(
        floor,
        lambda: {
            (title, depth): _two_hundred(bench, server, path)
            for title, deep in paths.items()
            for depth, path in zip(walking.DEPTHS, deep, strict=False)
        },
    )
    figures: list[Figure] = []
    for (title, depth), result in results.items():
        case = f"{title} at {depth:.0%}"
        p50 = figure("W8", case, "p50 ms", result.p50 * 1000)
        p99 = figure("W8", case, "p99 ms", result.p99 * 1000)
        figures += [
            judged(p50, ("W6 n=100", floors_read["page"]), "<=", 2.0, 1.3),
            judged(p99, ("W6 n=100", floors_read["page"]), "<=", 4.0, 2.5),
        ]
    return figures


def _double_round(
    bench: Bench, server: Server, queries: dict[str, str]
) -> list[Figure]:
    plain = [f"{server.target.cases}?limit={LIMIT}"]
    floors_read, results = bench.beside(
        lambda: {"page": page_p50(bench, server, plain).load.p50 * 1000},
        lambda: {
            title: _two_hundred(bench, server, f"{server.target.cases}?{query}")
            for title, query in queries.items()
        },
    )
    figures: list[Figure] = []
    for title, result in results.items():
        p99 = figure("W8b", title, "p99 ms", result.p99 * 1000)
        figures += [
            figure("W8b", title, "p50 ms", result.p50 * 1000),
            judged(p99, ("W6 n=100", floors_read["page"]), "<=", 15.0, 6.0),
        ]
    return figures


def _count_round(bench: Bench, server: Server, queries: dict[str, str]) -> list[Figure]:
    def floor() -> Readings:
        plan = {"size": bench.options.size, "by": "case_id", "seed": 5}
        seconds = max(0.5, bench.options.seconds / 10)
        measured = bench.run(server, "points", seconds=seconds, warmup=0.2, **plan)
        return {"W11": measured.load.p50 * 1000}

    floors_read, results = bench.beside(
        floor,
        lambda: {
            title: _two_hundred(bench, server, f"{server.target.cases}?{query}")
            for title, query in queries.items()
        },
    )
    return [
        judged(
            figure("W9", title, "p50 ms", result.p50 * 1000),
            ("W11 c1", floors_read["W11"]),
            "<=",
            2.0,
            1.3,
        )
        for title, result in results.items()
    ]


def _two_hundred(bench: Bench, server: Server, path: str) -> load.Result:
    return bench.run(server, "paths", paths=[path], requests=REQUESTS).load


def _once_ms(server: Server, path: str) -> float:
    client = Client(server.target)
    client.call("GET", f"{server.target.cases}?limit=1")
    started = time.perf_counter()
    client.json("GET", path)
    took = (time.perf_counter() - started) * 1000
    client.close()
    return took


def _settle(bench: Bench, server: Server, path: str, *, limit_ms: float) -> float:
    """Ask until the answer is quick or time is up; return the seconds it took."""
    started = time.perf_counter()
    within = QUICKLY if bench.options.quick else SETTLE_WITHIN
    while (passed := time.perf_counter() - started) < within:
        if min(_once_ms(server, path) for _ in range(5)) <= limit_ms:
            break
        time.sleep(0.5)
    return passed
