"""Every difference between the two databases, in one place.

What SQL can say alike is said in Core. The rest is here: lists as parameters, a key of
a JSON text, many rows in one statement, and the guard that keeps the log append-only.
"""

from __future__ import annotations

import select
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from typing import Any, Protocol

import orjson
from sqlalchemy import (
    BigInteger,
    Index,
    Integer,
    LargeBinary,
    Select,
    SmallInteger,
    Table,
    bindparam,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Dialect as SqlDialect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.expression import ColumnElement
from sqlalchemy.types import NullType, Text

from ledger.storage.arrays import COLUMNS, column_of
from ledger.storage.figures import figures, partial_figures
from ledger.storage.guards import PostgresqlGuards, SqliteGuards

Row = tuple[Any, ...]


class in_list(ColumnElement[Any]):  # noqa: N801 - reads as a condition where used
    """``column`` is one of the values of the list parameter ``name``."""

    inherit_cache = False
    # Were it Boolean, SQLite would be asked for "... = 1", which no index serves.
    type = NullType()

    def __init__(self, column: ColumnElement[Any], name: str) -> None:
        """Keep the column and make the parameter that carries the list."""
        self.column = column
        self.values = bindparam(name, type_=NullType())


class property_text(ColumnElement[str]):  # noqa: N801 - reads as a value where used
    """The text under a key of a JSON object, NULL when the key is absent."""

    inherit_cache = False
    type = Text()

    def __init__(self, column: ColumnElement[Any], name: str) -> None:
        """Keep the column and make the parameter that carries the key."""
        self.column = column
        self.member = bindparam(name, type_=NullType())


class in_select(ColumnElement[Any]):  # noqa: N801 - reads as a condition where used
    """``column`` is one of the few values that a subquery yields.

    The subquery runs first and by itself, whatever a planner thinks of it.
    """

    inherit_cache = False
    type = NullType()

    def __init__(self, column: ColumnElement[Any], values: Select[Any]) -> None:
        """Keep the column and the subquery."""
        self.column = column
        self.values = values.scalar_subquery()


@compiles(in_list, "sqlite")
def _in_list_sqlite(element: in_list, compiler: SQLCompiler, **kw: Any) -> str:
    column = compiler.process(element.column, **kw)
    values = compiler.process(element.values, **kw)
    return f"{column} IN (SELECT value FROM json_each({values}))"


@compiles(in_list, "postgresql")
def _in_list_postgresql(element: in_list, compiler: SQLCompiler, **kw: Any) -> str:
    column = compiler.process(element.column, **kw)
    values = compiler.process(element.values, **kw)
    array = f"{values}::{_array_type(element.column.type)}[]"
    # Hidden in a subquery, the length of the list cannot talk the planner into
    # walking the whole domain.
    return f"{column} = ANY(ARRAY(SELECT unnest({array})))"


@compiles(in_select, "sqlite")
def _in_select_sqlite(element: in_select, compiler: SQLCompiler, **kw: Any) -> str:
    column = compiler.process(element.column, **kw)
    return f"{column} IN {compiler.process(element.values, **kw)}"


@compiles(in_select, "postgresql")
def _in_select_postgresql(element: in_select, compiler: SQLCompiler, **kw: Any) -> str:
    column = compiler.process(element.column, **kw)
    return f"{column} = ANY(ARRAY{compiler.process(element.values, **kw)})"


@compiles(property_text, "sqlite")
def _property_sqlite(element: property_text, compiler: SQLCompiler, **kw: Any) -> str:
    column = compiler.process(element.column, **kw)
    key = compiler.process(element.member, **kw)
    # A key that is no XML name is in no case, so a quote in it need only not break.
    return f"json_extract({column}, '$.\"' || replace({key}, '\"', '') || '\"')"


@compiles(property_text, "postgresql")
def _property_pg(element: property_text, compiler: SQLCompiler, **kw: Any) -> str:
    column = compiler.process(element.column, **kw)
    key = compiler.process(element.member, **kw)
    return f"(({column})::json ->> {key}::text)"


def _given(columns: Iterable[Any], rows: int) -> str:
    """Return what PostgreSQL reads so many rows from; any number from arrays."""
    kinds = kinds_of(columns)
    if not rows:
        return f"SELECT * FROM unnest({', '.join(f'%b::{kind}[]' for kind in kinds)})"
    row = f"({', '.join(f'%b::{kind}' for kind in kinds)})"
    return f"VALUES {', '.join([row] * rows)}"


def _array_type(kind: Any) -> str:
    if isinstance(kind, SmallInteger | Integer | BigInteger):
        return "bigint"
    return "bytea" if isinstance(kind, LargeBinary) else "text"


def kinds_of(columns: Iterable[Any]) -> tuple[str, ...]:
    """Return the types of columns as PostgreSQL calls them in an array."""
    return tuple(_array_type(column.type) for column in columns)


class Dialect(Protocol):
    """What the store asks of a database."""

    name: str
    sql: SqlDialect
    begin_write: str
    begin_read: str | None
    begin_snapshot: str
    write_needs_lock: bool
    asks_together: bool
    in_haste: tuple[str, ...]
    overwriting: tuple[str, ...]
    passing_through: tuple[str, ...]

    def bind(self, value: Any) -> Any:
        """Return a parameter value as the driver takes it."""

    def many(
        self, raw: Any, sql: str, rows: Sequence[Row], kinds: Sequence[str]
    ) -> None:
        """Run a statement that ``insert_sql`` or ``delete_sql`` made, for many rows.

        ``kinds`` are the types of the columns (``kinds_of``).
        """

    def insert_sql(self, table: Table, conflict: str, rows: int = 0) -> str:
        """Return an insert of so many rows, 0 for any number.

        ``conflict``: error, update, ignore, add; absent is ignore for guarded tables.
        """

    def delete_sql(self, table: Table, rows: int = 0) -> str:
        """Return a delete by primary key for so many keys, 0 for any number."""

    def update_sql(self, table: Table, names: Sequence[str], rows: int = 0) -> str:
        """Return an update of these columns by primary key for so many rows, or any."""

    def is_cut_off(self, raw: Any) -> bool:
        """Tell whether a connection is known to have lost its server."""

    def is_silent(self, raw: Any) -> bool:
        """Tell whether statements may go to a server that has said nothing by itself.

        It does before it cuts off a connection. False where none is waited for.
        """

    def stream(self, raw: Any, sql: str, params: Any) -> Generator[Row]:
        """Yield the rows of a query in bounded memory."""

    def any_text(self, raw: Any) -> AbstractContextManager[Any]:
        """Return a context in which a text that is no UTF-8 can be read.

        Its bytes that are no text come as surrogates.
        """

    def later(self, cursor: Any) -> Callable[[], list[Row]]:
        """Return how to get the rows of a query that was sent."""

    def pipelined(self, raw: Any) -> AbstractContextManager[Any]:
        """Return a context in which statements may be sent without waiting.

        It gives the pipeline, if rows may wait in one (``bursts.py``).
        """

    def append_only(self, table: str, *key: str) -> tuple[str, ...]:
        """Return the statements that make the database refuse changes of a table.

        Its rows are known by ``domain`` and the columns ``key``.
        """

    def undeletable(self, table: str) -> tuple[str, ...]:
        """Return what makes the database refuse DELETE; rows may change."""

    def changeable(self, table: str) -> tuple[str, ...]:
        """Return the statements that undo ``append_only``, for an erasure."""

    def unchangeable(self, table: str, *key: str) -> tuple[str, ...]:
        """Return the statements that undo ``changeable``."""

    def scrub(self, raw: Any) -> bool:
        """Have the database let go of what was deleted, outside of transactions.

        Returns false when somebody's reading kept it from that.
        """

    def statistics(self, table: Table) -> tuple[str, ...]:
        """Return the statements that tell the planner what the table will hold."""


def _conflict_clause(table: Table, conflict: str) -> str:
    if conflict == "error":
        return ""
    keys = [column.name for column in table.primary_key]
    target = f" ON CONFLICT ({', '.join(keys)}) DO "
    if conflict in {"ignore", "absent"}:
        return target + "NOTHING"
    rest = [column.name for column in table.columns if column.name not in keys]
    if conflict == "add":
        sums = ", ".join(f"{n} = {table.name}.{n} + excluded.{n}" for n in rest)
        return f"{target}UPDATE SET {sums}"
    if not rest:
        return target + "NOTHING"
    return f"{target}UPDATE SET " + ", ".join(f"{n} = excluded.{n}" for n in rest)


class SqliteDialect(SqliteGuards):
    """SQLite: one file, one writer, no server."""

    name = "sqlite"
    begin_write = "BEGIN IMMEDIATE"
    begin_read: str | None = "BEGIN"
    begin_snapshot = "BEGIN"
    write_needs_lock = False
    asks_together = False
    in_haste: tuple[str, ...] = ("PRAGMA busy_timeout = 1000",)
    overwriting: tuple[str, ...] = ("PRAGMA secure_delete = ON",)
    passing_through: tuple[str, ...] = ("PRAGMA mmap_size = 0",)

    def __init__(self) -> None:
        """Make the compiler's side of the dialect."""
        self.sql: SqlDialect = sqlite.dialect(paramstyle="named")

    def bind(self, value: Any) -> Any:
        """Return lists as JSON text for ``json_each``, everything else as it is."""
        return orjson.dumps(value).decode() if isinstance(value, list) else value

    def many(
        self,
        raw: Any,
        sql: str,
        rows: Sequence[Row],
        kinds: Sequence[str],  # noqa: ARG002 - as PostgreSQL's
    ) -> None:
        """Run the statement once for each row."""
        raw.executemany(sql, rows)

    def insert_sql(self, table: Table, conflict: str, rows: int = 0) -> str:  # noqa: ARG002 - as PostgreSQL's
        """Return an insert with a placeholder for each column."""
        names = [column.name for column in table.columns]
        into = f"INSERT INTO {table.name} ({', '.join(names)})"
        if conflict == "absent":
            return f"{into} {_select_absent(table)}"
        marks = ", ".join("?" * len(names))
        return f"{into} VALUES ({marks}){_conflict_clause(table, conflict)}"

    def delete_sql(self, table: Table, rows: int = 0) -> str:  # noqa: ARG002 - as PostgreSQL's
        """Return a delete with a placeholder for each column of the primary key."""
        where = " AND ".join(f"{column.name} = ?" for column in table.primary_key)
        return f"DELETE FROM {table.name} WHERE {where}"

    def update_sql(self, table: Table, names: Sequence[str], rows: int = 0) -> str:  # noqa: ARG002 - as PostgreSQL's
        """Return an update whose placeholders come in the order of a row."""
        keys = [column.name for column in table.primary_key]
        where = " AND ".join(f"{key} = ?{n}" for n, key in enumerate(keys, start=1))
        put = ", ".join(
            f"{name} = ?{n}" for n, name in enumerate(names, start=1 + len(keys))
        )
        return f"UPDATE {table.name} SET {put} WHERE {where}"

    def is_cut_off(self, raw: Any) -> bool:  # noqa: ARG002 - as PostgreSQL's
        """Return false: a file has no server to lose."""
        return False

    def is_silent(self, raw: Any) -> bool:  # noqa: ARG002 - as PostgreSQL's
        """Return false: nothing is sent."""
        return False

    def stream(self, raw: Any, sql: str, params: Any) -> Generator[Row]:
        """Yield from the cursor, which holds one row at a time."""
        yield from raw.execute(sql, params)

    @contextmanager
    def any_text(self, raw: Any) -> Iterator[Any]:
        """Lift the driver's check: the file may hold any bytes."""
        usual = raw.text_factory
        raw.text_factory = partial(str, encoding="utf-8", errors="surrogateescape")
        try:
            yield raw
        finally:
            raw.text_factory = usual

    def later(self, cursor: Any) -> Callable[[], list[Row]]:
        """Read the rows at once, and return how to get them.

        A cursor that is not read to its end holds the connection in its snapshot, and
        the next BEGIN IMMEDIATE on it is refused as soon as somebody else has written.
        """
        rows: list[Row] = cursor.fetchall()
        return lambda: rows

    def pipelined(self, raw: Any) -> AbstractContextManager[Any]:  # noqa: ARG002 - as PostgreSQL's
        """Return a context that does nothing: there is no wire to wait for."""
        return nullcontext()

    def scrub(self, raw: Any) -> bool:
        """Empty the write-ahead log; who reads is not awaited for long."""
        patience, *_ = raw.execute("PRAGMA busy_timeout").fetchone()
        raw.execute("PRAGMA busy_timeout = 1000").fetchall()
        busy, *_ = raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        raw.execute(f"PRAGMA busy_timeout = {patience}").fetchall()
        raw.execute("PRAGMA secure_delete = OFF").fetchall()
        return not busy

    def statistics(self, table: Table) -> tuple[str, ...]:
        """Return fixed figures for each index, so that no guess picks the plan.

        Without any, SQLite takes the first column of every index, the domain, for
        selective. These say: one domain, a million rows. ``ANALYZE sqlite_schema``
        makes the connection read them; others read them with the new schema.
        """
        keyed = table.dialect_options["sqlite"]["with_rowid"]
        primary = f"sqlite_autoindex_{table.name}_1" if keyed else table.name
        told = {primary: figures(list(table.primary_key))}
        told.update((str(index.name), _index_figures(index)) for index in table.indexes)
        rows = ", ".join(
            f"('{table.name}', '{name}', '{figure}')" for name, figure in told.items()
        )
        return (
            "ANALYZE sqlite_schema",
            f"DELETE FROM sqlite_stat1 WHERE tbl = '{table.name}'",
            f"INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES {rows}",
            "ANALYZE sqlite_schema",
        )


def _index_figures(index: Index) -> str:
    whole = index.dialect_options["sqlite"]["where"] is None
    return (figures if whole else partial_figures)(list(index.columns))


def _select_absent(table: Table) -> str:
    """Return what selects the values of a row unless its key is taken.

    A guard is asked before ON CONFLICT is: it would refuse what is there already.
    """
    marks = {c.name: f"?{place}" for place, c in enumerate(table.columns, start=1)}
    same = " AND ".join(f"{key.name} = {marks[key.name]}" for key in table.primary_key)
    return (
        f"SELECT {', '.join(marks.values())} "
        f"WHERE NOT EXISTS (SELECT 1 FROM {table.name} WHERE {same})"
    )


class PostgresqlDialect(PostgresqlGuards):
    """PostgreSQL: many processes, ordered by the head row of each domain."""

    name = "postgresql"
    begin_write = "BEGIN"
    begin_read: str | None = None
    begin_snapshot = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
    write_needs_lock = True
    asks_together = True
    in_haste: tuple[str, ...] = ("SET statement_timeout = 2000",)
    overwriting: tuple[str, ...] = ()
    passing_through: tuple[str, ...] = ()

    def __init__(self) -> None:
        """Make the compiler's side of the dialect."""
        self.sql: SqlDialect = postgresql.psycopg.dialect()  # type: ignore[no-untyped-call]

    def bind(self, value: Any) -> Any:
        """Return lists as columns, everything else as it is."""
        return column_of(value) if isinstance(value, list) else value

    def many(
        self, raw: Any, sql: str, rows: Sequence[Row], kinds: Sequence[str]
    ) -> None:
        """Run the statement once, with an array for each column."""
        columns = zip(*rows, strict=True)
        raw.execute(
            sql,
            [
                COLUMNS[kind](values)
                for kind, values in zip(kinds, columns, strict=True)
            ],
        )

    def insert_sql(self, table: Table, conflict: str, rows: int = 0) -> str:
        """Return an insert of rows that are given as values, or as arrays."""
        names = [column.name for column in table.columns]
        given = _given(table.columns, rows)
        clause = _conflict_clause(table, conflict)
        return f"INSERT INTO {table.name} ({', '.join(names)}) {given}{clause}"

    def delete_sql(self, table: Table, rows: int = 0) -> str:
        """Return a delete by keys that are given as values, or as arrays."""
        keys = [column.name for column in table.primary_key]
        where = " AND ".join(f"{table.name}.{key} = gone.{key}" for key in keys)
        return (
            f"DELETE FROM {table.name} USING ({_given(table.primary_key, rows)}) "
            f"AS gone ({', '.join(keys)}) WHERE {where}"
        )

    def update_sql(self, table: Table, names: Sequence[str], rows: int = 0) -> str:
        """Return an update by rows that are given as values, or as arrays."""
        keys = [column.name for column in table.primary_key]
        columns = [*keys, *names]
        put = ", ".join(f"{name} = given.{name}" for name in names)
        where = " AND ".join(f"{table.name}.{key} = given.{key}" for key in keys)
        given = _given([table.c[name] for name in columns], rows)
        return (
            f"UPDATE {table.name} SET {put} FROM ({given}) "
            f"AS given ({', '.join(columns)}) WHERE {where}"
        )

    def is_cut_off(self, raw: Any) -> bool:
        """Tell what the driver noticed at its last statement."""
        return bool(raw.closed)

    def is_silent(self, raw: Any) -> bool:
        """Look whether anything has come that no statement asked for."""
        coming = select.poll()
        coming.register(raw.fileno(), select.POLLIN)
        return not coming.poll(0)

    def stream(self, raw: Any, sql: str, params: Any) -> Generator[Row]:
        """Yield from a cursor on the server; needs a transaction."""
        with raw.cursor(name="stream") as cursor:
            cursor.itersize = 2000
            cursor.execute(sql, params)
            yield from cursor

    def any_text(self, raw: Any) -> AbstractContextManager[Any]:
        """Return a context that does nothing: the server keeps no such text."""
        return nullcontext(raw)

    def later(self, cursor: Any) -> Callable[[], list[Row]]:
        """Return how to get the rows, once the pipeline has brought them."""
        fetch: Callable[[], list[Row]] = cursor.fetchall
        return fetch

    def pipelined(self, raw: Any) -> AbstractContextManager[Any]:
        """Return the driver's pipeline: one round trip for many statements."""
        context: AbstractContextManager[Any] = raw.pipeline()
        return context

    def scrub(self, raw: Any) -> bool:
        """Have dead rows removed."""
        raw.execute("VACUUM")
        return True

    def statistics(self, table: Table) -> tuple[str, ...]:
        """Return what stops the server from gathering figures of its own.

        A domain that came after the last ANALYZE would be taken for a single row, and
        then be walked whole. Constant estimates choose the index each time.
        """
        off = ", ".join(f"ALTER {c.name} SET STATISTICS 0" for c in table.columns)
        return (f"ALTER TABLE {table.name} {off}",)
