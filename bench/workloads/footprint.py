"""W14, W15, W16: memory, bytes, start and stop; and the kill that nothing survives.

The kill is the check of rules/design.md 6.2 and 6.4: every form that was answered is
there after a SIGKILL, once, and the read tables equal a rebuild.
"""

from __future__ import annotations

import os
import random
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from bench import checks, prepare, processes, xforms
from bench.figures import Figure
from bench.harness import Bench, Round, figure, judged
from bench.load import Plan, Result, start
from bench.servers import DOMAIN, ROOT, Product, Server

LOGGED = 100_000
KILLS = 3
STORED_BODIES = "select sum(length(body)) from bodies"
"""The one place where the bench knows a table of the product: no interface tells."""
DEPENDENCIES = (
    "aiohttp",
    "alembic",
    "argon2",
    "click",
    "jinja2",
    "lxml.etree",
    "multipart",
    "openpyxl",
    "orjson",
    "prometheus_client",
    "psycopg",
    "sqlalchemy",
    "structlog",
    "uvloop",
    "xmlschema",
)


@contextmanager
def w14(bench: Bench) -> Iterator[Round]:
    """Read the high-water mark of the product's memory at rest and at work."""
    kept = prepare.kept_cases(bench, bench.options.size)

    def one_round(_: int) -> list[Figure]:
        with bench.product("w14") as server:
            checks.case_count(server)
            figures = _idle(server)
            figures.append(
                _while(bench, server, "forms", case="W1 c128", clients=128, goal=200)
            )
            figures.append(
                _while(bench, server, "bulk_creates", case="W2 c8", clients=8, goal=200)
            )
        with prepare.product_of(bench, kept).serving() as server:
            figures.append(
                _while(bench, server, "paths", case="8 x n=5000", clients=8, goal=300)
            )
        return figures

    yield one_round


def _idle(server: Server) -> list[Figure]:
    """Return the mark of the largest process, its start included, and without it."""
    members = processes.tree(server.pid)
    most = max(processes.own_high_water_mb(member) for member in members)
    line = figure("W14", "idle, each process", "peak MB", most)
    now = processes.resident_mb(server.pid)
    return [
        judged(line, ("110 MB", 110.0), "<=", 1.0, 80 / 110),
        figure("W14", "idle, all processes", "MB now", now),
    ]


def _while(
    bench: Bench, server: Server, source: str, *, case: str, clients: int, goal: float
) -> Figure:
    plans: dict[str, dict[str, object]] = {
        "forms": {"start": bench.numbers()},
        "bulk_creates": {"start": bench.numbers(), "requests": 100},
        "paths": {"paths": [f"{server.target.cases}?limit=5000"]},
    }
    processes.reset_high_water(server.pid)
    timing = {} if source == "bulk_creates" else {"seconds": bench.options.seconds}
    bench.run(server, source, connections=clients, **timing, **plans[source])
    peak = processes.high_water_mb(server.pid)
    return judged(
        figure("W14", case, "peak MB", peak), (f"{goal:.0f} MB", goal), "<=", 1.0
    )


@contextmanager
def w15(bench: Bench) -> Iterator[Round]:
    """Weigh the database behind L(100,000), compacted, against the raw XML."""
    size = 20_000 if bench.options.quick else LOGGED
    name = prepare.kept_log(bench, size)
    scratch = prepare.scratch_of(bench, name)
    bench.databases.compact(scratch)
    raw = float(xforms.log_bytes(size))
    marks = (1.0, 0.75) if bench.on_sqlite else (1.4, 1.0)

    def one_round(_: int) -> list[Figure]:
        total = float(bench.databases.size(scratch))
        bodies = float(str(bench.databases.scalar(scratch, STORED_BODIES)))
        case = f"L({size:,})"
        return [
            judged(figure("W15", case, "bytes", total), ("raw", raw), "<=", *marks),
            judged(
                figure("W15", f"{case} bodies", "bytes", bodies),
                ("raw", raw),
                "<=",
                0.20,
                0.15,
            ),
            figure("W15", case, "bytes a form", total / size),
        ]

    yield one_round


@contextmanager
def w16(bench: Bench) -> Iterator[Round]:
    """Start over D(size) and an empty ledger; stop during W1."""
    kept = prepare.product_of(bench, prepare.kept_cases(bench, bench.options.size))
    written = Product(bench.databases.fresh("w16"))
    written.create()

    def one_round(_: int) -> list[Figure]:
        floors, took = bench.beside(
            lambda: {"imports": _imports_ms()}, lambda: _start_ms(kept)
        )
        stop = figure("W16", "stop during W1 c32", "ms", _stop_ms(bench, written))
        return [
            judged(
                figure("W16", f"start over D({bench.options.size:,})", "ms", took),
                ("imports", floors["imports"]),
                "<=",
                3.0,
                1.8,
            ),
            judged(stop, ("2 s", 2000.0), "<=", 1.0),
        ]

    yield one_round


@contextmanager
def kill(bench: Bench) -> Iterator[Round]:
    """Kill the server under W1, look for every answered form, verify the log."""
    product = Product(bench.databases.fresh("kill"))
    product.create()

    def one_round(_: int) -> list[Figure]:
        lost = sum(_kill_once(bench, product) for _ in range(KILLS))
        product.command("verify", "--domain", DOMAIN)
        return [figure("KILL", f"{KILLS} kills under W1 c32", "forms lost", lost)]

    yield one_round


def _imports_ms() -> float:
    statement = "import " + ", ".join(DEPENDENCIES)
    argv = [sys.executable, "-c", statement]
    wall, _, _, _ = processes.timed(argv, env=dict(os.environ), folder=ROOT)
    return wall * 1000


def _start_ms(product: Product) -> float:
    started = time.perf_counter()
    server = product.start()
    server.wait()
    took = (time.perf_counter() - started) * 1000
    server.stop()
    return took


def _stop_ms(bench: Bench, product: Product) -> float:
    first = bench.numbers()
    server = product.start()
    server.wait()
    waiting = start(_writing(server, first))
    time.sleep(3.0)
    started = time.perf_counter()
    code = server.stop()
    took = (time.perf_counter() - started) * 1000
    result = waiting()
    bench.expect("W16: exit code of a stopped server", code, 0)
    if result.failed:
        bench.complain(f"W16: {result.failed} requests cut off: {result.first_failure}")
    _expect_answered(bench, product, result, what="W16")
    return took


def _kill_once(bench: Bench, product: Product) -> int:
    server = product.start()
    server.wait()
    waiting = start(_writing(server, bench.numbers()))
    time.sleep(1.5 + 2 * random.random())
    server.kill()
    return _expect_answered(bench, product, waiting(), what="KILL")


def _writing(server: Server, first: int) -> Plan:
    return Plan(
        target=server.target,
        source="forms",
        options={"start": first},
        connections=32,
        seconds=30,
        ready=4000,
        keep_ordinals=True,
    )


def _expect_answered(
    bench: Bench, product: Product, result: Result, *, what: str
) -> int:
    with product.serving() as server:
        checks.expect_content(bench, server, result.ordinals, what=what)
        found = checks.fetch(server, result.ordinals)
    return sum("error" in case for case in found)
