"""From the headers of a sheet to the fields that its columns fill. Pure.

The rules are those of ``rules/excel-import.md`` 5, 6.2 and 9.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from importers.excel.rules.options import ExcelOptions, SearchField
from importers.tables.rows import REASONS, last_column, repeated

NAME = "name"
RESERVED = ("type", "closed")
OLD_IDENTIFIER = "parent_ref"
NEVER = frozenset({*RESERVED, OLD_IDENTIFIER})
"""Columns that an import must not have; dropped where there are many sheets."""

BUILT_IN = frozenset(
    {
        NAME,
        "external_id",
        "owner_id",
        "owner_name",
        "parent_id",
        "parent_external_id",
        "parent_type",
        "parent_relationship_type",
        "parent_identifier",
        "close",
        "case_type",
        "date_opened",
    }
)
"""Fields that say something about a case beside its properties (rule 9)."""

_NO_COLUMN = 'Error: The spreadsheet has no column named "{}" to search by.'
_RESERVED = 'Error: Field name "{}" is reserved'
_DEPRECATED = (
    'Error: Field name "parent_ref" is deprecated. '
    'Please use "parent_identifier" instead.'
)


@dataclass(frozen=True, slots=True)
class ColumnWarning:
    """Something about a column that whoever sent the sheet should know."""

    title: str
    column: str
    description: str


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a whole import fails at its first data row (rule 14.4)."""

    column: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """Which column fills which field; places count from 0.

    ``search`` is the column of the ids to look up, ``None`` where there is none.
    """

    case_type: str
    search_field: SearchField
    search: int | None
    fields: Mapping[str, int]
    headers: tuple[str, ...]
    warnings: tuple[ColumnWarning, ...]
    failure: Failure | None

    @property
    def properties(self) -> tuple[tuple[str, int], ...]:
        """Return the fields that are properties of a case, with their columns."""
        return tuple((n, p) for n, p in self.fields.items() if n not in BUILT_IN)


def columns_of(
    headers: Sequence[str], options: ExcelOptions, case_type: str
) -> Columns:
    """Return the meaning of the headers of a sheet."""
    search_column = _search_column(headers, options)
    search = last_column(headers, search_column)
    name_column = _name_column(headers, options)
    fields: dict[str, int] = {}
    ignored: list[ColumnWarning] = []
    for header in dict.fromkeys(filter(None, headers)):
        place = last_column(headers, header)
        why = _why_ignored(header, options, name_column=name_column)
        if place is None or (header == search_column and header != name_column):
            continue
        if why:
            ignored.append(ColumnWarning("Ignored column", header, why))
            continue
        fields[NAME if header == name_column else header] = place
    if options.search_field is SearchField.EXTERNAL_ID and search is not None:
        fields["external_id"] = search
    return Columns(
        case_type=case_type,
        search_field=options.search_field,
        search=search,
        fields=fields,
        headers=tuple(headers),
        warnings=(*_repeated(headers), *ignored),
        failure=_failure(search, search_column, fields),
    )


def _search_column(headers: Sequence[str], options: ExcelOptions) -> str:
    if options.search_column is not None:
        return options.search_column
    word = options.search_field.value
    if options.is_many and word == "case_id" and word not in headers:
        return "caseid" if "caseid" in headers else word
    return word


def _name_column(headers: Sequence[str], options: ExcelOptions) -> str:
    """Return the column of the name; ``case_name`` stands in (rule 6.2a)."""
    if options.name_column is not None:
        # One that is not in the sheet is ignored (rule 2.5).
        return options.name_column if options.name_column in headers else NAME
    return NAME if NAME in headers or "case_name" not in headers else "case_name"


def _why_ignored(header: str, options: ExcelOptions, *, name_column: str) -> str:
    """Return why a column fills nothing, an empty text for one that does."""
    if header == name_column:
        return ""
    if header in {NAME, "case_name"}:
        return f"The case name is taken from the column {name_column}"
    if header == "case_id":
        return "The id of a case cannot be changed"
    if header == REASONS:
        return "It tells why rows of an earlier import failed"
    if header in NEVER and options.is_many:
        return "Files of many sheets cannot set it"
    return ""


def _failure(
    search: int | None, search_column: str, fields: Mapping[str, int]
) -> Failure | None:
    if search is None:
        return Failure(search_column, _NO_COLUMN.format(search_column))
    for name in fields:
        if name in RESERVED:
            return Failure(name, _RESERVED.format(name))
        if name == OLD_IDENTIFIER:
            return Failure(name, _DEPRECATED)
    return None


def _repeated(headers: Sequence[str]) -> Iterator[ColumnWarning]:
    for header in repeated(headers):
        text = "Several columns have this header; the last one is used"
        yield ColumnWarning("Duplicate column", header, text)
