"""The bare pipeline on SQLite: one writing thread, ``executemany``."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path

import orjson

from bench.bare import forms, obliged, rows

_TABLES = """
create table if not exists dictionary(body blob);
create table forms(id integer primary key, form_id text unique, received text,
  body blob);
create table cases(id integer primary key, case_id text, case_type text, case_name text,
  external_id text, owner_id text, opened text, modified text, closed integer,
  seq integer, props text, form text);
create table indices(case_id text, name text, target text, kind text, rel text);
create table documents(seq integer primary key, case_id text, doc text);
"""
CASE_INDEXES = """
create unique index cases_case_id on cases(case_id);
create unique index cases_seq on cases(seq);
create index cases_external on cases(external_id);
create index cases_owner on cases(owner_id, seq);
create index indices_target on indices(target);
create unique index documents_case_id on documents(case_id);
"""
_PRAGMAS = """
pragma journal_mode=wal; pragma synchronous=full; pragma cache_size=-100000;
pragma mmap_size=4294967296; pragma wal_autocheckpoint=10000; pragma temp_store=memory;
"""
INSERT_FORM = "insert into forms(form_id, received, body) values(?, ?, ?)"
INSERT_CASE = (
    "insert into cases(case_id, case_type, case_name, external_id, owner_id, opened,"
    " modified, closed, seq, props, form) values(?,?,?,?,?,?,?,?,?,?,?)"
)
UPSERT_CASE = (
    INSERT_CASE + " on conflict(case_id) do update set modified = excluded.modified,"
    " closed = max(closed, excluded.closed), seq = excluded.seq, form = excluded.form,"
    " props = json_patch(props, excluded.props)"
)
INSERT_INDEX = "insert into indices values(?,?,?,?,?)"
PAGE = "select seq, doc from documents where seq > ? order by seq limit ?"
POINT = "select doc from documents where case_id = ?"
KNOWN = (
    "select external_id, case_id from cases"
    " where external_id in (select value from json_each(?))"
)
REPLACE_CASE = UPSERT_CASE.replace(
    "json_patch(props, excluded.props)", "excluded.props"
)
KNOWN_FORMS = (
    "select form_id from entries where form_id in (select value from json_each(?))"
)
STATES = (
    "select case_id, props from cases where case_id in (select value from json_each(?))"
)
MANY = "select doc from documents where case_id in (select value from json_each(?))"


def connect(url: str) -> sqlite3.Connection:
    """Open the database of a URL, tables made when it is new."""
    path = url.removeprefix("sqlite:///")
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    conn = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    conn.executescript(_PRAGMAS)
    if not conn.execute("select 1 from sqlite_master where name='forms'").fetchone():
        conn.executescript(_TABLES + CASE_INDEXES)
        conn.execute("insert into dictionary values(?)", (forms.trained_dictionary(),))
    return conn


def compressor(conn: sqlite3.Connection) -> forms.Compressor:
    """Return the compressor with the dictionary that the database keeps."""
    (body,) = conn.execute("select body from dictionary").fetchone()
    return forms.Compressor(body)


class Store:
    """What the bare server needs of a database."""

    def __init__(self, url: str) -> None:
        self._writing = connect(url)
        self._reading = connect(url)
        self._large = connect(url)
        self._packer = compressor(self._writing)
        (last,) = self._writing.execute("select max(seq) from cases").fetchone()
        self._seq = count((last or 0) + 1)
        self._thread = ThreadPoolExecutor(1)
        self._reader = ThreadPoolExecutor(1)

    async def open(self) -> None:
        """Do nothing: SQLite is open already."""

    async def write(self, batch: list[forms.Form]) -> None:
        """Write forms and their cases durably, in one transaction."""
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._thread, self._write, batch)

    async def page(self, after: int, limit: int) -> tuple[int, list[str]]:
        """Return the last position and the finished documents of a page."""
        if limit <= 100:
            return self._page(self._reading, after, limit)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(
            self._reader, self._page, self._large, after, limit
        )

    async def known(self, external_ids: list[str]) -> dict[str, str]:
        """Return the case ids of the external ids that are there."""
        asked = (orjson.dumps(external_ids).decode(),)
        return dict(self._writing.execute(KNOWN, asked).fetchall())

    async def point(self, case_id: str) -> str | None:
        """Return one finished document."""
        row = self._reading.execute(POINT, (case_id,)).fetchone()
        return row[0] if row else None

    async def many(self, case_ids: list[str]) -> list[str]:
        """Return the finished documents of many cases."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._reader, self._many, case_ids)

    def _many(self, case_ids: list[str]) -> list[str]:
        found = self._large.execute(MANY, (orjson.dumps(case_ids).decode(),))
        return [doc for (doc,) in found]

    def _page(
        self, conn: sqlite3.Connection, after: int, limit: int
    ) -> tuple[int, list[str]]:
        found = conn.execute(PAGE, (after, limit)).fetchall()
        return (found[-1][0] if found else after), [doc for _, doc in found]

    def _write(self, batch: list[forms.Form]) -> None:
        conn, pack = self._writing, self._packer.pack
        cases = [
            rows.case_row(block, seq=next(self._seq), form=form.form_id)
            for form in batch
            for block in form.blocks
        ]
        conn.execute("begin immediate")
        conn.executemany(
            INSERT_FORM,
            [(form.form_id, form.blocks[0].date, pack(form.body)) for form in batch],
        )
        conn.executemany(UPSERT_CASE, cases)
        conn.executemany(INSERT_INDEX, rows.index_rows(batch))
        conn.execute("commit")


class ObligedStore(Store):
    """The same with what a ledger owes (``obliged.py``)."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self._writing.executescript(obliged.TABLES)

    def _write(self, batch: list[forms.Form]) -> None:
        conn, pack = self._writing, self._packer.pack
        conn.execute("begin immediate")
        head = conn.execute("select position, digest from head").fetchone()
        judged = obliged.judge(
            batch,
            known={i for (i,) in self._among(KNOWN_FORMS, [f.form_id for f in batch])},
            states={
                case_id: orjson.loads(props)
                for case_id, props in self._among(STATES, obliged.named(batch))
            },
            head=head or obliged.NO_LOG,
            first=next(self._seq),
        )
        for _ in judged.cases:
            next(self._seq)
        owed = judged.owed
        conn.executemany(
            INSERT_FORM,
            [(f.form_id, f.blocks[0].date, pack(f.body)) for f in judged.forms],
        )
        conn.executemany(REPLACE_CASE, judged.cases)
        conn.executemany(INSERT_INDEX, rows.index_rows(judged.forms))
        conn.executemany("insert into entries values(?,?,?,?,?,?)", owed.entries)
        conn.executemany("insert into history values(?,?,?)", owed.history)
        conn.executemany("replace into external_ids values(?,?)", owed.external)
        conn.execute("replace into head values(1,?,?)", (owed.position, owed.digest))
        conn.execute("commit")

    def _among(self, statement: str, ids: list[str]) -> list[tuple[str, ...]]:
        return self._writing.execute(
            statement, (orjson.dumps(ids).decode(),)
        ).fetchall()


def fill(url: str, size: int, *, domain: str) -> None:
    """Fill the tables with D(``size``), for reading."""
    conn = connect(url)
    conn.execute("begin immediate")
    for batch in rows.batched(rows.dataset_rows(size, domain=domain), 5000):
        conn.executemany(INSERT_CASE, [case for case, _, _ in batch])
        conn.executemany(INSERT_INDEX, [index for _, index, _ in batch if index])
        conn.executemany(
            "insert into documents values(?,?,?)",
            [(case.seq, case.case_id, document) for case, _, document in batch],
        )
    conn.execute("commit")
    conn.execute("pragma wal_checkpoint(truncate)")
    conn.close()


def fill_forms(url: str, bodies: Iterable[bytes]) -> None:
    """Append forms only, for a replay to read."""
    conn = connect(url)
    pack = compressor(conn).pack
    conn.execute("begin immediate")
    conn.executemany(
        INSERT_FORM, ((str(n), "", pack(body)) for n, body in enumerate(bodies))
    )
    conn.execute("commit")
    conn.close()


def read_forms(conn: sqlite3.Connection) -> Iterator[list[bytes]]:
    """Return the packed bodies of all forms in order, 2,500 at a time."""
    found = conn.cursor().execute("select body from forms order by id")
    while batch := found.fetchmany(2500):
        yield [body for (body,) in batch]


def rebuild(url: str, fold: rows.Fold) -> int:
    """Replay: fold all forms, fill empty tables, build the indexes last."""
    conn = connect(url)
    unpack = compressor(conn).unpack
    conn.executescript("delete from cases; delete from indices;" + _DROP)
    total = 0
    for batch in read_forms(conn):
        total += len(batch)
        for packed in batch:
            fold.add(forms.parse(unpack(packed)))
    conn.execute("begin immediate")
    conn.executemany(INSERT_CASE, fold.cases())
    conn.executemany(INSERT_INDEX, fold.indices())
    conn.execute("commit")
    conn.executescript(CASE_INDEXES)
    conn.close()
    return total


_DROP = "".join(
    f"drop index {name};"
    for name in (
        *("cases_case_id", "cases_seq", "cases_external"),
        *("cases_owner", "indices_target", "documents_case_id"),
    )
)
