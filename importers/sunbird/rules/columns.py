"""The columns of the three kinds of files, and what is wrong with a header. Pure.

``rules/batch-imports.md`` 2.3.2 and 2.4.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from ledger.errors import LedgerError


class ObjectType(StrEnum):
    """What the rows of a file are."""

    USER = "user"
    LOCATION = "location"
    ORGANISATION = "organisation"


class Code(StrEnum):
    """The code of an error of the upload request (rule 2.3.2)."""

    INVALID_DATA = "INVALID_DATA"
    NO_FILE = "MISSING_FILE_ATTACHMENT"
    TOO_LARGE = "MAX_ALLOWED_SIZE_LIMIT_EXCEED"
    MISSING = "MANDATORY_PARAMETER_MISSING"
    EMPTY = "EMPTY_CSV_FILE"
    COLUMNS = "INVALID_COLUMNS"
    NO_ROWS = "ERROR_CSV_NO_DATA_ROWS"
    TOO_MANY = "DATA_SIZE_EXCEEDED"
    NO_CSV = "INVALID_CSV_FILE"


class Refused(LedgerError):
    """A file cannot be taken; ``code`` and ``text`` are for whoever sent it."""

    def __init__(self, code: Code, text: str) -> None:
        """Keep the code and its text."""
        super().__init__(text)
        self.code = code
        self.text = text


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its internal name, how headers call it, whether it must be there."""

    name: str
    titles: tuple[str, ...] = ()
    is_mandatory: bool = False
    """Of a file with locations every column must be there, of a row not every value."""

    needs_value: bool = False


def _must(name: str, *titles: str) -> Column:
    return Column(name, titles, is_mandatory=True, needs_value=True)


COLUMNS: dict[ObjectType, tuple[Column, ...]] = {
    ObjectType.LOCATION: (
        _must("code"),
        _must("name"),
        Column("parentCode", is_mandatory=True),
        Column("parentId", is_mandatory=True),
    ),
    ObjectType.USER: (
        _must("firstName", "NAME"),
        _must("userType", "USER_TYPE"),
        _must("roles", "ROLES"),
        Column("phone", ("MOBILE PHONE",)),
        Column("email", ("EMAIL",)),
        Column("orgId", ("SCHOOL ID",)),
        Column("orgExternalId", ("SCHOOL EXTERNAL ID", "EXTERNAL ID")),
        Column("userId", ("USER ID",)),
    ),
    ObjectType.ORGANISATION: (
        _must("orgName", "SCHOOL NAME"),
        _must("locationCode", "BLOCK CODE"),
        _must("status", "STATUS"),
        Column("organisationId", ("SCHOOL ID",)),
        Column("externalId", ("EXTERNAL ID",)),
        Column("description", ("DESCRIPTION",)),
        Column("organisationType", ("ORGANISATION TYPE",)),
    ),
}
"""In the order in which missing ones are told."""


def read_header(kind: ObjectType, cells: Sequence[str]) -> tuple[str | None, ...]:
    """Return the internal name of each column, ``None`` for one without a header.

    Raises ``Refused`` with the first of the checks 7 to 9 that fails.
    """
    exact = kind is ObjectType.LOCATION
    if exact:
        _check_mandatory(kind, set(cells))
    known = _known(kind)
    names = []
    for cell in cells:
        spelled = cell if exact else cell.lower()
        if cell and spelled not in known:
            raise Refused(Code.COLUMNS, _not_valid(spelled, kind))
        names.append(known[spelled] if cell else None)
    if not exact:
        _check_mandatory(kind, set(names))
    return tuple(names)


def missing(name: str) -> str:
    """Return the text for a column or value that must be there."""
    return f"Mandatory parameter {name} is missing."


def _known(kind: ObjectType) -> dict[str, str]:
    """Return the internal names by how headers may call them."""
    columns = COLUMNS[kind]
    if kind is ObjectType.LOCATION:
        return {column.name: column.name for column in columns}
    found = {t.lower(): column.name for column in columns for t in column.titles}
    return found | {column.name.lower(): column.name for column in columns}


def _check_mandatory(kind: ObjectType, present: set[str] | set[str | None]) -> None:
    for column in COLUMNS[kind]:
        if column.is_mandatory and column.name not in present:
            raise Refused(Code.MISSING, missing(column.name))


def _not_valid(cell: str, kind: ObjectType) -> str:
    accepted = (
        name for c in COLUMNS[kind] for name in (*map(str.lower, c.titles), c.name)
    )
    return f"Invalid column: {cell}. Valid columns are: {', '.join(accepted)}."
