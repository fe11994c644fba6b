"""What an upload of a spreadsheet of cases asks for, and its checks. Pure.

The order and the words of the refusals are those of ``rules/excel-import.md`` 3.2.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from importers.rows.rules.ids import trimmed
from importers.rows.rules.names import advice
from importers.tables.rows import GAP
from importers.tables.unreadable import Limits, Reason, Unreadable
from ledger.errors import LedgerError
from ledger.forms.names import is_legal, is_name, printable

LONGEST = 255
LONGEST_COMMENT = 2048
LAST_HEADER_ROW = GAP
"""A sheet ends behind so many blank rows."""

ALL_TYPES = "commcare-all-case-types"
"""What the history shows as the type of an import of many sheets (rule 5.2)."""

LOST = (
    "There was an unexpected error retrieving the file you uploaded. "
    "Please try again and contact support if the problem persists."
)
BAD_COMMENT = f"comment must be shorter than {LONGEST_COMMENT} characters"

_MISSING = "Error: Invalid POST request. Both 'file' and 'case_type' are required"
_ENCRYPTED = (
    "The file you want to import is password protected. "
    "Please choose a file that is not password protected."
)
_NO_SHEETS = (
    "It seems as though your spreadsheet contains no sheets. "
    "Please resave it and try again."
)
_EMPTY = (
    "Error: Your spreadsheet is empty. Please try again with a different spreadsheet."
)
_HEADERS = (
    "Column names correspond to case property names. They must start with a letter, "
    "and can only contain letters, numbers and underscores. "
    "Please update the following: {}."
)
_FILE_ERROR = "The file uploaded has the following error: "
_HEADER = re.compile(r"[a-zA-Z][\w-]*")
_ROW = re.compile(r"[1-9][0-9]{0,3}", re.ASCII)
_SAID = frozenset({Reason.ROWS, Reason.COLUMNS, Reason.SIZE, Reason.NO_HEADER})


_NAMES = ("case_type", "search_column", "name_column")


class Refused(LedgerError):
    """An upload is not taken; ``text`` is the message of the answer (rule 3.2)."""

    def __init__(self, text: str, *, status: int = 500) -> None:
        """Keep the text and the HTTP status that goes with it."""
        super().__init__(text)
        self.text = text
        self.status = status


class SearchField(StrEnum):
    """By which id the case of a row is found."""

    CASE_ID = "case_id"
    EXTERNAL_ID = "external_id"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """A sheet to import, and the type of its cases."""

    title: str
    case_type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ExcelOptions:
    """The fields of an upload (rule 2), and the sheets to be read (rule 5).

    ``search_column`` is ``None`` where none was given.
    """

    case_type: str
    search_field: SearchField = SearchField.CASE_ID
    search_column: str | None = None
    create: bool = False
    create_in_many: bool = False
    """Whether an import of many sheets creates: ``True`` is a yes there (rule 5.2)."""
    name_column: str | None = None
    comment: str | None = None
    dry_run: bool = False
    header_row: int = 1
    """The row that has the headers; rows above it are not read (rule 2.6a)."""
    as_shown: tuple[str, ...] = ()
    """Columns whose numbers are read as a spreadsheet shows them (rule 2.9)."""
    trimmed: tuple[str, ...] = ()
    """The fields of the upload that had blanks at their ends (rule 2.4a)."""
    renamed: tuple[tuple[str, str], ...] = ()
    """Headers, and what their columns are called instead (rule 2.10)."""
    sheets: tuple[Sheet, ...] = field(default=())
    touches: tuple[str, ...] | None = None
    """The case types that rows can find or make; ``None`` for any (rule 17.2a)."""
    ignored_sheets: tuple[str, ...] = ()

    @property
    def is_many(self) -> bool:
        """Tell whether every sheet is an import of its own."""
        return len(self.sheets) > 1

    @property
    def creates(self) -> bool:
        """Tell whether rows without a case make one."""
        return self.create_in_many if self.is_many else self.create


def read_options(fields: Mapping[str, str], *, has_file: bool) -> ExcelOptions:
    """Return what the fields of a request ask for; raises ``Refused``.

    These are the checks that come before the file: 1 and 2, and those of the product.
    """
    fields, changed = _without_blanks(fields)
    case_type = fields.get("case_type", "")
    if not has_file or not case_type:
        raise Refused(_MISSING)
    search_field = fields.get("search_field", SearchField.CASE_ID.value)
    if search_field not in set(SearchField):
        raise Refused(
            f"Error: Illegal value for search_field: {printable(search_field)}"
        )
    _check_texts(fields, case_type)
    creates = fields.get("create_new_cases")
    return ExcelOptions(
        case_type=case_type,
        search_field=SearchField(search_field),
        search_column=fields.get("search_column") or None,
        create=creates == "on",
        create_in_many=creates in {"on", "True"},
        name_column=fields.get("name_column") or None,
        comment=fields.get("comment"),
        dry_run=fields.get("dry_run") == "on",
        header_row=_header_row(fields.get("header_row", "")),
        as_shown=tuple(_listed(fields.get("as_shown", ""))),
        trimmed=changed,
    )


def _header_row(text: str) -> int:
    if not text.strip():
        return 1
    if not _ROW.fullmatch(text.strip()) or int(text) > LAST_HEADER_ROW:
        raise Refused(
            f"Error: header_row must be a number from 1 to {LAST_HEADER_ROW}, "
            f"not {printable(text)}"
        )
    return int(text)


def _without_blanks(
    fields: Mapping[str, str],
) -> tuple[dict[str, str], tuple[str, ...]]:
    """Return the fields with names trimmed, and which of them were not."""
    seen = {name: trimmed(fields[name]) for name in _NAMES if name in fields}
    changed = tuple(name for name, text in seen.items() if text != fields[name])
    return {**fields, **{name: seen[name] for name in changed}}, changed


def _listed(text: str) -> Iterator[str]:
    """Yield the columns that a field lists, with commas between."""
    yield from dict.fromkeys(filter(None, map(trimmed, text.split(","))))


def _check_texts(fields: Mapping[str, str], case_type: str) -> None:
    if len(case_type) > LONGEST:
        raise Refused(f"Error: case_type cannot be longer than {LONGEST} characters")
    for name in (*_NAMES, "as_shown", "comment"):
        if not is_legal(fields.get(name, "")):
            raise Refused(f"Error: {name} holds characters that cannot be stored")


def check_comment(options: ExcelOptions) -> None:
    """Raise ``Refused`` for a comment that is too long (check 17)."""
    if len(options.comment or "") > LONGEST_COMMENT:
        raise Refused(f"Error: {BAD_COMMENT}")


def to_json(options: ExcelOptions) -> dict[str, Any]:
    """Return options as they are kept with the job."""
    return {
        "case_type": options.case_type,
        "search_field": options.search_field.value,
        "search_column": options.search_column,
        "create": options.create,
        "create_in_many": options.create_in_many,
        "name_column": options.name_column,
        "comment": options.comment,
        "dry_run": options.dry_run,
        "header_row": options.header_row,
        "as_shown": list(options.as_shown),
        "trimmed": list(options.trimmed),
        "renamed": [list(pair) for pair in options.renamed],
        "sheets": [[sheet.title, sheet.case_type] for sheet in options.sheets],
        "ignored_sheets": list(options.ignored_sheets),
        "touches": None if options.touches is None else list(options.touches),
    }


def limits_to_json(limits: Limits) -> dict[str, int]:
    """Return the limits that an upload was taken under, for its job to keep to."""
    return {name: getattr(limits, name) for name in _LIMITS}


def limits_from_json(kept: Mapping[str, Any]) -> Limits:
    """Return the limits of a job, by its options; the usual ones of an older one."""
    return Limits(**kept.get("limits", {}))


def from_json(kept: Mapping[str, Any]) -> ExcelOptions:
    """Return options as ``to_json`` wrote them."""
    known = {name: kept[name] for name in _KEPT}
    sheets = tuple(Sheet(title=t, case_type=kind) for t, kind in kept["sheets"])
    return ExcelOptions(
        **known,
        search_field=SearchField(kept["search_field"]),
        header_row=kept.get("header_row", 1),
        as_shown=tuple(kept.get("as_shown", ())),
        trimmed=tuple(kept.get("trimmed", ())),
        renamed=tuple((old, new) for old, new in kept.get("renamed", ())),
        sheets=sheets,
        ignored_sheets=tuple(kept["ignored_sheets"]),
        touches=None if kept.get("touches") is None else tuple(kept["touches"]),
    )


_LIMITS = ("rows", "columns", "file_size")
_KEPT = (
    "case_type",
    "search_column",
    "create",
    "create_in_many",
    "name_column",
    "comment",
    "dry_run",
)


def bad_headers(headers: Iterable[str]) -> list[str]:
    """Return the headers that cannot name a property, in order (rule 6.1)."""
    given = dict.fromkeys(header for header in headers if header)
    return [header for header in given if not _is_header(header)]


def renamed(headers: Sequence[str], options: ExcelOptions) -> tuple[str, ...]:
    """Return the headers as the options call them."""
    names = dict(options.renamed)
    return tuple(names.get(header, header) for header in headers)


def check_renamed(headers: Sequence[str], options: ExcelOptions) -> None:
    """Raise ``Refused`` if a column that is renamed is missing, or is there already."""
    for old, new in options.renamed:
        if old not in headers:
            text = f'Error: There is no column "{printable(old)}" to rename.'
            raise Refused(f"{text} {advice(old, headers)}")
        if renamed(headers, options).count(new) > 1:
            raise Refused(f'Error: Two columns would be called "{printable(new)}".')


def check_headers(headers: Sequence[str], *, but: Container[str] = ()) -> None:
    """Raise ``Refused`` for headers that are no property names (check 13).

    Those of ``but`` need not be some: something else is meant by them.
    """
    bad = [header for header in bad_headers(headers) if header not in but]
    if bad:
        raise Refused(_HEADERS.format(", ".join(map(printable, bad))))


def check_not_empty(extension: str, headers: Sequence[str]) -> None:
    """Raise ``Refused`` for an old workbook without a row (check 14)."""
    if extension == "xls" and not headers:
        raise Refused(_EMPTY)


def refusal(error: Unreadable) -> Refused:
    """Return how a file that cannot be read is refused (checks 3 to 18)."""
    if error.reason is Reason.FORMAT:
        return Refused(error.text)
    if error.reason is Reason.PASSWORD:
        return Refused(_ENCRYPTED)
    if error.reason is Reason.NO_SHEETS:
        return Refused(_FILE_ERROR + _NO_SHEETS)
    if error.reason in _SAID:
        status = 413 if error.reason is Reason.SIZE else 500
        return Refused(f"Error: {error.text}", status=status)
    return Refused(_FILE_ERROR + error.text)


def sheets_of(
    options: ExcelOptions, titles: Sequence[str], known: Iterable[str]
) -> tuple[tuple[Sheet, ...], tuple[str, ...]]:
    """Return the sheets to import and the titles of those that are ignored.

    Two sheets or more, each titled like a type that has cases, are an import each;
    else only the first one is read (rule 5.1).
    """
    types = set(known)
    if len(titles) > 1 and all(title in types for title in titles):
        return tuple(Sheet(title=t, case_type=t) for t in titles), ()
    first = Sheet(title=titles[0], case_type=options.case_type)
    return (first,), tuple(titles[1:])


def _is_header(header: str) -> bool:
    return (
        _HEADER.fullmatch(header) is not None
        and is_name(header)
        and not header.lower().startswith("xml")
    )
