"""H1: what a case with 1,000 forms was, and what each of them did to it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from bench import dataset, xforms
from bench.bare import floors
from bench.figures import Figure
from bench.harness import Bench, Round, figure, judged
from bench.http import Client
from bench.servers import Server

FORMS = 1000
MIDDLE = FORMS // 2
MARKS: Mapping[str, tuple[float, float]] = {
    "history": (8.0, 5.0),
    "as_of its last form": (4.0, 2.5),
    "as_of its middle": (4.0, 2.5),
    "why": (14.0, 8.0),
    "diff": (6.0, 4.0),
}


@contextmanager
def h1(bench: Bench) -> Iterator[Round]:
    """Tell the history of one case with 1,000 forms, and the case at two times."""
    bare = bench.databases.fresh("bare-h1")
    floors.keep_forms(bare, xforms.one_case_forms(FORMS))
    with bench.product("h1") as server:
        bench.run(server, "one_case", forms=FORMS)
        paths = _checked_paths(bench, server)
        yield lambda _: _round(bench, server, bare, paths)


def _checked_paths(bench: Bench, server: Server) -> dict[str, str]:
    """Return what is asked for; note when the product tells it wrong."""
    client = Client(server.target)
    case = f"{server.target.cases}{dataset.case_id(0)}/"
    steps = client.json("GET", f"{case}history/?limit={FORMS}")["history"]
    bench.expect("H1: entries of the history", len(steps), FORMS)
    middle, last = (steps[i]["appended_on"] for i in (MIDDLE, -1))
    then = client.json("GET", f"{case}?as_of={middle}")
    _expect_visit(bench, then, MIDDLE)
    now = client.json("GET", f"{case}?as_of={last}")
    bench.expect("H1: the case as of now", now, client.json("GET", case))
    client.close()
    return {
        "history": f"{case}history/?limit={FORMS}",
        "as_of its last form": f"{case}?as_of={last}",
        "as_of its middle": f"{case}?as_of={middle}",
        "why": f"{case}why/?property=visits",
        "diff": f"{case}diff/?from={middle}&to={last}",
    }


def _expect_visit(bench: Bench, case: dict[str, Any], number: int) -> None:
    wanted = {**dataset.properties(0, FORMS), **dataset.visit(number)}
    bench.expect(f"H1: as of form {number}", case["properties"], wanted)


def _round(
    bench: Bench, server: Server, bare: str, paths: dict[str, str]
) -> list[Figure]:
    requests = 5 if bench.options.quick else 20

    def subject() -> dict[str, float]:
        plan = {"requests": requests, "ready": requests}
        return {
            case: bench.run(server, "paths", paths=[path], **plan).load.p50 * 1000
            for case, path in paths.items()
        }

    read, took = bench.beside(lambda: {"bodies": floors.bodies_ms(bare)}, subject)
    bodies = ("bodies", read["bodies"])
    return [
        judged(figure("H1", case, "p50 ms", took[case]), bodies, "<=", *marks)
        for case, marks in MARKS.items()
    ]
