"""From the headers of a sheet to the fields that its columns fill. Pure.

The rules are those of ``rules/excel-import.md`` 5, 6.2 and 9.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from importers.excel.rules.options import (
    ExcelOptions,
    Refused,
    SearchField,
    renamed,
)
from importers.rows.rules.names import advice, fitting, letters_of
from importers.rows.rules.repeated import Different, Repeated
from importers.tables.notices import Notice
from importers.tables.rows import REASONS, ZEROS, Row

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

"""The title under which a reader tells of zeros that only a format shows."""

ID_FIELDS = frozenset({"external_id", "owner_id", "parent_id", "parent_external_id"})
"""Fields that hold an id, beside the search column (rule 8.1)."""

_REFERRING = frozenset(
    {
        "parent_id",
        "parent_external_id",
        "parent_type",
        "parent_relationship_type",
        "parent_identifier",
        "case_type",
    }
)
"""Fields by which a row names, or becomes, a case of another type."""

_BY_LETTERS = BUILT_IN - {NAME, "date_opened"}
"""Fields that a header means if it has their letters; the name goes by other rules."""

_NO_SEARCH_COLUMN = 'Error: The spreadsheet has no column named "{}" to search by. {}'
_NO_NAME_COLUMN = (
    'Error: The spreadsheet has no column named "{}" to take names from. {}'
)
_NOT_SHOWN = 'Error: The spreadsheet has no column named "{}" to read as shown. {}'
_SEVERAL = (
    'Error: Several columns may be meant by "{}": {}. '
    "Rename the one that is meant, and the others to something else."
)
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
    as_shown: frozenset[int] = frozenset()
    """Columns whose numbers are read as a spreadsheet shows them (rule 4.3e)."""

    @property
    def ids(self) -> tuple[int, ...]:
        """Return the columns that hold ids (rule 8.1)."""
        places = [self.fields[name] for name in ID_FIELDS if name in self.fields]
        if self.search is not None:
            places.append(self.search)
        return tuple(sorted(set(places)))

    def is_shown(self, notice: Notice) -> bool:
        """Tell whether a reader told of zeros that were imported (rule 4.3e)."""
        if notice.title != ZEROS:
            return False
        return any(self.headers[place] == notice.column for place in self.as_shown)

    @property
    def search_header(self) -> str:
        """Return the header of the search column, an empty text without one."""
        return "" if self.search is None else self.headers[self.search]

    @property
    def properties(self) -> tuple[tuple[str, int], ...]:
        """Return the fields that are properties of a case, with their columns."""
        return tuple((n, p) for n, p in self.fields.items() if n not in BUILT_IN)


def columns_of(
    headers: Sequence[str], options: ExcelOptions, case_type: str
) -> Columns:
    """Return the meaning of the headers of a sheet."""
    headers = renamed(headers, options)
    meant = _Meant(headers, options)
    ignored: list[ColumnWarning] = []
    fields: dict[str, int] = {}
    for header, name in meant.fields.items():
        why = _why_ignored(header, options, name_column=meant.name or NAME)
        if why:
            ignored.append(ColumnWarning("Ignored column", header, why))
        else:
            fields[name] = _place(headers, header)
    search = None if meant.search is None else _place(headers, meant.search)
    if options.search_field is SearchField.EXTERNAL_ID and search is not None:
        fields["external_id"] = search
    return Columns(
        case_type=case_type,
        search_field=options.search_field,
        search=search,
        fields=fields,
        headers=tuple(headers),
        warnings=(*_repeated(headers), *meant.told(), *ignored),
        failure=meant.failure or _failure(fields),
        as_shown=frozenset(_place(headers, header) for header in meant.as_shown),
    )


def refers_to_others(headers: Sequence[str], options: ExcelOptions) -> bool:
    """Tell whether a column leads to cases of other types (rule 17.2a)."""
    meant = _Meant(renamed(headers, options), options)
    return not _REFERRING.isdisjoint(meant.fields.values())


def meant_headers(headers: Sequence[str], options: ExcelOptions) -> set[str]:
    """Return the headers that need not be names of properties (rule 6.1b)."""
    return _Meant(headers, options).other_names()


class _Meant:
    """Which header is meant by each column that has a meaning (rule 6.1b).

    ``search`` and ``name`` are headers, and so are the keys of ``fields``, whose values
    are the fields that they fill. ``failure`` is the first reason why that cannot be
    told.
    """

    def __init__(self, headers: Sequence[str], options: ExcelOptions) -> None:
        self._headers = [header for header in dict.fromkeys(headers) if header]
        self._options = options
        self.failure: Failure | None = None
        self.search = self._searched()
        self.name = self._named()
        self.as_shown = [
            found
            for wanted in options.as_shown
            if not self._does_without(wanted)
            and (found := self._required(wanted, _NOT_SHOWN)) is not None
        ]
        self.fields = {
            header: NAME if header == self.name else self._field(header)
            for header in self._headers
            if header != self.search or header == self.name
        }

    def told(self) -> Iterator[ColumnWarning]:
        """Yield which columns are taken as another than they are called."""
        for header, wanted in self._renamed():
            text = f'It is taken as "{wanted}"'
            yield ColumnWarning("Column taken as another", header, text)

    def other_names(self) -> set[str]:
        """Return the headers that name no property, however they are written."""
        return {header for header, _ in self._renamed()} | {
            header for header in (self.search, self.name) if header is not None
        }

    def _renamed(self) -> Iterator[tuple[str, str]]:
        """Yield the headers that were found by their letters, and what they mean."""
        wanted = self._search_word()
        if self.search is not None and self.search != wanted:
            yield self.search, wanted
        wanted = self._options.name_column or NAME
        if self.name not in {None, wanted, "case_name"}:
            yield self.name or "", wanted
        for header, field in self.fields.items():
            if header not in {field, self.name}:
                yield header, field

    def _search_word(self) -> str:
        if self._options.search_column is not None:
            return self._options.search_column
        word = self._options.search_field.value
        # Exports of HQ call it so (rule 5.3).
        is_export = self._options.is_many and word not in self._headers
        return "caseid" if is_export and "caseid" in self._headers else word

    def _searched(self) -> str | None:
        return self._required(self._search_word(), _NO_SEARCH_COLUMN)

    def _named(self) -> str | None:
        """Return the column of the name; ``case_name`` stands in (rule 6.2a)."""
        wanted = self._options.name_column
        if wanted is not None and not self._does_without(wanted):
            return self._required(wanted, _NO_NAME_COLUMN)
        return self._one(NAME) or self._one("case_name")

    def _does_without(self, wanted: str) -> bool:
        """Tell whether a sheet of many lacks a column that others may have."""
        return self._options.is_many and not fitting(wanted, self._headers)

    def _required(self, wanted: str, text: str) -> str | None:
        found = self._one(wanted)
        if found is None:
            self._fail(wanted, text.format(wanted, advice(wanted, self._headers)))
        return found

    def _one(self, wanted: str) -> str | None:
        """Return the header that is meant; several fail the import."""
        found = fitting(wanted, self._headers)
        if len(found) > 1:
            listed = ", ".join(f'"{header}"' for header in found)
            self._fail(wanted, _SEVERAL.format(wanted, listed))
        return found[0] if len(found) == 1 else None

    def _field(self, header: str) -> str:
        """Return the field that a header fills, mostly a property of its own name."""
        if header in BUILT_IN:
            return header
        field = _BUILT_IN_LETTERS.get(letters_of(header))
        if field is None or field in self._headers:
            return header
        return field if self._one(field) == header else header

    def _fail(self, column: str, text: str) -> None:
        self.failure = self.failure or Failure(column, text)


_BUILT_IN_LETTERS: Mapping[str, str] = {letters_of(n): n for n in sorted(_BY_LETTERS)}


def _place(headers: Sequence[str], header: str) -> int:
    """Return the column of a header: the last one that bears it (rule 4.2b)."""
    return len(headers) - 1 - list(reversed(headers)).index(header)


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


def _failure(fields: Mapping[str, int]) -> Failure | None:
    for name in fields:
        if name in RESERVED:
            return Failure(name, _RESERVED.format(name))
        if name == OLD_IDENTIFIER:
            return Failure(name, _DEPRECATED)
    return None


def check_repeated(headers: Sequence[str], rows: Callable[[], Iterable[Row]]) -> None:
    """Raise ``Refused`` where columns of one header differ in a row (check 13a)."""
    columns = Repeated(headers)
    try:
        for row in rows() if columns else ():
            columns.check(row.number, row.texts)
    except Different as error:
        raise Refused(f"Error: {error}") from None


def _repeated(headers: Sequence[str]) -> Iterator[ColumnWarning]:
    for notice in Repeated(headers).notices():
        yield ColumnWarning(notice.title, notice.column, notice.text)
