"""W5: all read tables anew from the log, the server stopped."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from bench import prepare, processes
from bench.figures import Figure
from bench.harness import Bench, Readings, Round, figure, judged
from bench.servers import DOMAIN, ROOT, Product, program

SHORT, LONG = 100_000, 1_000_000
QUICK = 20_000
LESS = 10_000
"""What the other workloads over L take when they are quick."""


@contextmanager
def w5(bench: Bench) -> Iterator[Round]:
    """Replay L(100,000) with one and with two workers, and L(1,000,000) if asked."""
    short = QUICK if bench.options.quick else SHORT
    sizes = [short, LONG] if bench.options.long_log else [short]
    products = {
        size: prepare.copy_of(bench, prepare.kept_log(bench, size)) for size in sizes
    }
    bare = prepare.kept_bare_log(bench, short)

    def one_round(_: int) -> list[Figure]:
        figures = _short_round(bench, products[short], bare, short)
        if bench.options.long_log:
            figures += _long_figures(products[LONG], figures[0].value)
        return figures

    yield one_round
    products[short].command("verify", "--domain", DOMAIN)


def _short_round(bench: Bench, product: Product, bare: str, size: int) -> list[Figure]:
    def floor() -> Readings:
        argv = [sys.executable, "-m", "bench.bare", "replay", "--db", bare]
        wall, _, _, _ = processes.timed(argv, env=dict(os.environ), folder=ROOT)
        return {"B": size / wall}

    floors, one = bench.beside(floor, lambda: replay(product, workers=1))
    two = replay(product, workers=2)
    case = f"{size:,}"
    rate = figure("W5", f"{case}, 1 worker", "forms/s", size / one[0])
    rate_two = figure("W5", f"{case}, 2 workers", "forms/s", size / two[0])
    return [
        judged(rate, ("B", floors["B"]), ">=", 0.50, 0.75),
        judged(rate_two, ("1 worker", rate.value), ">=", 1.0, 1.4),
        figure("W5", f"{case}, 1 worker", "CPU us/form", one[1] * 1e6 / size),
        _memory(case, one[2]),
    ]


def _long_figures(product: Product, short: float) -> list[Figure]:
    wall, _, peak = replay(product, workers=1)
    slower = figure("W5", "1M : 100k", "us/form", wall * 1e6 / LONG)
    return [
        figure("W5", f"{LONG:,}, 1 worker", "forms/s", LONG / wall),
        judged(slower, ("100k", 1e6 / short), "<=", 1.15),
        _memory(f"{LONG:,}", peak),
    ]


def _memory(case: str, peak: float) -> Figure:
    return judged(
        figure("W14", f"W5 {case}", "peak MB", peak),
        ("600 MB", 600.0),
        "<=",
        1.0,
        0.583,
    )


def replay(product: Product, *, workers: int) -> tuple[float, float, float]:
    """Rebuild everything; return wall seconds, CPU seconds and peak MB."""
    argv = [*program(), "replay", "--domain", DOMAIN, "--workers", str(workers)]
    wall, cpu, peak, _ = processes.timed(argv, env=product.environment, folder=ROOT)
    return wall, cpu, peak
