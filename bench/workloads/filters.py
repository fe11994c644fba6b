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
SETTLE_WITHIN = 120.0
REQUESTS = 200


@contextmanager
def w8(bench: Bench) -> Iterator[Round]:
    """Filter by one property: first request ever, then warm at three depths."""
    size = bench.options.size
    name, bare_url = prepare.kept_cases(bench, size), prepare.kept_bare_cases(bench, size)
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
            _settle(server, f"{server.target.cases}?{query}", limit_ms=20.0)
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
            _settle(server, f"{server.target.cases}?{query}", limit_ms=5.0)
        yield lambda _: _count_round(bench, server, queries)


def single_filters(size: int) -> list[tuple[str, str]]:
    """Return the six filters of section 3, the dearest walk first."""
    return [
        ("phone", dataset.properties(size - 10, size)["phone"]),
        ("batch", "b97"),
        ("state", "bihar"),
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
    idle = _points(bench, server, seconds=1.0)()
    figures: list[Figure] = []
    asked: set[str] = set()
    for key, value in wanted:
        path = f"{server.target.cases}?{_query({key: value})}&limit={LIMIT}"
        beside = _points(bench, server, seconds=2.0) if not asked else None
        time.sleep(0.7 if beside else 0.0)
        took = _once(server, path)
        if key not in asked:
            walk = floors.filter_walk_ms(bare_url, key, value) if beside is None else (
                0.0
            )
            figures += _cold_figures(bench, f"{key}={value}", took, walk)
        if beside is not None:
            busy = beside()
            line = figure("W8", "W11 beside a cold filter", "p99 ms", busy.p99 * 1000)
            figures.append(judged(line, ("idle p99", idle.p99 * 1000), "<=", 5.0))
        asked.add(key)
        settled = _settle(server, path, limit_ms=5.0)
        figures.append(figure("W8", f"{key}={value}", "warm after s", settled))
    return figures
