"""What the databases themselves say of how they find what a function asks for."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from sqlalchemy import Integer

from ledger.storage.connection import Connection, Statement
from ledger.storage.dialect import SqliteDialect
from ledger.store import Store

_QUERY = re.compile(r"\s*(SELECT|UPDATE|DELETE|WITH)\b")
_WALKS = re.compile(r"Seq Scan|^SCAN (?!json_each|anon_)", re.MULTILINE)
_SORTS = re.compile(r"TEMP B-TREE|\bSort\b")


class Recorder:
    """A driver's connection, or a cursor of it, that notes the statements it is given.

    ``note`` gets the text and the values of each.
    """

    def __init__(self, raw: Any, note: Callable[[str, Any], None]) -> None:
        """Wrap a connection or a cursor."""
        self._raw = raw
        self._note = note

    def execute(self, sql: str, values: Any = ()) -> Any:
        """Note the statement and run it."""
        self._note(sql, values)
        return self._raw.execute(sql, values) if values else self._raw.execute(sql)

    def executemany(self, sql: str, rows: Any) -> Any:
        """Note the statement and run it."""
        self._note(sql, rows)
        return self._raw.executemany(sql, rows)

    @contextmanager
    def cursor(self, **options: Any) -> Iterator[Recorder]:
        """Lend a cursor that notes, too."""
        with self._raw.cursor(**options) as cursor:
            yield Recorder(cursor, self._note)

    @property
    def pgconn(self) -> Prepares:
        """Return what prepares statements of PostgreSQL, and notes them."""
        return Prepares(self._raw.pgconn, self._note)

    def __iter__(self) -> Iterator[Any]:
        """Yield the rows of a cursor."""
        return iter(self._raw)

    def __getattr__(self, name: str) -> Any:
        """Leave everything else to the driver."""
        return getattr(self._raw, name)


class Prepares:
    """The inner connection of PostgreSQL's driver, which is given rows (bursts.py)."""

    def __init__(self, inner: Any, note: Callable[[str, Any], None]) -> None:
        """Wrap it."""
        self._inner = inner
        self._note = note

    def send_prepare(self, name: bytes, sql: bytes, types: Any) -> None:
        """Note the statement and prepare it."""
        self._note(sql.decode(), ())
        self._inner.send_prepare(name, sql, types)

    def __getattr__(self, name: str) -> Any:
        """Leave everything else to the driver."""
        return getattr(self._inner, name)


def plans(conn: Connection, ask: Callable[[], Any]) -> list[str]:
    """Run a function and return the plan of each query that it made, as one text."""
    asked: list[tuple[str, Any]] = []
    raw = conn.raw
    conn.raw = Recorder(raw, lambda sql, values: asked.append((sql, values)))
    try:
        ask()
    finally:
        conn.raw = raw
    return [explained(conn, *one) for one in asked if _QUERY.match(one[0])]


def statements_of(*modules: ModuleType) -> dict[str, Statement]:
    """Return every statement that these modules have made, under a name for it."""
    return {
        f"{module.__name__.rpartition('.')[2]}.{name}": value
        for module in modules
        for name, value in vars(module).items()
        if isinstance(value, Statement)
    }


def text_of(statement: Statement) -> str:
    """Return the text of a statement, as SQLite gets it."""
    return statement.compiled(SqliteDialect())[0]


def plan_of(store: Store, statement: Statement) -> str:
    """Return the plan of a statement for some values, as one text."""
    sql, constants = statement.compiled(store.dialect)
    compiled = statement.construct.compile(dialect=store.dialect.sql)
    values = {
        name: store.dialect.bind(_some_value(sql, name, bound.type))
        for name, bound in compiled.binds.items()
    }
    return explained(store.connection, sql, {**values, **constants})


def _some_value(sql: str, name: str, kind: object) -> Any:
    if re.search(rf"(json_each|unnest)\((:|%\(){name}\b", sql):
        return ["x"]
    counts = re.search(rf"(LIMIT|OFFSET) (:|%\(){name}\b", sql)
    return 1 if counts or isinstance(kind, Integer) else "x"


def explained(conn: Connection, sql: str, values: Any) -> str:
    """Return the plan of a statement, a line for each step."""
    verb = "EXPLAIN QUERY PLAN" if conn.dialect.begin_read else "EXPLAIN"
    rows = conn.raw.execute(f"{verb} {sql}", values).fetchall()
    return "\n".join(str(row[-1]) for row in rows)


def walks(plan: str) -> bool:
    """Tell whether a plan reads a table whole."""
    return _WALKS.search(plan) is not None


def sorts(plan: str) -> bool:
    """Tell whether a plan sorts what it has found."""
    return _SORTS.search(plan) is not None
