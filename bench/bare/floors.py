"""Document floors: how fast finished documents leave the database, without HTTP."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from statistics import median

import asyncpg  # type: ignore[import-untyped]

from bench.bare import postgres, sqlite
from bench.bare.server import Store

FILTER_SQLITE = (
    "select count(*) from cases where coalesce(json_extract(props, ?), '') = ?"
)
FILTER_POSTGRESQL = "select count(*) from cases where coalesce(props->>$1, '') = $2"


def page_ms(url: str, *, after: int, limit: int, times: int = 9) -> float:
    """Return the median ms of one page of finished documents, joined."""

    async def read(store: Store) -> None:
        _, documents = await store.page(after, limit)
        ",".join(documents).encode()

    return asyncio.run(_median_ms(url, read, times))


def walk_rate(url: str, *, limit: int = 5000) -> float:
    """Return documents per second of a walk over all pages."""

    async def walk() -> float:
        store = await _store(url)
        after, total, started = 0, 0, time.perf_counter()
        while True:
            after, documents = await store.page(after, limit)
            ",".join(documents).encode()
            total += len(documents)
            if len(documents) < limit:
                return total / (time.perf_counter() - started)

    return asyncio.run(walk())


def filter_walk_ms(url: str, name: str, value: str) -> float:
    """Return the ms of walking over all cases and testing the JSON of each."""
    if url.startswith("sqlite"):
        conn = sqlite.connect(url)
        started = time.perf_counter()
        conn.execute(FILTER_SQLITE, (f'$."{name}"', value)).fetchall()
        return (time.perf_counter() - started) * 1000
    return asyncio.run(_filter_walk(url, name, value))


async def _filter_walk(url: str, name: str, value: str) -> float:
    conn = await asyncpg.connect(url)
    statement = await conn.prepare(FILTER_POSTGRESQL)
    started = time.perf_counter()
    await statement.fetch(name, value)
    took = (time.perf_counter() - started) * 1000
    await conn.close()
    return took


async def _store(url: str) -> Store:
    store: Store = (
        sqlite.Store(url) if url.startswith("sqlite") else postgres.Store(url)
    )
    await store.open()
    return store


async def _median_ms(
    url: str, read: Callable[[Store], Awaitable[None]], times: int
) -> float:
    store = await _store(url)
    taken = []
    for _ in range(times):
        started = time.perf_counter()
        await read(store)
        taken.append(time.perf_counter() - started)
    return median(taken) * 1000
