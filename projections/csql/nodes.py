"""A CSQL expression as a tree of values (``rules/case-api-v2.md`` 6.3). Pure.

Leaves are conditions on one property of one case; every leaf has the property's
``name``, which is a user property or a pseudo-property. A case without the property is
a case whose value is the empty text: no construct of the language can tell them apart.

A pseudo-property always hides a user property of the same name (``name``,
``closed_on`` and ``last_modified`` can be both), as in CommCare HQ's search index.
``properties.<name>`` of the list endpoint reaches the hidden one.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from ledger.times import Instant

STATUS_OPEN = "open"
STATUS_CLOSED = "closed"
TIME_PROPERTIES = frozenset({"date_opened", "closed_on", "last_modified"})
"""Pseudo-properties that hold times: equality with a date means that day."""


class Comparator(StrEnum):
    """How two values are compared, as it is written."""

    EQ = "="
    NE = "!="
    LT = "<"
    LE = "<="
    GT = ">"
    GE = ">="


@dataclass(frozen=True, slots=True, kw_only=True)
class Constant:
    """``match-all()`` and ``match-none()``."""

    value: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class And:
    """All parts hold."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Or:
    """At least one part holds."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Not:
    """The part does not hold; ``p != 'v'`` is the negation of ``p = 'v'``."""

    part: Node


@dataclass(frozen=True, slots=True, kw_only=True)
class Equals:
    """The whole value is exactly this text; the empty text also means: not set."""

    name: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CompareNumber:
    """The value is a number and compares so."""

    name: str
    comparator: Comparator
    bound: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CompareDay:
    """The value is a date or date-time and its UTC day compares so.

    ``date_opened > '2020-01-31'`` thus begins with the next day, as in rule 6.1.1.
    """

    name: str
    comparator: Comparator
    bound: date


@dataclass(frozen=True, slots=True, kw_only=True)
class CompareInstant:
    """The value is a date (its midnight UTC) or date-time and compares so."""

    name: str
    comparator: Comparator
    bound: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class SelectedAny:
    """One of these words is a word of the value."""

    name: str
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SelectedAll:
    """All these words are words of the value."""

    name: str
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StartsWith:
    """The value begins with exactly this text."""

    name: str
    prefix: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FuzzyMatch:
    """The value, or one of its words, is spelled almost like this text."""

    name: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PhoneticMatch:
    """A word of the value sounds like a word of this text."""

    name: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WithinDistance:
    """The value is a place (``lat lon alt accuracy``) at most so far away."""

    name: str
    latitude: float
    longitude: float
    metres: float


@dataclass(frozen=True, slots=True, kw_only=True)
class AncestorExists:
    """Following the indices of ``path`` upward leads to a case that matches."""

    path: tuple[str, ...]
    condition: Node


@dataclass(frozen=True, slots=True, kw_only=True)
class SubcaseCount:
    """The number of matching cases whose index points here compares so."""

    index: str
    condition: Node
    comparator: Comparator
    count: int


Leaf = (
    Equals
    | CompareNumber
    | CompareDay
    | CompareInstant
    | SelectedAny
    | SelectedAll
    | StartsWith
    | FuzzyMatch
    | PhoneticMatch
    | WithinDistance
)
Node = Constant | And | Or | Not | Leaf | AncestorExists | SubcaseCount
