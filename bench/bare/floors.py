"""Reading floors: how fast documents and forms leave the database, without HTTP."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from statistics import median
from typing import Any

import asyncpg  # type: ignore[import-untyped]
import orjson

from bench.bare import forms, postgres, sqlite
from bench.bare.server import Store

FILTER_SQLITE = (
    "select count(*) from cases where coalesce(json_extract(props, ?), '') = ?"
)
ROWS_SQLITE = (
    "select id, form_id, received, length(body) from forms"
    " where id > ? order by id limit ?"
)
ROWS_POSTGRESQL = ROWS_SQLITE.replace("> ?", "> $1").replace("limit ?", "limit $2")
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


def keep_forms(url: str, bodies: Iterable[bytes]) -> None:
    """Put forms into a bare database, for ``bodies_ms`` to read."""
    if url.startswith("sqlite"):
        sqlite.fill_forms(url, bodies)
    else:
        asyncio.run(postgres.fill_forms(url, bodies))


def bodies_ms(url: str, *, times: int = 5) -> float:
    """Return the median ms of reading, unpacking and parsing all forms once."""
    read = _bodies_sqlite if url.startswith("sqlite") else _bodies_postgresql
    return median(read(url) for _ in range(times)) * 1000


def rows_rate(url: str, *, limit: int) -> float:
    """Return forms per second of a walk over what stands beside their bodies."""
    if url.startswith("sqlite"):
        return _rows_sqlite(url, limit)
    return asyncio.run(_rows_postgresql(url, limit))


def _bodies_sqlite(url: str) -> float:
    conn = sqlite.connect(url)
    unpack = sqlite.compressor(conn).unpack
    started = time.perf_counter()
    for batch in sqlite.read_forms(conn):
        for packed in batch:
            forms.parse(unpack(packed))
    took = time.perf_counter() - started
    conn.close()
    return took


def _bodies_postgresql(url: str) -> float:
    return asyncio.run(_read_bodies(url))


async def _read_bodies(url: str) -> float:
    conn = await postgres.connect(url)
    unpack = (await postgres.compressor(conn)).unpack
    started = time.perf_counter()
    async with conn.transaction():
        async for (packed,) in conn.cursor(
            "select body from forms order by id", prefetch=2500
        ):
            forms.parse(unpack(packed))
    took = time.perf_counter() - started
    await conn.close()
    return took


def _rows_sqlite(url: str, limit: int) -> float:
    conn = sqlite.connect(url)
    after, total, started = 0, 0, time.perf_counter()
    while found := conn.execute(ROWS_SQLITE, (after, limit)).fetchall():
        after, total = _rendered(found), total + len(found)
    took = time.perf_counter() - started
    conn.close()
    return total / took


async def _rows_postgresql(url: str, limit: int) -> float:
    conn = await postgres.connect(url)
    statement = await conn.prepare(ROWS_POSTGRESQL)
    after, total, started = 0, 0, time.perf_counter()
    while found := await statement.fetch(after, limit):
        after, total = _rendered(found), total + len(found)
    took = time.perf_counter() - started
    await conn.close()
    return total / took


def _rendered(found: Sequence[Any]) -> int:
    """Render a page of rows; return the last one's number."""
    names = ("position", "form_id", "received_on", "length")
    orjson.dumps([dict(zip(names, row, strict=True)) for row in found])
    return int(found[-1][0])


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
