"""A connection to the database: compiled statements in, plain tuples out.

Statements are Core constructs that are compiled once for each database; after that a
call costs what the driver costs. No result needs a converter (``columns.py``).
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Table
from sqlalchemy.sql.base import Executable

from ledger.storage.bursts import MOST, Bursts, in_one_piece, say
from ledger.storage.dialect import Dialect, Row
from ledger.storage.questions import Question, of_many, spread
from ledger.storage.scripts import Names, Script, Verb, merged, text_of

_BOUNDS = ("BEGIN", "COMMIT")


class Statement:
    """A Core statement, compiled when a database first meets it.

    Make it once, at module level or in a cached function; its parameters are
    ``bindparam``s and are given by name to ``Connection``.
    """

    __slots__ = ("_compiled", "_of_many", "construct")

    def __init__(self, construct: Executable) -> None:
        """Keep the construct."""
        self.construct = construct
        self._compiled: dict[str, tuple[str, dict[str, Any]]] = {}
        self._of_many: Statement | None = None

    @property
    def of_many(self) -> Statement | None:
        """Return what asks the same for several domains, if there is such a thing."""
        if self._of_many is None:
            made = of_many(self.construct)
            self._of_many = None if made is None else Statement(made)
        return self._of_many

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

    __slots__ = (
        "_bursts",
        "_gathered",
        "_line",
        "_made",
        "_questions",
        "_raw",
        "codecs",
        "dialect",
    )

    def __init__(self, raw: Any, dialect: Dialect) -> None:
        """Wrap a driver's connection that is in autocommit mode."""
        self._raw = raw
        self.dialect = dialect
        self.codecs: Any = None
        """What ``bodies.py`` has learnt of this database's dictionaries."""
        self._made: dict[Verb, tuple[str, tuple[str, ...]]] = {}
        self._bursts = Bursts(dialect)
        self._line: Any = None
        """The pipeline that rows may be left to, if there is one."""
        self._gathered: list[Script] | None = None
        self._questions: list[Question] | None = None

    @property
    def raw(self) -> Any:
        """Return the driver's connection, which knows of all that was written."""
        if self._gathered:
            self._send()
        return self._raw

    @raw.setter
    def raw(self, raw: Any) -> None:
        """Send statements to another one, which may stand before this one."""
        self._raw = raw

    @contextmanager
    def gathering(self) -> Iterator[Callable[[], None]]:
        """Have rows wait, so that those of several domains share their statements.

        Call what it yields before each domain's rows. Those of one domain are written
        in the order in which they were given; whatever else is asked of the connection
        comes behind all that waits.
        """
        scripts = self._gathered = []
        try:
            yield lambda: scripts.append([])
            self._send()
        finally:
            self._gathered = None

    @contextmanager
    def asking(self) -> Iterator[None]:
        """Have questions of several domains wait, so that they share statements.

        The rows of what is asked inside can be got behind it.
        """
        questions = self._questions = []
        try:
            yield
        finally:
            self._questions = None
        groups: dict[Statement, list[Question]] = {}
        for question in questions:
            groups.setdefault(question.statement, []).append(question)
        for statement, group in groups.items():
            self._ask_together(statement, group)

    def rows(self, statement: Statement, /, **params: Any) -> list[Row]:
        """Return all rows of a query."""
        rows: list[Row] = self._execute(statement, params).fetchall()
        return rows

    def ask(self, statement: Statement, /, **params: Any) -> Callable[[], list[Row]]:
        """Run a query and return how to get its rows.

        In a pipeline, what is asked before the first rows are got travels together.
        """
        if self._questions is not None and self.dialect.asks_together:
            question = Question(statement, params)
            self._questions.append(question)
            return question.rows
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

    def update(self, table: Table, names: Names, rows: Sequence[Row]) -> None:
        """Set these columns of rows, each given with its primary key before them."""
        self._many(table, rows, "set", names)

    def delete(self, table: Table, keys: Sequence[Row]) -> None:
        """Delete the rows with these primary keys."""
        self._many(table, keys, "delete")

    def execute(self, sql: str) -> None:
        """Run a statement of the schema or of transaction control."""
        raw = self.raw
        if not sql.startswith(_BOUNDS):
            # The driver may let go of what is prepared, at a time of its own.
            self._line = None
            self._bursts.forget()
        if self._line is None:
            raw.execute(sql)
        else:
            say(raw, self._line, sql)

    @contextmanager
    def pipelined(self) -> Iterator[None]:
        """Return a context for statements whose results nobody waits for.

        What is wrong with one of them is told where a result is waited for next.
        """
        outer = self._line
        with self.dialect.pipelined(self.raw) as line:
            self._line = in_one_piece(line)
            try:
                yield
            finally:
                self._line = outer and self._line

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

    def _ask_together(self, statement: Statement, group: list[Question]) -> None:
        together = statement.of_many
        if together is None or len({q.domain for q in group}) < max(2, len(group)):
            for question in group:
                question.answered(self.ask(statement, **question.params))
            return
        pairs = [(q.domain, value) for q in group for value in q.values]
        asked = self.ask(
            together,
            domains=[domain for domain, _ in pairs],
            values=[value for _, value in pairs],
        )
        spread(group, asked)

    def _many(
        self, table: Table, rows: Sequence[Row], verb: str, names: Names = ()
    ) -> None:
        if not rows:
            return
        if self._gathered:
            self._gathered[-1].append(((table, verb, names), rows))
        else:
            self._write((table, verb, names), rows)

    def _write(self, verb: Verb, rows: Sequence[Row]) -> None:
        if self._line is not None and len(rows) <= MOST:
            self._bursts.add(self._raw, self._line, verb, rows)
            return
        made = self._made.get(verb)
        if made is None:
            made = self._made[verb] = text_of(verb, self.dialect)
        sql, kinds = made
        self.dialect.many(self._raw, sql, rows, kinds)

    def _send(self) -> None:
        scripts = self._gathered or []
        waiting, scripts[:] = list(scripts), [[] for _ in scripts[-1:]]
        for verb, rows in merged(waiting):
            self._write(verb, rows)
