"""The row algorithm of the Excel import: a row to a case block, or why not. Pure.

Numbers of steps and rules are those of ``rules/excel-import.md``. What a row wants is
known (``wishes.py``, steps 1 to 6); ``decide`` looks cases and owners up (8 to 10).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final, NamedTuple, Protocol

from importers.excel.rules.columns import NAME, Columns
from importers.excel.rules.options import SearchField
from importers.excel.rules.wishes import RowError, Skip, Wish
from importers.rows.rules.ids import Found, escaped, look_up, look_up_as_seen
from importers.tables.notices import Notice
from ledger.forms.case_block import CaseBlock, IndexUpdate
from ledger.forms.names import is_name

_RELATIONSHIPS: Final = ("child", "extension")
_LONGEST_INDEX_NAME: Final = 255


class Known(NamedTuple):
    """What the algorithm must know of a case that exists."""

    case_id: str
    case_type: str
    external_id: str | None
    owner_id: str = ""


class Cases(Protocol):
    """The cases of the domain that are not deleted, as everything before left them."""

    def by_id(self, case_id: str) -> Known | None:
        """Return the case with an id."""

    def by_external(self, external_id: str) -> Sequence[Known]:
        """Return the cases with an external id."""


class Owners(Protocol):
    """Who may own cases."""

    def by_name(self, name: str) -> str | RowError:
        """Return the id of the owner with a name, or what is wrong with it."""

    def by_id(self, owner_id: str) -> str | RowError:
        """Return the id if its owner may own cases, or what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Importing:
    """What all rows of a sheet share.

    ``owner_id`` is whom a new case belongs to whose row names no owner; where it is
    empty there is none, and the row fails.
    """

    columns: Columns
    creates: bool
    user_id: str
    owner_id: str
    now: str


class Decided(NamedTuple):
    """What becomes of a row: a block that makes a case, or one that changes it.

    ``external_id`` is the one that the block gives to its case, if any. ``told`` is
    what whoever sent the row should know of it.
    """

    block: CaseBlock
    case_type: str
    creates: bool
    external_id: str | None
    told: tuple[Notice, ...] = ()


def decide(
    wish: Wish,
    sheet: Importing,
    *,
    cases: Cases,
    owners: Owners,
    new_id: Callable[[Wish], str],
) -> Decided | RowError | Skip:
    """Return the block of a row; steps 8 to 10.

    A new case checks its owner first, a known one its parent (steps 10a and 10b).
    ``new_id`` makes the id of the case that a row makes.
    """
    found = _find(wish, sheet.columns, cases)
    if len(found.those) > 1:
        shown = tuple(case.case_id for case in found.those[:10])
        return RowError("Too Many Matches", "", _TOO_MANY, wish.search, shown)
    if not found.those:
        unseen = _meant_otherwise(wish, sheet.columns, cases)
        if unseen is not None or not sheet.creates:
            return unseen or Skip.UNMATCHED
    wrong = _wrong_type(wish, sheet.columns) or _unwritable(wish)
    if wrong is not None:
        return wrong
    if not found.those:
        return _create(wish, sheet, cases=cases, owners=owners, new_id=new_id)
    decided = _update(wish, sheet, cases=cases, owners=owners, case=found.those[0])
    if isinstance(decided, RowError) or found.stored_as == wish.search:
        return decided
    column = sheet.columns.search_header
    return decided._replace(told=(*decided.told, _composed(column, wish)))


def _find(wish: Wish, columns: Columns, cases: Cases) -> Found[Known]:
    """Return the cases that a row means (rule 8.2)."""
    return look_up(wish.search, _searching(columns, cases))


def _searching(columns: Columns, cases: Cases) -> Callable[[str], list[Known]]:
    if columns.search_field is SearchField.EXTERNAL_ID:
        return partial(_outer, cases, columns.case_type)
    return partial(_inner, cases, columns.case_type)


def _inner(cases: Cases, case_type: str, case_id: str) -> list[Known]:
    """Return the case of a type with an id."""
    case = cases.by_id(case_id) if case_id else None
    return [] if case is None or case.case_type != case_type else [case]


def _outer(cases: Cases, case_type: str, external_id: str) -> list[Known]:
    """Return the cases of a type with an external id."""
    found = cases.by_external(external_id) if external_id else ()
    return [case for case in found if case.case_type == case_type]


def _meant_otherwise(wish: Wish, columns: Columns, cases: Cases) -> RowError | None:
    """Return that a row means a case but for what nobody sees (rule 8.1b)."""
    if wish.plain:
        return None
    found = look_up_as_seen(wish.search, _searching(columns, cases))
    if not found.those:
        return None
    shown = tuple(case.case_id for case in found.those[:10])
    value = escaped(wish.search)
    return RowError(INVISIBLE, columns.search_header, _INVISIBLE, value, shown)


def _composed(column: str, wish: Wish) -> Notice:
    """Return that a case was found whose id has its accents composed otherwise."""
    return Notice("ID in another Unicode form", _COMPOSED, column, wish.number)


def _wrong_type(wish: Wish, columns: Columns) -> RowError | None:
    given = wish.filled("case_type")
    if given is None or given == columns.case_type:
        return None
    text = "Key 'case_type' specified twice"
    return RowError("Case Generation Error", "case_type", text, given)


def _unwritable(wish: Wish) -> RowError | None:
    if wish.too_long:
        return RowError("Case Generation Error", "", "A cell holds too much text")
    return None


def _create(
    wish: Wish,
    sheet: Importing,
    *,
    cases: Cases,
    owners: Owners,
    new_id: Callable[[Wish], str],
) -> Decided | RowError:
    """Return the block of a new case (rule 7.1)."""
    owner = _owner(wish, owners) or sheet.owner_id
    if isinstance(owner, RowError):
        return owner
    if not owner:
        return RowError("Missing Owner", "", _NO_OWNER)
    parent = _parent(wish, sheet.columns.case_type, cases)
    if isinstance(parent, RowError):
        return parent
    external_id = wish.filled("external_id")
    update = dict(wish.properties)
    if external_id is not None:
        update["external_id"] = external_id
    block = CaseBlock(
        case_id=new_id(wish),
        user_id=sheet.user_id,
        date_modified=sheet.now,
        create={
            "case_type": sheet.columns.case_type,
            "case_name": wish.fields.get(NAME) or "",
            "owner_id": owner,
        },
        update=update or None,
        indices=parent.indices,
    )
    return Decided(
        block,
        sheet.columns.case_type,
        creates=True,
        external_id=_given(update),
        told=(*parent.told, *_unknown_id(wish, sheet.columns)),
    )


def _unknown_id(wish: Wish, columns: Columns) -> Iterator[Notice]:
    """Yield that the id of a row is no case's, and is not that of the new one."""
    if wish.search and columns.search_field is SearchField.CASE_ID:
        title, column = "Unknown case id", columns.search_header
        yield Notice(title, _UNKNOWN, column, wish.number, escaped(wish.search))


def _update(
    wish: Wish, sheet: Importing, *, cases: Cases, owners: Owners, case: Known
) -> Decided | RowError:
    """Return the block of a case that is there (rule 7.2)."""
    parent = _parent(wish, sheet.columns.case_type, cases)
    if isinstance(parent, RowError):
        return parent
    owner = None if _keeps_owner(wish, case) else _owner(wish, owners)
    if isinstance(owner, RowError):
        return owner
    by_external_id = sheet.columns.search_field is SearchField.EXTERNAL_ID
    external_id = None if by_external_id else wish.filled("external_id")
    special = {
        "case_name": wish.fields.get(NAME),
        "owner_id": owner,
        "external_id": external_id,
    }
    update = {name: text for name, text in special.items() if text is not None}
    update |= wish.properties
    block = CaseBlock(
        case_id=case.case_id,
        date_modified=sheet.now,
        update=update or None,
        indices=parent.indices,
        close=wish.fields.get("close") == "yes",
    )
    return Decided(
        block,
        case.case_type,
        creates=False,
        external_id=_given(update),
        told=parent.told,
    )


def _given(update: Mapping[str, str]) -> str | None:
    """Return the external id that an update gives; a user's id is one in the fold."""
    return update.get("hq_user_id", update.get("external_id"))


def _keeps_owner(wish: Wish, case: Known) -> bool:
    """Tell whether a row leaves its case to whom it has, known or not (rule 10.7)."""
    return wish.filled("owner_name") is None and (
        wish.filled("owner_id") in {None, case.owner_id}
    )


def _owner(wish: Wish, owners: Owners) -> str | RowError | None:
    """Return the id of the owner, ``None`` if none is named (rule 10)."""
    name, owner_id = wish.filled("owner_name"), wish.filled("owner_id")
    if name is not None:
        return owners.by_name(name)
    return None if owner_id is None else owners.by_id(owner_id)


class _Parent(NamedTuple):
    """The index to a parent, if a row names one, and what is to be told of it."""

    indices: tuple[IndexUpdate, ...] = ()
    told: tuple[Notice, ...] = ()


_ALONE: Final = _Parent()


def _parent(wish: Wish, case_type: str, cases: Cases) -> _Parent | RowError:
    """Return the index to the parent, none if none is named (rule 11)."""
    if not wish.refers:
        return _ALONE
    parent_id, outer = wish.filled("parent_id"), wish.filled("parent_external_id")
    column = "parent_id" if parent_id is not None else "parent_external_id"
    value = parent_id or outer
    if value is None:
        return _ALONE
    wanted = wish.filled("parent_type") or case_type
    look = partial(_inner if parent_id is not None else _outer, cases, wanted)
    found = look_up(value, look)
    if len(found.those) != 1:
        shown = tuple(case.case_id for case in found.those[:10])
        unseen = not found.those and look_up_as_seen(value, look).those
        text = f"{_BAD_PARENT} {_INVISIBLE}" if unseen else _BAD_PARENT
        return RowError("Invalid Parent ID", column, text, escaped(value), shown)
    index = _index(wish, found.those[0])
    if isinstance(index, RowError):
        return index
    is_same = found.stored_as == value
    return _Parent((index,), () if is_same else (_composed(column, wish),))


def _index(wish: Wish, parent: Known) -> IndexUpdate | RowError:
    relationship = wish.filled("parent_relationship_type") or _RELATIONSHIPS[0]
    identifier = wish.filled("parent_identifier")
    if relationship not in _RELATIONSHIPS:
        column = "parent_relationship_type"
        return RowError("Invalid Parent ID", column, _BAD_RELATIONSHIP, relationship)
    if identifier is None and relationship != _RELATIONSHIPS[0]:
        return RowError("Invalid Parent ID", "parent_identifier", _NO_IDENTIFIER)
    name = identifier or "parent"
    if not is_name(name) or len(name) > _LONGEST_INDEX_NAME:
        text = "The parent_identifier cannot be the name of an index"
        return RowError("Case Generation Error", "", text, name)
    return IndexUpdate(
        name=name,
        case_id=parent.case_id,
        case_type=parent.case_type,
        relationship=relationship,
    )


_NO_OWNER: Final = (
    "The row makes a case and names no owner: fill its owner column, or say with "
    "--owner whom such cases belong to"
)
_TOO_MANY: Final = (
    "These rows matched more than one case at the same time - this means that there "
    "are cases in your system with the same external ID."
)
INVISIBLE: Final = "Invisible characters in ID"
_INVISIBLE: Final = (
    "The id has blanks at its ends or characters that nobody sees. There is a case "
    "with this id without them: remove them if it is meant."
)
_COMPOSED: Final = (
    "The id of the case has its accents composed in another way; it was taken as "
    "the same id"
)
_UNKNOWN: Final = (
    "No case of this type has the id, and the new case got another one: with an id of "
    "your own, search by external_id"
)
_BAD_PARENT: Final = (
    "An invalid or unknown parent case was specified for the uploaded case."
)
_BAD_RELATIONSHIP: Final = "Invalid value for 'parent_relationship_type' column"
_NO_IDENTIFIER: Final = (
    "'parent_identifier' column must be provided when 'parent_relationship_type' "
    "column is set to 'extension'"
)
