"""What every workload is given: databases, servers, loads, readings beside floors."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

import orjson

from bench import load, processes, servers, units
from bench.databases import Databases
from bench.figures import Bound, Figure
from bench.http import Target
from bench.servers import Product, Server

Readings = dict[str, float]
Subject = TypeVar("Subject")
Round = Callable[[int], list[Figure]]
TOLERANCE = 1.25
"""How far two readings of a unit may lie apart before the round is repeated."""
APART = 1_000_000
"""How many numbers of cases each run of a workload has to itself."""
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How long and how thoroughly to measure."""

    size: int = 100_000
    rounds: int = 5
    seconds: float = 10.0
    warmup: float = 2.0
    repeats: int = 3
    quick: bool = False
    long_log: bool = False


@dataclass(frozen=True, slots=True)
class Measured:
    """A load's result with the CPU that it cost the server and the database."""

    load: load.Result
    cpu: float
    database_cpu: float

    def cpu_micros(self, *, each: int = 1) -> float:
        """Return the server's CPU microseconds per unit of work."""
        return self.cpu * 1e6 / max(1, self.load.total * each)


@dataclass
class Bench:
    """One kind of database, its options, and what was noticed on the way."""

    databases: Databases
    options: Options
    problems: list[str] = field(default_factory=list)
    facts: dict[str, float] = field(default_factory=dict)
    _number: int = 0

    @property
    def kind(self) -> str:
        """Return ``sqlite`` or ``postgresql``."""
        return self.databases.kind

    @property
    def on_sqlite(self) -> bool:
        """Tell whether this is SQLite."""
        return self.kind == "sqlite"

    def numbers(self) -> int:
        """Return the first of a million case numbers nobody else uses."""
        self._number += APART
        return self._number

    def complain(self, text: str) -> None:
        """Note that something came out wrong; the report names it."""
        log.warning(text)
        self.problems.append(f"{self.kind}: {text}")

    def expect(self, what: str, found: object, expected: object) -> None:
        """Note when a check after a workload does not hold."""
        if found != expected:
            self.complain(f"{what}: {found} instead of {expected}")

    def run(self, server: Server, source: str, **plan: Any) -> Measured:
        """Run a load against a server, counting what it costs."""
        made = _plan(server.target, source, plan)
        before = self._cpu(server)
        result = load.run(made)
        after = self._cpu(server)
        if result.failed:
            failure = result.first_failure.replace("\r\n", " ")[:300]
            self.complain(f"{source}: {result.failed} requests failed: {failure}")
        if not result.measured:
            raise RuntimeError(f"{source}: no request was answered in time")
        return Measured(result, after[0] - before[0], after[1] - before[1])

    def timed(self, server: Server, source: str, **plan: Any) -> Measured:
        """Run a load for the time of one measurement."""
        options = self.options
        timing = {"seconds": options.seconds, "warmup": options.warmup}
        return self.run(server, source, **{**timing, **plan})

    def beside(
        self, floor: Callable[[], Readings], subject: Callable[[], Subject]
    ) -> tuple[Readings, Subject]:
        """Measure the floors, the subject, the floors again; return their means.

        Repeated while the readings of any floor lie too far apart.
        """
        for _ in range(self.options.repeats):
            before, result, after = floor(), subject(), floor()
            if all(_close(before[name], after[name]) for name in before):
                break
        else:
            log.info("floors kept apart: %s, %s", before, after)
        return {name: (before[name] + after[name]) / 2 for name in before}, result

    def hello_rate(self, hello: Server) -> float:
        """Return unit H."""
        return units.hello_rate(hello, seconds=1.0 if self.options.quick else 3.0)

    def half(self) -> dict[str, float]:
        """Return the timing of a floor, which is measured twice a round."""
        options = self.options
        return {"seconds": options.seconds / 2, "warmup": options.warmup / 2}

    @contextmanager
    def bare(
        self, name: str, *, workers: int = 1, obliged: bool = False
    ) -> Iterator[Server]:
        """Run the bare pipeline, or B+, over a fresh database."""
        url = self.databases.fresh(name)
        with servers.bare(url, workers=workers, obliged=obliged) as server:
            yield server

    @contextmanager
    def product(self, name: str, *, workers: int = 1) -> Iterator[Server]:
        """Run the product over a fresh database with a domain in it."""
        product = Product(self.databases.fresh(name))
        product.create()
        with product.serving(workers=workers) as server:
            yield server

    def _cpu(self, server: Server) -> tuple[float, float]:
        pid = self.databases.server_pid
        database = processes.cpu_seconds(pid) if pid else 0.0
        return processes.cpu_seconds(server.pid), database


def figure(workload: str, case: str, measure: str, value: float, **rest: Any) -> Figure:
    """Return a figure told for information, or with the floor that is given."""
    return Figure(workload=workload, case=case, measure=measure, value=value, **rest)


def judged(
    reading: Figure,
    floor: tuple[str, float],
    bound: Bound,
    goal: float | None,
    reach: float | None = None,
) -> Figure:
    """Return a figure with its floor and its bounds (rules/design.md 6.1)."""
    name, value = floor
    return replace(
        reading, floor_name=name, floor=value, bound=bound, goal=goal, reach=reach
    )


def save_json(path: Path, value: object) -> None:
    """Write a JSON file that a person can read."""
    path.write_bytes(orjson.dumps(value, option=orjson.OPT_INDENT_2))


def _plan(target: Target, source: str, plan: dict[str, Any]) -> load.Plan:
    names = set(load.Plan.__slots__)
    options = {name: value for name, value in plan.items() if name not in names}
    known = {name: value for name, value in plan.items() if name in names}
    return load.Plan(target=target, source=source, **{"options": options, **known})


def _close(one: float, other: float) -> bool:
    low, high = sorted((one, other))
    return high <= low * TOLERANCE
