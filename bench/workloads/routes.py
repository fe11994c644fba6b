"""R1: what finding a route costs, wherever it stands and however many there are."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import orjson

from bench.figures import Figure
from bench.harness import Bench, Round, figure, judged

_TIMES = 20_000
_QUICK = 4_000


@contextmanager
def r1(bench: Bench) -> Iterator[Round]:
    """Find the first, a middle and the last route, also among five hundred more."""
    times = _QUICK if bench.options.quick else _TIMES

    def measured(_: int) -> list[Figure]:
        order = [sys.executable, "-m", "bench.resolving", str(times)]
        done = subprocess.run(order, capture_output=True, check=True)
        return [
            line
            for place, costs in orjson.loads(done.stdout).items()
            for line in _lines(place, costs)
        ]

    yield measured


def _lines(place: str, costs: dict[str, float]) -> Iterator[Figure]:
    today = figure("R1", place, "CPU us", costs["today"])
    yield judged(today, ("one route", costs["one"]), "<=", 2.0, 1.0)
    more = figure("R1", f"{place}, 500 more", "CPU us", costs["more"])
    yield judged(more, ("today", costs["today"]), "<=", 1.25, 1.1)
