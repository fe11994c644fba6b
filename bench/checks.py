"""Whether the product holds what it should after a workload (rules/design.md 6.4)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from bench import dataset
from bench.bare.rows import batched
from bench.harness import Bench
from bench.http import Client
from bench.servers import Server
from bench.sources import SIZE

AT_ONCE = 5000


def case_count(server: Server) -> int:
    """Return how many cases the product says it has."""
    client = Client(server.target)
    answer = client.json("GET", f"{server.target.cases}?limit=1")
    client.close()
    return int(answer["matching_records"])


def expect_cases(bench: Bench, server: Server, expected: int, *, what: str) -> None:
    """Note when the number of cases is not the expected one."""
    bench.expect(f"{what}: cases", case_count(server), expected)


def fetch(server: Server, numbers: Iterable[int], *, by: str = "case_ids") -> list[Any]:
    """Return the cases of some numbers, by their ids, 5,000 a request."""
    name = dataset.case_id if by == "case_ids" else dataset.external_id
    client = Client(server.target)
    found: list[Any] = []
    for batch in batched(numbers, AT_ONCE):
        body = {by: [name(i) for i in batch]}
        path = f"{server.target.cases}bulk-fetch/"
        found += client.json("POST", path, body)["cases"]
    client.close()
    return found


def expect_content(
    bench: Bench,
    server: Server,
    numbers: list[int],
    *,
    what: str,
    by: str = "case_ids",
    properties: Callable[[int], dict[str, str]] | None = None,
) -> None:
    """Note when a case is missing or has other properties than its number says."""
    wanted = properties or (lambda i: dataset.properties(i, SIZE))
    wrong = [
        i
        for i, case in zip(numbers, fetch(server, numbers, by=by), strict=True)
        if case.get("properties") != wanted(i)
    ]
    if wrong:
        bench.complain(
            f"{what}: {len(wrong)} of {len(numbers)} differ, first {wrong[0]}"
        )
