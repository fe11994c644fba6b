"""G1: how long a right password waits while others guess without pause."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from ipaddress import IPv4Address
from itertools import count, islice

from bench import load
from bench.figures import Figure
from bench.harness import Bench, Readings, Round, figure, judged
from bench.http import Client, basic
from bench.servers import DOMAIN, PASSWORD, Product, Server

ATTACKERS = 32
LONGEST = 1000.0
"""For how many milliseconds a log-in may wait at most."""
LEAD = 3.0
"""For how many seconds the attackers guess before the first log-in, and after it."""
RIGHT, GUESSED = "right@example.org", "guessed@example.org"
ENOUGH = 4 * ATTACKERS
"""Wrong passwords that are more than any limit of an account lets through."""
MARKS = {"p50 ms": (4.0, 3.0), "p95 ms": (6.0, 4.0)}
"""Goal and reach of what is told in multiples of the same log-in when nobody guesses.

One that is there already has to end, and another one is verified beside it.
"""


@contextmanager
def g1(bench: Bench) -> Iterator[Round]:
    """Log in again and again beside 32 attackers: elsewhere, at one address, by name.

    The attackers never guess the user's name, but in the last case.
    """
    product = Product(bench.databases.fresh("g1"))
    product.create()
    for name in (RIGHT, GUESSED):
        words = ("user", "create", name, "--domain", DOMAIN, "--role", "admin")
        product.command(*words, "--password", PASSWORD)
    with product.serving() as server:
        scene = Scene(bench, server)
        yield lambda _: [line for case in CASES for line in _round(scene, case)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What the attackers do, and who logs in meanwhile.

    ``of`` is whose password they guess, by default that of a made-up name each time.
    """

    told: str
    sites: int
    name: str = RIGHT
    of: str | None = None


CASES = (
    Case(told="from 32 addresses", sites=ATTACKERS),
    Case(told="from one address", sites=1),
    Case(told="his name, refused", sites=ATTACKERS, name=GUESSED, of=GUESSED),
)


class Scene:
    """A server, and addresses of the loopback that it has not seen yet."""

    def __init__(self, bench: Bench, server: Server) -> None:
        self.bench = bench
        self._server = server
        self._fresh = (str(IPv4Address("127.1.0.1") + n) for n in count())
        self._home = next(self._fresh)
        self._written = count()

    def waits(self, case: Case, *, seconds: float) -> list[float]:
        """Log in for so many seconds; return what each took in ms, the fastest first.

        An account that is guessed at is open where its user logged in well before, any
        other one wherever it was never seen.
        """
        found: list[float] = []
        ends = time.perf_counter() + seconds
        while not found or time.perf_counter() < ends:
            address = next(self._fresh) if case.of is None else self._home
            found.append(self.log_in(case.name, address))
        return sorted(found)

    def log_in(self, name: str, address: str) -> float:
        """Return for how many ms a log-in waited, over a connection of its own.

        The server remembers what was right by how the header is written. So it is
        written otherwise each time, and the password verified each time.
        """
        blanks = " " * next(self._written)
        header = basic(name, PASSWORD).replace(" ", f" {blanks}")
        target = replace(self._server.target, authorization=header)
        started = time.perf_counter()
        client = Client(target, address=address)
        status, _ = client.call("GET", f"{target.cases}?limit=1")
        took = time.perf_counter() - started
        client.close()
        self.bench.expect("G1: answer to a right password", status, 200)
        return took * 1000

    def use_up(self, case: Case) -> None:
        """Guess until the account has had as many wrong passwords as it may have."""
        self.log_in(case.name, self._home)
        plan = self._plan(case, options={"name": case.of, "requests": ENOUGH})
        self._guessed(load.run(plan))

    def beside_attackers(self, case: Case) -> tuple[list[float], float]:
        """Return the waits while they guess, and how many guesses are answered a s."""
        seconds = self.bench.options.seconds
        plan = self._plan(case, options={"name": case.of}, ready=1000)
        attack = load.start(replace(plan, seconds=seconds + LEAD, warmup=LEAD))
        time.sleep(LEAD)
        waits = self.waits(case, seconds=seconds)
        return waits, self._guessed(attack()).rate

    def _plan(self, case: Case, **rest: object) -> load.Plan:
        return load.Plan(
            target=self._server.target,
            source="guesses",
            connections=ATTACKERS,
            addresses=list(islice(self._fresh, case.sites)),
            wanted="4",
            **rest,  # type: ignore[arg-type]
        )

    def _guessed(self, result: load.Result) -> load.Result:
        if result.failed:
            text = f"G1: {result.failed} guesses: {result.first_failure[:300]}"
            self.bench.complain(text)
        return result


def _round(scene: Scene, case: Case) -> list[Figure]:
    half = scene.bench.options.seconds / 2
    if case.of is not None:
        scene.use_up(case)

    def floor() -> Readings:
        return {"alone": _share(scene.waits(case, seconds=half), 0.5)}

    floors, (waits, rate) = scene.bench.beside(
        floor, lambda: scene.beside_attackers(case)
    )
    alone = ("alone", floors["alone"])
    told = {"p50 ms": _share(waits, 0.50), "p95 ms": _share(waits, 0.95)}
    longest = figure("G1", case.told, "longest ms", waits[-1])
    return [
        *(
            judged(figure("G1", case.told, measure, wait), alone, "<=", *MARKS[measure])
            for measure, wait in told.items()
        ),
        judged(longest, alone, "<=", None),
        judged(longest, ("a second", LONGEST), "<=", 1.0, 0.5),
        figure("G1", case.told, "guesses/s", rate),
    ]


def _share(waits: list[float], share: float) -> float:
    return load.percentile(waits, share)
