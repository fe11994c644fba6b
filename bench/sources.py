"""What the load generator sends: one function per kind of workload, by name.

A source yields groups of finished requests without end, or until its count is spent.
The number of a request (``first`` and upwards) tells which case it is about, so that
what was answered can be looked up afterwards.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import count, cycle
from random import Random

import orjson

from bench import dataset, xforms
from bench.http import XML, Target, basic, multipart, request

SIZE = 1_000_000
"""The N of cases that are made up on the way; only their ``batch`` depends on it."""


@dataclass(frozen=True, slots=True)
class Group:
    """Requests that go over one connection in order, numbered from ``first``."""

    first: int
    requests: list[bytes]


def forms(target: Target, *, start: int) -> Iterator[Group]:
    """Yield W1: one-case forms by fours, a household and its three patients."""
    for first in count(start, 4):
        numbers = range(first, first + 4)
        yield Group(
            first, [_form(target, xforms.create_form(i, SIZE)) for i in numbers]
        )


def spread_forms(target: Target, *, start: int, domains: list[str]) -> Iterator[Group]:
    """Yield as W1 does, each family to the next one of some domains."""
    targets = cycle([replace(target, domain=name) for name in domains])
    for group_target, first in zip(targets, count(start, 4), strict=False):
        yield next(forms(group_target, start=first))


def multipart_forms(target: Target, *, start: int) -> Iterator[Group]:
    """Yield W1m: as W1, wrapped as a device does."""
    for first in count(start, 4):
        bodies = [
            multipart(xforms.create_form(i, SIZE)) for i in range(first, first + 4)
        ]
        yield Group(
            first,
            [
                request(
                    target,
                    "POST",
                    target.receiver,
                    body=body,
                    content_type=content_type,
                )
                for body, content_type in bodies
            ],
        )


def single_creates(target: Target, *, start: int) -> Iterator[Group]:
    """Yield W1j: one case object a request; patients point by external id."""
    for first in count(start, 4):
        rows = [_single(i) for i in range(first, first + 4)]
        yield Group(first, [_json(target, "POST", target.cases, row) for row in rows])


def single_updates(target: Target, *, size: int, seed: int) -> Iterator[Group]:
    """Yield W1u: three properties of a random case of D(``size``)."""
    random = Random(seed)
    for number in count(seed):
        i = random.randrange(size)
        path = f"{target.cases}{dataset.case_id(i)}"
        body = {"properties": dataset.visit(number)}
        yield Group(i, [_json(target, "PUT", path, body)])


def bulk_creates(
    target: Target, *, start: int, requests: int, rows: int = 100
) -> Iterator[Group]:
    """Yield W2: a hundred creates a request, 75 pointing to one of the other 25."""
    for block in dataset.blocks_of(requests * rows, length=rows, start=start):
        body = [dataset.create_change(i, SIZE) for i in block]
        yield Group(block[0], [_json(target, "POST", target.cases, body)])


def bulk_updates(
    target: Target, *, size: int, requests: int, seed: int
) -> Iterator[Group]:
    """Yield W2u: three properties of a hundred random cases of D(``size``)."""
    random = Random(seed)
    for number in range(requests):
        body = [
            {
                "create": False,
                "case_id": dataset.case_id(i),
                "properties": dataset.visit(seed + number + i),
            }
            for i in random.sample(range(size), 100)
        ]
        yield Group(number, [_json(target, "POST", target.cases, body)])


def bulk_upserts(
    target: Target, *, size: int, start: int, requests: int
) -> Iterator[Group]:
    """Yield W2x: fifty rows that D(``size``) has, fifty new ones from ``start``."""
    random = Random(start)
    for first in range(start, start + 52 * requests, 52):
        known = 4 * random.randrange((size - 50) // 4)
        numbers = [*range(known, known + 50), *range(first, first + 50)]
        body = [_single(i) for i in numbers]
        yield Group(first, [_json(target, "POST", target.cases, body)])


def bulk_forms(target: Target, *, size: int) -> Iterator[Group]:
    """Yield D(``size``) as hundred-case forms in order."""
    for block in dataset.blocks_of(size, length=100):
        yield Group(block[0], [_form(target, xforms.bulk_form(block, size))])


def log_creates(target: Target, *, size: int, first: int, last: int) -> Iterator[Group]:
    """Yield the creating forms of L(``size``) for the cases ``first`` to ``last``."""
    for four in dataset.blocks_of(last - first, length=4, start=first):
        bodies = [xforms.log_form(2 * case, size) for case in four]
        yield Group(four[0], [_form(target, body) for body in bodies])


def log_updates(target: Target, *, size: int, first: int, last: int) -> Iterator[Group]:
    """Yield the odd forms of L(``size``) in a range, all of one case in one group."""
    by_case: defaultdict[int, list[int]] = defaultdict(list)
    for i in range(first + 1 - first % 2, last, 2):
        by_case[dataset.log_target(i)].append(i)
    for case, numbers in by_case.items():
        bodies = [xforms.log_form(i, size) for i in numbers]
        yield Group(case, [_form(target, body) for body in bodies])


def log_edits(target: Target, *, size: int, edition: int) -> Iterator[Group]:
    """Yield another edition of one form of L(``size``) in ten."""
    for i in dataset.log_edits(size):
        body = xforms.edited_form(i, size, edition=edition)
        yield Group(i, [_form(target, body)])


def one_case(target: Target, *, forms: int) -> Iterator[Group]:
    """Yield all forms of one case, in order over one connection."""
    yield Group(0, [_form(target, body) for body in xforms.one_case_forms(forms)])


def archives(target: Target, *, forms: int, each: int) -> Iterator[Group]:
    """Yield G1: the archive of every so-manyth form of one case, one by one."""
    paths = [
        f"{target.ledger}forms/{dataset.form_id(i)}/archive/"
        for i in range(1, forms, each)
    ]
    yield Group(0, [_json(target, "POST", path, {}) for path in paths])


def paths(
    target: Target, *, paths: list[str], requests: int | None = None
) -> Iterator[Group]:
    """Yield GET requests of the given paths, over and over."""
    made = [Group(n, [request(target, "GET", path)]) for n, path in enumerate(paths)]
    for number, group in enumerate(cycle(made)):
        if number == requests:
            return
        yield group


def points(target: Target, *, size: int, by: str, seed: int) -> Iterator[Group]:
    """Yield W11: one random case of D(``size``) by ``case_id`` or ``external_id``."""
    random = Random(seed)
    while True:
        i = random.randrange(size)
        key = (
            dataset.case_id(i) if by == "case_id" else f"ext/{dataset.external_id(i)}/"
        )
        yield Group(i, [request(target, "GET", f"{target.cases}{key}")])


def bulk_fetches(
    target: Target, *, size: int, mixed: int, requests: int, seed: int
) -> Iterator[Group]:
    """Yield W10: 5,000 random cases, ``mixed`` of them by external id, 5 % unknown."""
    random = Random(seed)
    for number in range(requests):
        numbers = [random.randrange(size) for _ in range(5000)]
        for place in range(0, 5000, 20):
            numbers[place] += 10 * size
        body = {
            "case_ids": [dataset.case_id(i) for i in numbers[mixed:]],
            "external_ids": [dataset.external_id(i) for i in numbers[:mixed]],
        }
        yield Group(number, [_json(target, "POST", f"{target.cases}bulk-fetch/", body)])


def guesses(
    target: Target, *, name: str | None = None, requests: int | None = None
) -> Iterator[Group]:
    """Yield A1: log-ins with wrong passwords, of one user or of a new name each."""
    for number in count() if requests is None else range(requests):
        told = basic(name or f"nobody{number}@example.org", f"wrong {number}")
        guessing = replace(target, authorization=told)
        yield Group(number, [request(guessing, "GET", f"{target.cases}?limit=1")])


SOURCES: dict[str, Callable[..., Iterator[Group]]] = {
    source.__name__: source
    for source in (
        forms,
        spread_forms,
        multipart_forms,
        single_creates,
        single_updates,
        bulk_creates,
        bulk_updates,
        bulk_upserts,
        bulk_forms,
        log_creates,
        log_updates,
        log_edits,
        one_case,
        archives,
        paths,
        points,
        bulk_fetches,
        guesses,
    )
}


def _form(target: Target, body: bytes) -> bytes:
    return request(target, "POST", target.receiver, body=body, content_type=XML)


def _json(target: Target, method: str, path: str, value: object) -> bytes:
    return request(target, method, path, body=orjson.dumps(value))


def _single(i: int) -> dataset.Change:
    row = dataset.create_change(i, SIZE)
    del row["create"]
    row.pop("temporary_id", None)
    household = dataset.parent(i)
    if household is not None:
        target = {"external_id": dataset.external_id(household)}
        row["indices"] = {"parent": dataset.parent_index(target)}
    return row
