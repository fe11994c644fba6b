"""The columns of the three kinds of files, and what is wrong with a header. Pure.

``rules/batch-imports.md`` 2.3.2 and 2.4.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from importers.rows.rules.names import letters_of
from importers.tables.notices import Notice
from importers.tables.rows import REASONS
from ledger.errors import LedgerError
from ledger.forms.names import printable


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

    The reasons of failed rows that come back are no column. Raises ``Refused`` with
    the first of the checks 7 to 9 that fails.
    """
    is_location = kind is ObjectType.LOCATION
    known = _known(kind)
    names = [known.get(letters_of(cell)) if cell else None for cell in cells]
    if is_location:
        _check_mandatory(kind, set(names))
    for cell, name in zip(cells, names, strict=True):
        if cell and name is None and cell != REASONS:
            spelled = cell if is_location else cell.lower()
            raise Refused(Code.COLUMNS, _not_valid(spelled, kind))
    _check_mandatory(kind, set(names))
    return tuple(names)


def told_of_header(kind: ObjectType, cells: Sequence[str]) -> Iterator[Notice]:
    """Yield which columns are taken as another than they are called."""
    spelled = {
        title if kind is ObjectType.LOCATION else title.lower()
        for column in COLUMNS[kind]
        for title in (column.name, *column.titles)
    }
    for cell, name in zip(cells, read_header(kind, cells), strict=True):
        given = cell if kind is ObjectType.LOCATION else cell.lower()
        if name is not None and given not in spelled:
            text = f'It is taken as "{name}"'
            yield Notice("Column taken as another", text, cell)


def check_same(
    cells: Sequence[str],
    names: Sequence[str | None],
    values: Sequence[str],
    *,
    row: int,
) -> None:
    """Let a row pass whose columns of one meaning do not contradict each other.

    One without a value says nothing. Raises ``Refused``.
    """
    said: dict[str, int] = {}
    for place, (name, value) in enumerate(zip(names, values, strict=False)):
        if name is None or not value:
            continue
        first = said.setdefault(name, place)
        if values[first] != value:
            text = (
                f'The columns "{printable(cells[first])}" and '
                f'"{printable(cells[place])}" mean the same, and they differ in row '
                f"{row}. Remove one of them."
            )
            raise Refused(Code.COLUMNS, text)


def missing(name: str) -> str:
    """Return the text for a column or value that must be there."""
    return f"Mandatory parameter {name} is missing."


def _known(kind: ObjectType) -> dict[str, str]:
    """Return the internal names by the letters that headers may call them by."""
    columns = COLUMNS[kind]
    found = {letters_of(t): column.name for column in columns for t in column.titles}
    return found | {letters_of(column.name): column.name for column in columns}


def _check_mandatory(kind: ObjectType, present: set[str | None]) -> None:
    for column in COLUMNS[kind]:
        if column.is_mandatory and column.name not in present:
            raise Refused(Code.MISSING, missing(column.name))


def _not_valid(cell: str, kind: ObjectType) -> str:
    accepted = (
        name for c in COLUMNS[kind] for name in (*map(str.lower, c.titles), c.name)
    )
    return f"Invalid column: {cell}. Valid columns are: {', '.join(accepted)}."
