"""A connection to the database: compiled statements in, plain tuples out.

Statements are Core constructs that are compiled once for each database; after that a
call costs what the driver costs. No result needs a converter (``columns.py``).
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import AbstractContextManager
from typing import Any

from sqlalchemy import Table
from sqlalchemy.sql.base import Executable

from ledger.storage.dialect import Dialect, Row, kinds_of


class Statement:
    """A Core statement, compiled when a database first meets it.

    Make it once, at module level or in a cached function; its parameters are
    ``bindparam``s and are given by name to ``Connection``.
    """

    __slots__ = ("_compiled", "construct")

    def __init__(self, construct: Executable) -> None:
        """Keep the construct."""
        self.construct = construct
        self._compiled: dict[str, tuple[str, dict[str, Any]]] = {}

    def compiled(self, dialect: Dialect) -> tuple[str, dict[str, Any]]:
        """Return the text for a database and the values of its own constants."""
        found = self._compiled.get(dialect.name)
        if found is None:
            compiled = self.construct.compile(dialect=dialect.sql)  # type: ignore[attr-defined]
            constants = {
                name: value
                for name, value in compiled.params.items()
                if value is not None
            }
            found = (str(compiled), constants)
            self._compiled[dialect.name] = found
        return found


class Connection:
    """One database connection, used by one thread at a time."""

    __slots__ = ("_inserts", "codecs", "dialect", "raw")

    def __init__(self, raw: Any, dialect: Dialect) -> None:
        """Wrap a driver's connection that is in autocommit mode."""
        self.raw = raw
        self.dialect = dialect
        self.codecs: Any = None
        """What ``bodies.py`` has learnt of this database's dictionaries."""
        self._inserts: dict[tuple[str, str], tuple[str, tuple[str, ...]]] = {}

    def rows(self, statement: Statement, /, **params: Any) -> list[Row]:
        """Return all rows of a query."""
        rows: list[Row] = self._execute(statement, params).fetchall()
        return rows

    def ask(self, statement: Statement, /, **params: Any) -> Callable[[], list[Row]]:
        """Run a query and return how to get its rows.

        In a pipeline, what is asked before the first rows are got travels together.
        """
        return self.dialect.later(self._execute(statement, params))

    def row(self, statement: Statement, /, **params: Any) -> Row | None:
        """Return the first row of a query, or nothing."""
        row: Row | None = self._execute(statement, params).fetchone()
        return row

    def value(self, statement: Statement, /, **params: Any) -> Any:
        """Return the first column of the first row of a query, or nothing."""
        row = self.row(statement, **params)
        return None if row is None else row[0]

    def run(self, statement: Statement, /, **params: Any) -> None:
        """Run a statement whose result nobody waits for."""
        self._execute(statement, params)

    def stream(self, statement: Statement, /, **params: Any) -> Generator[Row]:
        """Yield the rows of a query in bounded memory, inside a transaction."""
        sql, values = self._bound(statement, params)
        return self.dialect.stream(self.raw, sql, values)

    def insert(self, table: Table, rows: Sequence[Row]) -> None:
        """Insert rows given in the table's column order."""
        self._many(table, rows, "error")

    def upsert(self, table: Table, rows: Sequence[Row]) -> None:
        """Insert rows or replace those with the same primary key."""
        self._many(table, rows, "update")

    def insert_new(self, table: Table, rows: Sequence[Row]) -> None:
        """Insert the rows whose primary key is not there yet."""
        self._many(table, rows, "ignore")

    def insert_absent(self, table: Table, rows: Sequence[Row]) -> None:
        """Do what ``insert_new`` does, for a table that the database guards."""
        self._many(table, rows, "absent")

    def add(self, table: Table, rows: Sequence[Row]) -> None:
        """Insert rows, or add their other columns to those with the same key."""
        self._many(table, rows, "add")

    def delete(self, table: Table, keys: Sequence[Row]) -> None:
        """Delete the rows with these primary keys."""
        self._many(table, keys, "delete")

    def execute(self, sql: str) -> None:
        """Run a statement of the schema or of transaction control."""
        self.raw.execute(sql)

    def pipelined(self) -> AbstractContextManager[Any]:
        """Return a context for statements whose results nobody waits for."""
        return self.dialect.pipelined(self.raw)

    def close(self) -> None:
        """Close the driver's connection."""
        self.raw.close()

    def _execute(self, statement: Statement, params: dict[str, Any]) -> Any:
        sql, values = self._bound(statement, params)
        return self.raw.execute(sql, values)

    def _bound(
        self, statement: Statement, params: dict[str, Any]
    ) -> tuple[str, dict[str, Any]]:
        sql, constants = statement.compiled(self.dialect)
        bind = self.dialect.bind
        values = {name: bind(value) for name, value in params.items()}
        return sql, {**constants, **values} if constants else values

    def _many(self, table: Table, rows: Sequence[Row], verb: str) -> None:
        if not rows:
            return
        made = self._inserts.get((table.name, verb))
        if made is None:
            make = self.dialect
            deletes = verb == "delete"
            made = self._inserts[table.name, verb] = (
                make.delete_sql(table) if deletes else make.insert_sql(table, verb),
                kinds_of(table.primary_key if deletes else table.columns),
            )
        sql, kinds = made
        self.dialect.many(self.raw, sql, rows, kinds)
