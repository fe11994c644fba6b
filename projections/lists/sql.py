"""The statements behind case lists, one for each shape of a question.

A shape says which index drives, how many values it is asked for and which tests the
candidates must pass; values are parameters. A statement is compiled once for its shape.

Every page comes from an index in the order of ``indexed_on`` and stops when it is full.
The driver's part is closed off from the rest (``in_select``), so no planner can turn a
page into a walk over the domain (``rules/design.md`` 5.7).
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    FromClause,
    Integer,
    ScalarSelect,
    Select,
    Table,
    and_,
    bindparam,
    case,
    cast,
    exists,
    false,
    func,
    literal_column,
    select,
    true,
    union_all,
)

from ledger.storage.connection import Statement
from ledger.storage.dialect import in_list, in_select, property_text
from projections.cases.by_id import seen_columns
from projections.tables import CaseTables, case_tables

Condition = ColumnElement[Any]


class Driver(StrEnum):
    """The index that yields the candidates."""

    PAGE = "page"
    TYPE = "case_type"
    OWNER = "owner_id"
    CLOSED = "closed"
    NAME = "name"
    IDS = "case_id"
    EXTERNAL = "external_id"
    REFERENCES = "references"


class Kind(StrEnum):
    """What a candidate is tested for."""

    COLUMN = "column"
    INDEXED = "indexed"
    REFERENCE = "reference"
    PROPERTY = "property"


class Test(NamedTuple):
    """One test; its values are parameters numbered by its place in the shape."""

    kind: Kind
    column: str = ""
    operator: str = "eq"


class Shape(NamedTuple):
    """What decides the text of a statement.

    ``branches`` is the number of values the driver is asked for, each in order;
    0 means any number of values whose cases are gathered and sorted. ``counted``
    adds the total that the counters hold to each row of a page. ``ended`` adds the
    upper bound ``high``: a planner thinks too well of a range, so it is left out where
    it bounds nothing.
    """

    generation: int
    driver: Driver
    branches: int
    tests: tuple[Test, ...]
    counted: bool
    deleted_too: bool
    ended: bool


IN_ORDER = {Driver.PAGE, Driver.TYPE, Driver.OWNER, Driver.CLOSED, Driver.NAME}
"""Drivers whose index yields candidates in the order of ``indexed_on``."""
_ON_THE_ROW = {Kind.COLUMN, Kind.REFERENCE, Kind.PROPERTY}
_COMPARE: dict[str, Callable[[Any, str], Condition]] = {
    "eq": lambda column, name: column == bindparam(name),
    "gt": lambda column, name: column > bindparam(name),
    "gte": lambda column, name: column >= bindparam(name),
    "lt": lambda column, name: column < bindparam(name),
    "lte": lambda column, name: column <= bindparam(name),
    "in": in_list,
}
"""How a column meets a parameter; that of ``in`` is a list."""
_DOMAIN: Any = bindparam("domain")


@lru_cache(maxsize=1024)
def page_statement(shape: Shape) -> Statement:
    """Return the query for the rows of a page.

    Parameters: ``domain``, ``low`` (exclusive), ``high``, ``limit`` and those of the
    shape; those that the statement does not know do no harm. Rows are those of
    ``SeenCase``, with the total behind them if it is counted.
    """
    return Statement(Maker(shape).page())


@lru_cache(maxsize=1024)
def count_statement(shape: Shape) -> Statement:
    """Return the query for how many cases match between ``low`` and ``high``."""
    return Statement(Maker(shape).count())


@lru_cache(maxsize=64)
def counters_statement(generation: int, conditions: int) -> Statement:
    """Return the query for what the counters say of so many conditions.

    Condition ``i`` has the parameters ``name{i}`` and ``values{i}``.
    """
    tables = case_tables(generation)
    sums = [_counted(tables, f"name{i}", f"values{i}") for i in range(conditions)]
    return Statement(select(*sums))


def _counted(tables: CaseTables, name: str, values: str) -> ScalarSelect[Any]:
    counts = tables.case_counts
    return (
        select(cast(func.coalesce(func.sum(counts.c.n), 0), BigInteger))
        .where(
            counts.c.domain == _DOMAIN,
            counts.c.name_id == bindparam(name),
            in_list(counts.c.value, values),
        )
        .scalar_subquery()
    )


class Maker:
    """Builds the statements of one shape."""

    def __init__(self, shape: Shape, *, on_rows: bool = False) -> None:
        """Keep the shape; ``on_rows`` has the row of each candidate at hand."""
        self._shape = shape
        self._on_rows = on_rows
        self._tables = case_tables(shape.generation)
        self.cases = self._tables.cases

    def page(self) -> Select[Any]:
        """Return the rows of a page; in order unless they come from positions."""
        shape, cases = self._shape, self.cases
        columns: list[Any] = seen_columns(self._tables)
        if shape.counted:
            columns.append(_counted(self._tables, "counted_name", "counted_values"))
        if shape.driver is Driver.NAME or shape.branches > 1:
            return select(*columns).where(
                cases.c.domain == _DOMAIN,
                in_select(cases.c.indexed_on, self._positions()),
            )
        asked = self.candidates(columns, self.one_or_all())
        return asked.order_by(self._order()).limit(_limit())

    def count(self) -> Select[Any]:
        """Return how many candidates pass."""
        return self.candidates([func.count()], self.one_or_all())

    def _positions(self) -> Select[Any]:
        """Return the list positions of a page, each value's part cut to its size."""
        if self._shape.branches <= 1:
            position: Any = self.position()
            asked = self.candidates([position], self.one_or_all())
            return asked.order_by(self._order()).limit(_limit())
        parts = [
            self._branch(f"value{i}").subquery() for i in range(self._shape.branches)
        ]
        merged = union_all(*(select(part.c.indexed_on) for part in parts)).subquery()
        return select(merged.c.indexed_on).order_by(merged.c.indexed_on).limit(_limit())

    def _branch(self, name: str) -> Select[Any]:
        position = self.position()
        asked = self.candidates([position], lambda column: column == bindparam(name))
        return asked.order_by(position).limit(_limit())

    def one_or_all(self) -> Callable[[Any], Condition]:
        """Return how the driver's column meets its value or all its values."""
        if self._shape.branches == 1:
            return lambda column: column == bindparam("value0")
        return lambda column: in_list(column, "values")

    def _order(self) -> ColumnElement[Any]:
        """Return the order of the list; as a sum where no index shall promise it."""
        position = self.position()
        if self._shape.branches == 0 or self._shape.driver not in IN_ORDER:
            return position + literal_column("0")
        return position

    def position(self) -> ColumnElement[Any]:
        """Return the column that says where in the list a candidate stands."""
        if self._shape.driver is Driver.NAME:
            return self._tables.property_index.c.indexed_on
        return self.cases.c.indexed_on

    def candidates(
        self, columns: list[Any], meets: Callable[[Any], Condition]
    ) -> Select[Any]:
        """Return what the driver yields between the bounds and lets pass."""
        source, driving = self.driver(meets)
        position = self.position()
        bounds = [position > bindparam("low")]
        if self._shape.ended:
            bounds.append(position <= bindparam("high"))
        tests = self.tests()
        if self._shape.driver in IN_ORDER:
            driving += bounds
        else:
            tests += bounds
        # Opaque to a planner, so that it neither begins with a test nor guesses how
        # many cases pass and then prefers to sort them all.
        passes = [case((and_(*tests), true()), else_=false())] if tests else []
        return select(*columns).select_from(source).where(*driving, *passes)

    def driver(
        self, meets: Callable[[Any], Condition]
    ) -> tuple[FromClause, list[Condition]]:
        """Return where the driver finds its candidates, and by which conditions."""
        cases, tables = self.cases, self._tables
        match self._shape.driver:
            case Driver.PAGE:
                return cases, [cases.c.domain == _DOMAIN]
            case Driver.CLOSED:
                # Written out: a parameter would not reach the partial index.
                return cases, [
                    cases.c.domain == _DOMAIN,
                    cases.c.closed == literal_column("1"),
                ]
            case Driver.TYPE | Driver.OWNER | Driver.IDS as driver:
                return cases, [cases.c.domain == _DOMAIN, meets(cases.c[driver.value])]
            case Driver.NAME:
                return self._named(), [
                    *_keyed(tables.property_index, name_id="driver_name"),
                    meets(tables.property_index.c.value),
                ]
            case Driver.EXTERNAL:
                names = tables.external_ids
                return self._joined(names), [
                    names.c.domain == _DOMAIN,
                    meets(names.c.external_id),
                ]
        references = tables.case_indices
        return self._joined(references), [
            *_keyed(references, name="driver_name"),
            meets(references.c.target_id),
        ]

    def _named(self) -> FromClause:
        """Return the property index, with the cases where a test needs their row."""
        index, cases = self._tables.property_index, self.cases
        tests = self._shape.tests
        if not self._on_rows and not any(t.kind in _ON_THE_ROW for t in tests):
            return index
        return index.join(
            cases,
            and_(
                cases.c.domain == index.c.domain,
                cases.c.indexed_on == index.c.indexed_on,
            ),
        )

    def _joined(self, table: Table) -> FromClause:
        cases = self.cases
        return table.join(
            cases,
            and_(cases.c.domain == table.c.domain, cases.c.case_id == table.c.case_id),
        )

    def tests(self) -> list[Condition]:
        """Return what a candidate is tested for."""
        shape = self._shape
        tests = [self._test(test, f"test{i}") for i, test in enumerate(shape.tests)]
        # The property index holds live cases only.
        if not shape.deleted_too and shape.driver is not Driver.NAME:
            tests.insert(0, self.cases.c.deleted_on.is_(None))
        return tests

    def _test(self, test: Test, name: str) -> Condition:
        meets = _COMPARE[test.operator]
        match test.kind:
            case Kind.COLUMN:
                return meets(self.cases.c[test.column], name)
            case Kind.INDEXED:
                return self._indexed(meets, name)
            case Kind.REFERENCE:
                return self._refers(meets, name)
        value = property_text(self.cases.c.properties, f"{name}_name")
        return meets(func.coalesce(value, literal_column("''")), name)

    def _indexed(self, meets: Callable[[Any, str], Condition], name: str) -> Condition:
        other = self._tables.property_index.alias(name)
        position = self.position()
        return exists(
            select(literal_column("1")).where(
                *_keyed(other, name_id=f"{name}_name"),
                meets(other.c.value, name),
                # Were it an equality, PostgreSQL might hash all rows of the name.
                other.c.indexed_on >= position,
                other.c.indexed_on <= position,
            )
        )

    def _refers(self, meets: Callable[[Any, str], Condition], name: str) -> Condition:
        other = self._tables.case_indices.alias(name)
        return exists(
            select(literal_column("1")).where(
                *_keyed(other, name=f"{name}_name"),
                meets(other.c.target_id, name),
                other.c.case_id >= self.cases.c.case_id,
                other.c.case_id <= self.cases.c.case_id,
            )
        )


def _keyed(table: FromClause, **parameters: str) -> list[Condition]:
    """Return the equalities that begin a table's key; values are parameter names."""
    return [
        table.c.domain == _DOMAIN,
        *(table.c[column] == bindparam(name) for column, name in parameters.items()),
    ]


def _limit() -> Any:
    return bindparam("limit", type_=Integer())
