"""Following ``next`` from page to page, to walk a list or to get deep into it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import orjson

from bench import prepare
from bench.harness import Bench
from bench.http import Client
from bench.servers import Server

DEPTHS = (0.0, 0.5, 0.99)


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a walk: where it was asked for, what came, how long it took."""

    path: str
    cases: list[dict[str, Any]]
    total: int
    seconds: float


def walk(server: Server, query: str) -> Iterator[Page]:
    """Yield the pages of a list from the first one on."""
    client = Client(server.target)
    path = f"{server.target.cases}?{query}"
    while path:
        started = time.perf_counter()
        status, body = client.call("GET", path)
        seconds = time.perf_counter() - started
        if status != 200:
            raise RuntimeError(f"GET {path}: {status} {body[:300]!r}")
        answer = orjson.loads(body)
        yield Page(path, answer["cases"], answer["matching_records"], seconds)
        following = urlsplit(answer.get("next", ""))
        path = f"{following.path}?{following.query}" if following.query else ""
    client.close()


def deep_paths(server: Server, query: str, *, limit: int) -> list[str]:
    """Return the paths of the pages at 0, 50 and 99 % of what a query matches."""
    wanted: list[int] = []
    paths: list[str] = []
    for number, page in enumerate(walk(server, f"{query}limit={limit}")):
        if not number:
            last = max(0, (page.total - 1) // limit)
            wanted = [min(last, int(page.total * depth / limit)) for depth in DEPTHS]
        paths += [page.path] * wanted.count(number)
        if len(paths) == len(DEPTHS):
            break
    return paths


def kept_paths(bench: Bench, name: str, server: Server, *, limit: int) -> list[str]:
    """Return ``deep_paths`` of a kept database; walked once, then remembered."""
    key = f"pages of {limit}"
    known = prepare.remembered(bench, name, key)
    if known and _still_good(server, known):
        return [str(path) for path in known]
    paths = deep_paths(server, "", limit=limit)
    prepare.remember(bench, name, key, paths)
    return paths


def _still_good(server: Server, paths: list[str]) -> bool:
    client = Client(server.target)
    good = all(client.call("GET", path)[0] == 200 for path in paths)
    client.close()
    return good
