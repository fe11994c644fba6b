"""What several domains ask in one transaction, put together question by question.

A statement costs a server about what the look-up in it does. Where a commit has a form
or two of each of many domains, those that ask the same share a statement. It looks up
one domain after the other by the index that serves the question alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import ARRAY, Text, bindparam, cast, func, literal_column, select
from sqlalchemy.sql.elements import BooleanClauseList

from ledger.storage.dialect import Row, in_list

Rows = Callable[[], list[Row]]


class Question:
    """The rows of a domain that one of its columns selects by a list of values."""

    __slots__ = ("_rows", "domain", "params", "statement")

    def __init__(self, statement: Any, params: dict[str, Any]) -> None:
        """Keep what is asked; ``answered`` brings what it waits for."""
        self.statement = statement
        self.params = params
        self.domain: str = params["domain"]
        self._rows: Rows | None = None

    def answered(self, rows: Rows) -> None:
        """Keep how to get the rows."""
        self._rows = rows

    def rows(self) -> list[Row]:
        """Return the rows; raises ``AssertionError`` before anybody has asked."""
        if self._rows is None:
            raise AssertionError("what is asked together is got afterwards")
        return self._rows()

    @property
    def values(self) -> list[Any]:
        """Return the values of the list."""
        [values] = (v for name, v in self.params.items() if name != "domain")
        return list(values)


def spread(questions: Sequence[Question], rows: Rows) -> None:
    """Give each of several questions its part of the rows of ``of_many``."""
    parts: dict[str, list[Row]] = {}

    def part(domain: str) -> list[Row]:
        if not parts:
            parts.update((question.domain, []) for question in questions)
            for of_domain, *row in rows():
                parts[of_domain].append(tuple(row))
        return parts[domain]

    for question in questions:
        question.answered(lambda domain=question.domain: part(domain))  # type: ignore[misc]


def of_many(construct: Any) -> Any:
    """Return what asks for several domains what a query asks for one.

    The query compares the domain and has one list; its parameters become ``domains``
    and ``values``, one of each for every value, and its rows begin with the domain.
    ``None`` for a query of another shape.
    """
    where = construct.whereclause
    clauses = list(where.clauses) if isinstance(where, BooleanClauseList) else []
    lists = [clause for clause in clauses if isinstance(clause, in_list)]
    if len(clauses) != len(("domain", "list")) or len(lists) != 1:
        return None
    column = lists[0].column
    asked = (
        func.unnest(
            cast(bindparam("domains"), ARRAY(Text)),
            cast(bindparam("values"), ARRAY(Text)),
        )
        .table_valued("domain", "value")
        .render_derived(name="asked")
    )
    found = (
        select(*construct.selected_columns)
        .where(column.table.c.domain == asked.c.domain, column == asked.c.value)
        # Nothing of the subquery is moved out of it, so no planner sees a join.
        .offset(literal_column("0"))
        .lateral("found")
    )
    return (
        select(asked.c.domain, *found.c)
        .select_from(asked)
        .join(found, literal_column("true"))
    )
