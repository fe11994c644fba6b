"""G1: acts on the forms of one case with 5,000 of them, one by one and as one undo."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from bench import dataset, processes
from bench.figures import Figure
from bench.harness import Bench, Round, figure, judged
from bench.http import Client
from bench.servers import USERNAME, Server
from bench.workloads.undo import job_done

LONG, SHORT = 5000, 500
SHARE = 5
"""One form in so many is archived: a thousand of the long case."""
PAGE = 1000
GROWTH, REACH = 1.5, 1.2
"""What an act may cost on the long case, in multiples of one on the short case."""


@contextmanager
def g1(bench: Bench) -> Iterator[Round]:
    """Archive a thousand forms of a case one by one, and take that back at once."""
    with bench.product("g1-long") as one, bench.product("g1-short") as other:
        long, short = Subject(bench, one, LONG), Subject(bench, other, SHORT)
        yield lambda _: _round(short.measure(), long.measure())
        for subject in (long, short):
            subject.check()


@dataclass(frozen=True, slots=True)
class Costs:
    """What things cost with one case: milliseconds, and CPU of the server in µs."""

    history_ms: float
    act_ms: float
    act_cpu: float
    undo_ms: float
    undo_cpu: float


class Subject:
    """A server with one case, of which a form in five is archived and comes back."""

    def __init__(self, bench: Bench, server: Server, forms: int) -> None:
        self._bench = bench
        self._server = server
        self._forms = forms
        bench.run(server, "one_case", forms=forms)

    @property
    def _acts(self) -> int:
        return self._forms // SHARE

    def measure(self) -> Costs:
        """Archive and take back; return what an act cost, each way."""
        history = f"{self._case}history/?limit={PAGE}"
        read = self._bench.run(
            self._server, "paths", paths=[history], requests=5, ready=5
        )
        began = datetime.now(UTC)
        acts = self._bench.run(self._server, "archives", forms=self._forms, each=SHARE)
        ended = datetime.now(UTC) + timedelta(milliseconds=1)
        client = Client(self._server.target)
        before = processes.cpu_seconds(self._server.pid)
        wish = {
            "user_id": USERNAME,
            "from": began.isoformat(),
            "to": ended.isoformat(),
        }
        job, took = job_done(client, f"{self._server.target.ledger}undo/", wish)
        cpu = processes.cpu_seconds(self._server.pid) - before
        client.close()
        done = job["progress"]["done"]
        self._bench.expect("G1: forms that came back", done, self._acts)
        return Costs(
            history_ms=read.load.p50 * 1000,
            act_ms=acts.load.p50 * 1000,
            act_cpu=acts.cpu_micros(),
            undo_ms=took * 1000 / self._acts,
            undo_cpu=cpu * 1e6 / self._acts,
        )

    def check(self) -> None:
        """Note when the case did not come back as its forms make it."""
        client = Client(self._server.target)
        found = client.json("GET", self._case)["properties"]
        client.close()
        last = self._forms - 1
        wanted = {**dataset.properties(0, self._forms), **dataset.visit(last)}
        self._bench.expect("G1: the case, all back", found, wanted)

    @property
    def _case(self) -> str:
        return f"{self._server.target.cases}{dataset.case_id(0)}/"


def _round(short: Costs, long: Costs) -> list[Figure]:
    return [
        figure(
            "G1", f"{LONG:,} forms", f"history of {PAGE:,}, p50 ms", long.history_ms
        ),
        *_told("one by one", short.act_ms, long.act_ms, measure="p50 ms"),
        *_told("one by one", short.act_cpu, long.act_cpu, measure="CPU us/act"),
        *_told("as one undo", short.undo_ms, long.undo_ms, measure="ms/act"),
        *_told("as one undo", short.undo_cpu, long.undo_cpu, measure="CPU us/act"),
    ]


def _told(how: str, short: float, long: float, *, measure: str) -> Iterator[Figure]:
    """Yield a cost at both lengths, the long one in multiples of the short one."""
    few = f"{SHORT:,} forms, {how}"
    yield figure("G1", few, measure, short)
    reading = figure("G1", f"{LONG:,} forms, {how}", measure, long)
    yield judged(reading, ("short", short), "<=", GROWTH, REACH)
