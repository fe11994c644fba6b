"""What the rows of a sheet want: steps 1 to 6 of the row algorithm. Pure.

Numbers of steps and rules are those of ``rules/excel-import.md``. A window of rows is
looked at a column at a time: most columns have nothing blank, too long or unusual in
them, and to find that out of a whole column takes no more than of a cell. Only where
there is something are its cells looked at.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final, NamedTuple, TypeAlias, TypeVar

from importers.excel.rules.columns import BUILT_IN, ID_FIELDS, NAME, Columns
from importers.excel.rules.options import LONGEST, SearchField
from importers.rows.rules.ids import as_seen, forms_of, id_text, is_plain
from importers.tables.rows import Row
from ledger.forms.names import MAX_TEXT_BYTES, is_any_too_long

T = TypeVar("T")

Column: TypeAlias = Sequence[str | None]
"""The texts of some rows in one column."""

_TOLD_OF_IDS: Final = re.compile(r"[\s.]|\|-0\|")
"""What stands somewhere in an id that is a whole number written in another way.

Ids have ``|`` before and behind them there.
"""


_ALWAYS_SHORT: Final = MAX_TEXT_BYTES // 4
"""Texts of so many characters can be stored, whatever they are."""


class Skip(Enum):
    """Why a row does nothing and is no error either."""

    BLANK = "blank"
    """All its fields are blank (step 3)."""
    UNMATCHED = "unmatched"
    """It has no case, and none is to be created (step 9)."""


@dataclass(frozen=True, slots=True)
class RowError:
    """Why a row changes nothing; the value is what the cell at fault says."""

    title: str
    column: str
    text: str
    value: str = ""
    candidates: tuple[str, ...] = ()


class Wish(NamedTuple):
    """What a row wants: its fields as texts, ``None`` for blank cells without text.

    ``fields`` are those that say something about a case beside its properties. One
    that is ``plain`` searches for a text that has one form only; one that ``refers``
    may name a parent, and of one that is ``too_long`` a text cannot be stored.
    """

    number: int
    search: str
    fields: Mapping[str, str | None]
    properties: Mapping[str, str]
    plain: bool = False
    refers: bool = True
    too_long: bool = False

    def filled(self, name: str) -> str | None:
        """Return a field that has a text, ``None`` for one that is blank."""
        return self.fields.get(name) or None


Found: TypeAlias = Wish | RowError | Skip


def read_wishes(rows: Sequence[Row], columns: Columns) -> list[Found]:
    """Return what each row wants, if its cells stand under their headers."""
    cells = columns_of_rows(rows, len(columns.headers))
    fields: dict[str, Column] = {n: cells[p] for n, p in columns.fields.items()}
    for name in ID_FIELDS & fields.keys():
        fields[name] = _ids(fields[name])
    # A sheet without the column fails before its first row is read.
    blank = ("",) * len(rows)
    search = blank if columns.search is None else _texts(_ids(cells[columns.search]))
    if columns.search_field is SearchField.EXTERNAL_ID:
        fields["external_id"] = search
    found: list[Found] = [*_wishes(rows, fields, search)]
    _judge(found, fields, search, columns)
    for place, row in enumerate(rows):
        if row.fault is not None:
            fault = row.fault
            found[place] = RowError("Too Many Cells", "", fault.text, fault.sample)
    return found


def columns_of_rows(rows: Sequence[Row], width: int) -> list[Column]:
    """Return the texts of rows, column by column."""
    if not rows:
        return [()] * width
    return list(zip(*[row.texts for row in rows], strict=True))


def looks_up(wish: Wish, field: SearchField) -> tuple[set[str], set[str]]:
    """Return the case ids and the external ids that ``decide`` may look up."""
    search = _searched(wish)
    ids: tuple[set[str], set[str]] = (search, set())
    if field is SearchField.EXTERNAL_ID:
        ids = (set(), search)
    return (ids[0] | _parents(wish), ids[1] | _outer_parents(wish))


def waits_for(wish: Wish) -> set[str]:
    """Return the ids that may be those of a case which waits in the chunk (step 7)."""
    search = _searched(wish)
    if not wish.refers:
        return search
    return search | _parents(wish) | _outer_parents(wish)


def unusual_ids(column: Column) -> Iterator[int]:
    """Yield the rows whose id was changed, or has what nobody sees (rule 8.1)."""
    texts = _texts(column)
    if not _are_usual(texts):
        for place, text in enumerate(texts):
            if id_text(text) != text or as_seen(text) != text:
                yield place


# -- a column at a time ------------------------------------------------------


def _wishes(
    rows: Sequence[Row], fields: Mapping[str, Column], search: Sequence[str]
) -> Iterator[Wish]:
    """Yield what rows want, whatever is wrong with them."""
    count = len(rows)
    special = {name: fields[name] for name in fields if name in BUILT_IN}
    given = {name: _texts(fields[name]) for name in fields if name not in BUILT_IN}
    parents = [special[n] for n in ("parent_id", "parent_external_id") if n in special]
    return map(
        Wish,
        [row.number for row in rows],
        search,
        _in_rows(special, count),
        _in_rows(given, count),
        _are_plain(search),
        map(any, zip(*parents, strict=True)) if parents else [False] * count,
        _too_long(fields.values(), count),
    )


def _judge(
    found: list[Found],
    fields: Mapping[str, Column],
    search: Sequence[str],
    columns: Columns,
) -> None:
    """Put what is wrong with rows in the place of what they want, steps 3 to 6."""
    # The first step comes last, as it goes before the others.
    if columns.search_field is SearchField.EXTERNAL_ID and not all(search):
        for place, text in enumerate(search):
            if not text:
                found[place] = RowError("Blank External ID", "", _BLANK_EXTERNAL_ID)
    for name, title, about in _LIMITED:
        for place, text in _over_limit(fields.get(name, ())):
            told = f"{about} cannot be longer than {LONGEST} characters"
            found[place] = RowError(title, name, told, text)
    for place in _blank_rows(fields.values(), len(found)):
        found[place] = Skip.BLANK


def _ids(column: Column) -> Column:
    """Return ids as they are looked up (rule 8.1); blanks stay as they are."""
    if _are_usual(_texts(column)):
        return column
    return [id_text(text) if text else text for text in column]


def _texts(column: Column) -> Sequence[str]:
    """Return a column whose blanks are empty texts."""
    return [text or "" for text in column]


def _are_usual(texts: Sequence[str]) -> bool:
    """Tell whether no id of some is a number or a text that looks like another."""
    joined = f"|{'|'.join(texts)}|"
    is_usual = joined.isascii() and joined.isprintable()
    return is_usual and _TOLD_OF_IDS.search(joined) is None


def _are_plain(texts: Sequence[str]) -> Sequence[bool]:
    """Tell of texts whether they have one form only; in one go if all have."""
    joined = f"|{'|'.join(texts)}|"
    is_one = joined.isascii() and joined.isprintable()
    if is_one and " |" not in joined and "| " not in joined:
        return [True] * len(texts)
    return [is_plain(text) for text in texts]


def _in_rows(columns: Mapping[str, Sequence[T]], count: int) -> list[dict[str, T]]:
    """Return columns by name as a mapping for each row."""
    if not columns:
        return [{} for _ in range(count)]
    names = tuple(columns)
    values = zip(*columns.values(), strict=True)
    return [dict(zip(names, row, strict=True)) for row in values]


def _blank_rows(columns: Collection[Column], count: int) -> Iterable[int]:
    """Return the rows in which no column has a text."""
    if not columns:
        return range(count)
    if any(map(all, columns)):
        return ()
    rows = enumerate(zip(*columns, strict=True))
    return [place for place, texts in rows if not any(texts)]


def _over_limit(column: Column) -> Iterator[tuple[int, str]]:
    """Yield the texts that names and external ids cannot have, by row."""
    if _length(column) > LONGEST:
        for place, text in enumerate(column):
            if text and len(text) > LONGEST:
                yield place, text


def _too_long(columns: Iterable[Column], count: int) -> Iterable[bool]:
    """Tell of rows whether they have a text that cannot be stored."""
    found = [texts for texts in columns if _length(texts) > _ALWAYS_SHORT]
    if not found:
        return [False] * count
    return [is_any_too_long(list(filter(None, r))) for r in zip(*found, strict=True)]


def _length(column: Column) -> int:
    """Return the length of the longest text."""
    return max(map(len, filter(None, column)), default=0)


# -- ids of a row ------------------------------------------------------------


def _searched(wish: Wish) -> set[str]:
    if wish.plain:
        return {wish.search} if wish.search else set()
    return forms_of(wish.search)


def _parents(wish: Wish) -> set[str]:
    return forms_of(wish.filled("parent_id") or "") if wish.refers else set()


def _outer_parents(wish: Wish) -> set[str]:
    return forms_of(wish.filled("parent_external_id") or "") if wish.refers else set()


_BLANK_EXTERNAL_ID: Final = (
    "Blank external ids were found in these rows causing as error when importing cases."
)
_LIMITED: Final = (
    ("external_id", "External ID Too Long", "The external id"),
    (NAME, "Name Too Long", "The case name"),
)
"""Fields that must not be too long, the later one going before the earlier one."""
