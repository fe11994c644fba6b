"""F1: the change feed, read from the first entry of a log to the last."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import orjson

from bench import prepare, processes
from bench.bare import floors
from bench.figures import Figure
from bench.harness import Bench, Readings, Round, figure, judged
from bench.http import Client
from bench.servers import Server
from bench.workloads.rebuild import LESS, SHORT

LIMIT = 1000


@contextmanager
def f1(bench: Bench) -> Iterator[Round]:
    """Read the feed of L(100,000), 1,000 entries a page."""
    size = LESS if bench.options.quick else SHORT
    name = prepare.kept_log(bench, size)
    bare = prepare.kept_bare_log(bench, size)
    with prepare.product_of(bench, name).serving() as server:
        yield lambda _: _round(bench, server, bare, size)


def _round(bench: Bench, server: Server, bare: str, size: int) -> list[Figure]:
    times = 1 if bench.options.quick else 3

    def floor() -> Readings:
        return {
            "bodies": size * 1000 / floors.bodies_ms(bare, times=times),
            "rows": floors.rows_rate(bare, limit=LIMIT),
        }

    read, (rate, cpu) = bench.beside(floor, lambda: _follow(bench, server, size))
    line = figure("F1", f"n={LIMIT}", "entries/s", rate)
    return [
        judged(line, ("bodies", read["bodies"]), ">=", 0.25, 0.40),
        judged(line, ("rows", read["rows"]), ">=", None),
        figure("F1", f"n={LIMIT}", "CPU us/entry", cpu),
    ]


def _follow(bench: Bench, server: Server, size: int) -> tuple[float, float]:
    """Return entries per second and CPU us an entry; note what the feed leaves out."""
    before = processes.cpu_seconds(server.pid)
    took, count, cases, forms = 0.0, 0, 0, 0
    for seconds, changes in _pages(server):
        took += seconds
        places = [change["position"] for change in changes]
        wanted = list(range(count + 1, count + 1 + len(changes)))
        bench.expect("F1: positions of a page", places[:1], wanted[:1])
        bench.expect("F1: gaps in a page", sum(map(_differ, places, wanted)), 0)
        count += len(changes)
        forms += sum(change["kind"] == "normal" for change in changes)
        cases += sum(len(change["case_ids"]) for change in changes)
    bench.expect("F1: forms in the feed", forms, size)
    bench.expect("F1: cases that they changed", cases, size)
    cpu = processes.cpu_seconds(server.pid) - before
    return count / took, cpu * 1e6 / count


def _pages(server: Server) -> Iterator[tuple[float, list[dict[str, Any]]]]:
    """Yield how long each page took and its entries, until the log has no more."""
    client = Client(server.target)
    cursor, more = "", True
    while more:
        path = f"{server.target.ledger}changes/?limit={LIMIT}&after={cursor}"
        started = time.perf_counter()
        status, body = client.call("GET", path)
        seconds = time.perf_counter() - started
        if status != 200:
            raise RuntimeError(f"GET {path}: {status} {body[:300]!r}")
        page = orjson.loads(body)
        yield seconds, page["changes"]
        cursor, more = page["cursor"], page["more"]
    client.close()


def _differ(one: int, other: int) -> bool:
    return one != other
