"""Cases as rows of an upload see them, and what becomes of a row. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from importers.sunbird.rules.columns import ObjectType
from importers.sunbird.rules.settings import Rules
from importers.tables.notices import Notice
from ledger.cases.case import Case
from ledger.entry import Author
from ledger.errors import LedgerError

PARENT = "parent"
PARENT_TYPES = {
    ObjectType.LOCATION: "location",
    ObjectType.ORGANISATION: "location",
    ObjectType.USER: "organisation",
}
"""The type of the case at the index ``parent`` (``rules/batch-imports.md`` 2.6)."""

FAILED = "Process failed,please try again later."
"""What is said of a row for which nothing else can be said."""

CREATE = "create"
UPDATE = "update"


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """An open case. The values of ``properties`` are never empty."""

    case_id: str
    case_type: str
    name: str
    external_id: str | None = None
    properties: Mapping[str, str] = field(default_factory=dict)
    parent_id: str | None = None


class Cases(Protocol):
    """The open cases of the domain, rows before this one included."""

    def by_id(self, case_id: str, case_type: str) -> Known | None:
        """Return the case of a type with an id."""

    def by_external(self, external_id: str, case_type: str) -> Sequence[Known]:
        """Return the cases of a type with an external id, the oldest first."""

    def holders(self, name: str, value: str) -> Sequence[Known]:
        """Return the users with an ``email``, in lower case, or a ``phone``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What an upload is about, the same for every row of it."""

    kind: ObjectType
    rules: Rules
    domain: str
    author: Author
    location_type: str = ""
    owner_id: str = ""
    """Whom new cases belong to; the author where it is empty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A row that can be stored: the case as it is and as it will be.

    ``told`` is what whoever sent the row should know of it.
    """

    operation: str
    before: Known | None
    after: Known
    shown: Mapping[str, Any]
    told: tuple[Notice, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """A row that cannot be stored, as it is told."""

    message: str
    shown: Mapping[str, Any]


class RowFailed(LedgerError):
    """A row breaks a rule; the text is what is told."""


def known_of(case: Case) -> Known:
    """Return a case as rows see it."""
    parent = case.live_indices.get(PARENT)
    return Known(
        case_id=case.case_id,
        case_type=case.case_type,
        name=case.case_name,
        external_id=case.external_id,
        properties={name: text for name, text in case.properties.items() if text},
        parent_id=None if parent is None else parent.case_id,
    )
