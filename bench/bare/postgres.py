"""The bare pipeline on PostgreSQL: asyncpg, arrays, few connections."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

import asyncpg  # type: ignore[import-untyped]
import orjson

from bench.bare import forms, obliged, rows

_TABLES = """
create table dictionary(body bytea);
create sequence positions cache 1;
create table forms(id bigint generated always as identity primary key,
  form_id text unique, received text, body bytea);
alter table forms alter column body set storage external;
create table cases(id bigint generated always as identity primary key, case_id text,
  case_type text, case_name text, external_id text, owner_id text, opened text,
  modified text, closed integer, seq bigint, props jsonb, form text);
create table indices(case_id text, name text, target text, kind text, rel text);
create table documents(seq bigint primary key, case_id text, doc text);
alter table documents alter column doc set storage plain;
"""
CASE_INDEXES = """
create unique index cases_case_id on cases(case_id);
create unique index cases_seq on cases(seq);
create index cases_external on cases(external_id);
create index cases_owner on cases(owner_id, seq);
create index indices_target on indices(target);
create unique index documents_case_id on documents(case_id);
"""
_DROP = """
drop index cases_case_id; drop index cases_seq; drop index cases_external;
drop index cases_owner; drop index indices_target; drop index documents_case_id;
"""
INSERT_FORMS = (
    "insert into forms(form_id, received, body)"
    " select * from unnest($1::text[], $2::text[], $3::bytea[])"
)
_CASE_COLUMNS = (
    "case_id, case_type, case_name, external_id, owner_id, opened, modified, closed,"
    " seq, props, form"
)
UPSERT_CASES = (
    f"insert into cases({_CASE_COLUMNS})"
    " select a, b, c, d, e, f, g, h, nextval('positions'), j::jsonb, k from unnest("
    "$1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[],"
    " $7::text[], $8::int[], $9::text[], $10::text[]) as t(a,b,c,d,e,f,g,h,j,k)"
    " on conflict(case_id) do update set modified = excluded.modified,"
    " closed = greatest(cases.closed, excluded.closed), seq = excluded.seq,"
    " form = excluded.form, props = cases.props || excluded.props"
)
INSERT_INDICES = (
    "insert into indices select * from"
    " unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[])"
)
REPLACE_CASES = UPSERT_CASES.replace("cases.props || excluded.props", "excluded.props")
LOCK_HEAD = "select position, digest from head for update"
SAVE_HEAD = "update head set position = $1, digest = $2"
KNOWN_FORMS = "select form_id from entries where form_id = any($1)"
STATES = "select case_id, props::text from cases where case_id = any($1)"
INSERT_ENTRIES = (
    "insert into entries select * from"
    " unnest($1::bigint[], $2::text[], $3::text[], $4::int[], $5::text[], $6::text[])"
)
INSERT_HISTORY = (
    "insert into history select * from unnest($1::text[], $2::bigint[], $3::int[])"
)
INSERT_EXTERNAL = (
    "insert into external_ids select * from unnest($1::text[], $2::text[])"
    " on conflict do nothing"
)
PAGE = "select seq, doc from documents where seq > $1 order by seq limit $2"
KNOWN = "select external_id, case_id from cases where external_id = any($1)"
MANY = "select case_id, doc from documents where case_id = any($1)"


async def connect(url: str) -> asyncpg.Connection:
    """Open the database of a URL, tables made when it is new."""
    conn = await asyncpg.connect(url)
    async with conn.transaction():
        await conn.execute("select pg_advisory_xact_lock(1)")
        if await conn.fetchval("select to_regclass('forms')") is None:
            await conn.execute(_TABLES + CASE_INDEXES)
            trained = forms.trained_dictionary()
            await conn.execute("insert into dictionary values($1)", trained)
    return conn


async def compressor(conn: asyncpg.Connection) -> forms.Compressor:
    """Return the compressor with the dictionary that the database keeps."""
    return forms.Compressor(await conn.fetchval("select body from dictionary"))


class Store:
    """What the bare server needs of a database."""

    _writing: asyncpg.Connection
    _reading: asyncpg.Connection
    _packer: forms.Compressor

    def __init__(self, url: str) -> None:
        self._url = url
        self._lock = asyncio.Lock()
        self._asked: dict[str, asyncio.Future[str | None]] = {}
        self._answering: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Open one connection to write and one to read."""
        self._writing = await connect(self._url)
        self._reading = await connect(self._url)
        self._packer = await compressor(self._writing)
        self._forms = await self._writing.prepare(INSERT_FORMS)
        self._cases = await self._writing.prepare(UPSERT_CASES)
        self._indices = await self._writing.prepare(INSERT_INDICES)
        self._page = await self._reading.prepare(PAGE)
        self._many = await self._reading.prepare(MANY)

    async def write(self, batch: list[forms.Form]) -> None:
        """Write forms and their cases durably, in one transaction."""
        pack = self._packer.pack
        cases = [
            rows.case_row(block, seq=0, form=form.form_id)
            for form in batch
            for block in form.blocks
        ]
        cases.sort()
        columns = [list(column) for column in zip(*cases, strict=True)]
        indices = _columns(rows.index_rows(batch), 5)
        async with self._writing.transaction():
            await self._forms.fetch(
                [form.form_id for form in batch],
                [form.blocks[0].date for form in batch],
                [pack(form.body) for form in batch],
            )
            await self._cases.fetch(*columns[:8], *columns[9:])
            await self._indices.fetch(*indices)

    async def page(self, after: int, limit: int) -> tuple[int, list[str]]:
        """Return the last position and the finished documents of a page."""
        async with self._lock:
            found = await self._page.fetch(after, limit)
        return (found[-1][0] if found else after), [row[1] for row in found]

    async def known(self, external_ids: list[str]) -> dict[str, str]:
        """Return the case ids of the external ids that are there."""
        found = await self._writing.fetch(KNOWN, external_ids)
        return dict(found)

    async def point(self, case_id: str) -> str | None:
        """Return one finished document, read together with all others asked for."""
        waiting = self._asked.get(case_id)
        if waiting is None:
            loop = asyncio.get_running_loop()
            waiting = self._asked[case_id] = loop.create_future()
        if self._answering is None:
            self._answering = asyncio.create_task(self._answer())
        return await waiting

    async def many(self, case_ids: list[str]) -> list[str]:
        """Return the finished documents of many cases."""
        async with self._lock:
            return [row[1] for row in await self._many.fetch(case_ids)]

    async def _answer(self) -> None:
        while self._asked:
            asked, self._asked = self._asked, {}
            async with self._lock:
                found = dict(await self._many.fetch(list(asked)))
            for case_id, waiting in asked.items():
                waiting.set_result(found.get(case_id))
        self._answering = None


class ObligedStore(Store):
    """The same with what a ledger owes (``obliged.py``)."""

    async def open(self) -> None:
        """Open the connections, with the tables of what is owed."""
        await super().open()
        conn = self._writing
        await conn.execute(obliged.TABLES)
        await conn.execute("insert into head values(1, 0, '') on conflict do nothing")
        self._head = await conn.prepare(LOCK_HEAD)
        self._known_forms = await conn.prepare(KNOWN_FORMS)
        self._states = await conn.prepare(STATES)
        self._replace_cases = await conn.prepare(REPLACE_CASES)
        self._entries = await conn.prepare(INSERT_ENTRIES)
        self._history = await conn.prepare(INSERT_HISTORY)
        self._external = await conn.prepare(INSERT_EXTERNAL)
        self._save_head = await conn.prepare(SAVE_HEAD)

    async def write(self, batch: list[forms.Form]) -> None:
        """Judge and write forms with all that is owed, in one transaction."""
        pack = self._packer.pack
        async with self._writing.transaction():
            head = await self._head.fetchrow()
            known = await self._known_forms.fetch([form.form_id for form in batch])
            states = await self._states.fetch(obliged.named(batch))
            judged = obliged.judge(
                batch,
                known={row[0] for row in known},
                states={row[0]: orjson.loads(row[1]) for row in states},
                head=(head[0], head[1]),
                first=0,
            )
            owed = judged.owed
            await self._forms.fetch(
                [form.form_id for form in judged.forms],
                [form.blocks[0].date for form in judged.forms],
                [pack(form.body) for form in judged.forms],
            )
            # A case that two forms of a transaction touch has its last state.
            last = sorted({row.case_id: row for row in judged.cases}.values())
            columns = _columns(last, 11)
            await self._replace_cases.fetch(*columns[:8], *columns[9:])
            await self._indices.fetch(*_columns(rows.index_rows(judged.forms), 5))
            await self._entries.fetch(*_columns(owed.entries, 6))
            await self._history.fetch(*_columns(owed.history, 3))
            await self._external.fetch(*_columns(owed.external, 2))
            await self._save_head.fetch(owed.position, owed.digest)


async def fill(url: str, size: int, *, domain: str) -> None:
    """Fill the tables with D(``size``), for reading."""
    conn = await connect(url)
    await conn.execute(_DROP)
    for batch in rows.batched(rows.dataset_rows(size, domain=domain), 5000):
        await _copy(conn, "cases", _CASE_COLUMNS, [case for case, _, _ in batch])
        await _copy(
            conn,
            "indices",
            "case_id, name, target, kind, rel",
            [index for _, index, _ in batch if index],
        )
        documents = [(case.seq, case.case_id, doc) for case, _, doc in batch]
        await _copy(conn, "documents", "seq, case_id, doc", documents)
    await conn.execute(CASE_INDEXES)
    await conn.execute("vacuum analyze")
    await conn.close()


async def fill_forms(url: str, bodies: Iterable[bytes]) -> None:
    """Append forms only, for a replay to read."""
    conn = await connect(url)
    pack = (await compressor(conn)).pack
    packed = ((str(n), "", pack(body)) for n, body in enumerate(bodies))
    for batch in rows.batched(packed, 5000):
        await _copy(conn, "forms", "form_id, received, body", batch)
    await conn.close()


async def rebuild(url: str, fold: rows.Fold) -> int:
    """Replay: fold all forms, fill empty tables, build the indexes last."""
    conn = await connect(url)
    unpack = (await compressor(conn)).unpack
    await conn.execute("truncate cases, indices;" + _DROP)
    total = 0
    async with conn.transaction():
        cursor = await conn.cursor("select body from forms order by id")
        while batch := await cursor.fetch(2500):
            total += len(batch)
            for (packed,) in batch:
                fold.add(forms.parse(unpack(packed)))
    async with conn.transaction():
        await _copy(conn, "cases", _CASE_COLUMNS, list(fold.cases()))
        await _copy(conn, "indices", "case_id, name, target, kind, rel", fold.indices())
    await conn.execute(CASE_INDEXES)
    await conn.close()
    return total


async def _copy(
    conn: asyncpg.Connection, table: str, columns: str, records: list[Any]
) -> None:
    await conn.copy_records_to_table(
        table, records=records, columns=columns.replace(" ", "").split(",")
    )


def _columns(records: list[Any], width: int) -> list[list[Any]]:
    if not records:
        return [[] for _ in range(width)]
    return [list(column) for column in zip(*records, strict=True)]
