"""Questions about cases, as values. Pure.

What a list request asks for (``rules/case-api-v2.md`` 6), whatever dialect asked.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from ledger.times import Instant, Micros
    from projections.csql.nodes import Node
    from projections.rule.case_row import SeenCase


class Operator(StrEnum):
    """How a time is compared."""

    GT = "gt"
    GTE = "gte"
    LT = "lt"
    LTE = "lte"


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeRange:
    """One comparison of a time column; several values mean any of them.

    ``column`` is a column of the ``cases`` read table: ``modified_on``,
    ``server_modified_on``, ``opened_on``, ``closed_on`` or ``indexed_on``.
    """

    column: str
    operator: Operator
    values: tuple[Instant, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseFilter:
    """Conditions that all hold; several values of one condition mean any of them.

    ``equals`` maps a column (``case_id``, ``case_type``, ``case_name``, ``owner_id``,
    ``external_id``, ``modified_by``, ``opened_by``, ``closed_by``) to values.
    ``properties`` maps a property name to values, where the empty value matches cases
    in which it is empty or not set. ``indices`` maps an index name to ids of the cases
    it points at. ``closed`` is empty when it does not matter. ``folded`` are columns
    with a text in any letter case; windows alone take them.
    """

    equals: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    closed: tuple[bool, ...] = ()
    indices: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    properties: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    ranges: tuple[TimeRange, ...] = ()
    query: Node | None = None
    include_deleted: bool = False
    folded: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Which part of the answer: at most ``limit`` cases indexed after ``after``."""

    limit: int
    after: Micros | None = None


class Sort(NamedTuple):
    """One column that a list is sorted by.

    ``column`` is ``indexed_on``, ``server_modified_on`` or ``modified_on``.
    """

    column: str
    descending: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Which part of the answer, counted: ``limit`` cases behind the first ``offset``.

    ``sorts`` has the strongest column first; cases that are equal in all of them stand
    in the order of their ids, in the direction of the strongest.
    """

    limit: int
    offset: int
    sorts: tuple[Sort, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CasePage:
    """A part of the answer: the rows, how many match in all, where the next begins.

    ``after`` is ``None`` when no further case matches.
    """

    rows: tuple[SeenCase, ...]
    total: int
    after: Micros | None = None
