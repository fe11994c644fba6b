"""A1: how long a right password waits while others guess without pause."""

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
LEAD = 1.0
"""For how many seconds the attackers guess before the first log-in, and after it."""
RIGHT, GUESSED = "right@example.org", "guessed@example.org"
MARKS = {"p50 ms": (4.0, 2.5), "p95 ms": (5.0, 3.0)}
"""Goal and reach of what is told in multiples of the same log-in when nobody guesses.

A guess is verified beside it; when 32 begin, one of theirs has to end before.
"""


@contextmanager
def a1(bench: Bench) -> Iterator[Round]:
    """Log in again and again beside 32 attackers, who guess in several manners."""
    product = Product(bench.databases.fresh("a1"))
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

    ``opening`` is how many guesses they have made when it begins. ``of`` is whose
    password they guess, by default that of a made-up name each time. The user logs in
    ``at_home``, where that went well before, or at a new address each time.
    """

    told: str
    opening: int
    sites: int = ATTACKERS
    name: str = RIGHT
    of: str | None = None
    at_home: bool = False
    promised: bool = True


CASES = (
    Case(told="32 addresses", opening=ATTACKERS),
    Case(told="one address", opening=1, sites=1),
    # More than an account may have, so that no further one is looked at.
    Case(
        told="at his name, refused",
        opening=4 * ATTACKERS,
        name=GUESSED,
        of=GUESSED,
        at_home=True,
    ),
    Case(told="32 begin, at home", opening=0, at_home=True),
    # Nothing tells the user from those who have not failed yet.
    Case(told="32 begin, elsewhere", opening=0, promised=False),
)


class Scene:
    """A server, and addresses of the loopback that it has not seen yet."""

    def __init__(self, bench: Bench, server: Server) -> None:
        self.bench = bench
        self._server = server
        self._fresh = (str(IPv4Address("127.1.0.1") + n) for n in count())
        self._home = next(self._fresh)
        self._ways = count()

    def waits(self, case: Case, *, seconds: float) -> list[float]:
        """Log in for so many seconds; return what each took in ms, sorted."""
        found: list[float] = []
        ends = time.perf_counter() + seconds
        while not found or time.perf_counter() < ends:
            address = self._home if case.at_home else next(self._fresh)
            found.append(self.log_in(case.name, address))
        return sorted(found)

    def log_in(self, name: str, address: str) -> float:
        """Return for how many ms a log-in waited, over a connection of its own.

        The server remembers what was right by how the header is written. So it is
        written otherwise each time, and the password verified each time.
        """
        header = written(basic(name, PASSWORD), next(self._ways))
        target = replace(self._server.target, authorization=header)
        started = time.perf_counter()
        client = Client(target, address=address)
        status, _ = client.call("GET", f"{target.cases}?limit=1")
        took = time.perf_counter() - started
        client.close()
        self.bench.expect("A1: answer to a right password", status, 200)
        return took * 1000

    def beside_attackers(self, case: Case) -> tuple[list[float], float]:
        """Return the waits while they guess, and how many guesses are answered a s."""
        seconds = self.bench.options.seconds
        plan = load.Plan(
            target=self._server.target,
            source="guesses",
            options={"name": case.of},
            connections=ATTACKERS,
            ready=1000,
            wanted="4",
            addresses=list(islice(self._fresh, case.sites)),
        )
        self._open(plan, case)
        attack = load.start(replace(plan, seconds=seconds + LEAD, warmup=LEAD))
        time.sleep(0 if case.opening == 0 else LEAD)
        waits = self.waits(case, seconds=seconds)
        return waits, self._guessed(attack()).rate

    def _open(self, plan: load.Plan, case: Case) -> None:
        """Make the first guesses, which no log-in waits for."""
        self.log_in(case.name, self._home)
        if case.opening:
            options = {**plan.options, "requests": case.opening}
            self._guessed(load.run(replace(plan, options=options)))

    def _guessed(self, result: load.Result) -> load.Result:
        if result.failed:
            text = f"A1: {result.failed} guesses: {result.first_failure[:300]}"
            self.bench.complain(text)
        return result


def written(header: str, way: int) -> str:
    """Return a header that says the same, written in one of very many ways."""
    scheme, _, value = header.partition(" ")
    blanks, capitals = divmod(way, 2 ** len(scheme))
    letters = [
        letter.upper() if capitals >> place & 1 else letter.lower()
        for place, letter in enumerate(scheme)
    ]
    return "".join([*letters, " " * (blanks + 1), value])


def _round(scene: Scene, case: Case) -> list[Figure]:
    half = scene.bench.options.seconds / 2

    def floor() -> Readings:
        return {"alone": load.percentile(scene.waits(case, seconds=half), 0.5)}

    floors, (waits, rate) = scene.bench.beside(
        floor, lambda: scene.beside_attackers(case)
    )
    return [
        *_judged(case, waits, ("alone", floors["alone"])),
        figure("A1", case.told, "guesses/s", rate),
    ]


def _judged(
    case: Case, waits: list[float], alone: tuple[str, float]
) -> Iterator[Figure]:
    shares = {"p50 ms": 0.50, "p95 ms": 0.95}
    for measure, share in shares.items():
        line = figure("A1", case.told, measure, load.percentile(waits, share))
        marks = MARKS[measure] if case.promised else (None, None)
        yield judged(line, alone, "<=", *marks)
    longest = figure("A1", case.told, "longest ms", waits[-1])
    yield judged(longest, alone, "<=", None)
    marks = (1.0, 0.5) if case.promised else (None, None)
    yield judged(longest, ("a second", LONGEST), "<=", *marks)
