"""E1: forms sent again with other contents, then the replay of a log that has them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from bench import dataset, prepare, processes
from bench.figures import Figure
from bench.harness import Bench, Measured, Round, figure, judged
from bench.http import Client
from bench.servers import DOMAIN, ROOT, Product, Server, program
from bench.workloads.rebuild import LESS, SHORT, replay
from bench.workloads.single import Written

CLIENTS = 8


@contextmanager
def e1(bench: Bench) -> Iterator[Round]:
    """Edit one form of L(100,000) in ten, then replay and verify the log."""
    size = LESS if bench.options.quick else SHORT
    name = prepare.kept_log(bench, size)
    plain = prepare.copy_of(bench, name)
    edits = Edits(bench, prepare.copy_of(bench, name, prefix="edited"), size)
    with bench.product("w1") as fresh:
        written = Written(bench, fresh)
        yield lambda _: [
            *_edited(bench, written, edits),
            *_replayed(bench, plain, edits),
        ]


class Edits:
    """A copy of L whose forms are edited again and again."""

    def __init__(self, bench: Bench, product: Product, size: int) -> None:
        self.product = product
        self.size = size
        self.entries = 0
        self._bench = bench
        self._edition = 0

    def send(self, server: Server) -> Measured:
        """Send the next edition of a tenth of the forms."""
        self._edition += 1
        before = position(server)
        measured = self._bench.run(
            server,
            "log_edits",
            connections=CLIENTS,
            size=self.size,
            edition=self._edition,
        )
        self.entries = position(server)
        grown, wanted = self.entries - before, len(dataset.log_edits(self.size))
        self._bench.expect("E1: entries of the edits", grown, wanted)
        return measured

    def verify(self) -> float:
        """Compare the read tables with the log; return the seconds it took."""
        argv = [*program(), "verify", "--domain", DOMAIN]
        env = self.product.environment
        wall, _, _, _ = processes.timed(argv, env=env, folder=ROOT)
        return wall


def position(server: Server) -> int:
    """Return how many entries the log has."""
    client = Client(server.target)
    head = client.json("GET", f"{server.target.ledger}head/")
    client.close()
    return int(head["position"])


def _edited(bench: Bench, written: Written, edits: Edits) -> list[Figure]:
    def floor() -> dict[str, float]:
        measured = written.run("forms", clients=CLIENTS, **bench.half())
        return {"W1": measured.load.rate}

    with edits.product.serving() as server:
        floors, measured = bench.beside(floor, lambda: edits.send(server))
    rate = figure("E1", f"c{CLIENTS}", "edits/s", measured.load.rate)
    return [
        judged(rate, ("W1", floors["W1"]), ">=", 0.40, 0.60),
        figure("E1", f"c{CLIENTS}", "p99 ms", measured.load.p99 * 1000),
        figure("E1", f"c{CLIENTS}", "CPU us each", measured.cpu_micros()),
    ]


def _replayed(bench: Bench, plain: Product, edits: Edits) -> list[Figure]:
    size = edits.size

    def floor() -> dict[str, float]:
        return {"plain": size / replay(plain, workers=1)[0]}

    floors, wall = bench.beside(floor, lambda: replay(edits.product, workers=1)[0])
    case = f"{edits.entries:,} entries"
    rate = figure("E1", case, "replayed/s", edits.entries / wall)
    verified = figure("E1", case, "verified/s", edits.entries / edits.verify())
    return [
        judged(rate, ("plain", floors["plain"]), ">=", 0.50, 0.75),
        judged(verified, ("replayed", rate.value), ">=", 0.40, 0.70),
    ]
