"""From a target to a case block, and to the case as that leaves it. Pure.

``rules/batch-imports.md`` 1.8.4: only what changes is written.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any

from importers.haplo.rules.names import CLOSE, OWNER_ID, Part
from importers.haplo.rules.targets import Target, stored
from ledger.cases.case import Case, CaseIndex
from ledger.forms.case_block import CaseBlock, IndexUpdate
from ledger.times import Instant

TypeOf = Callable[[str], str | None]
"""Returns the type of the case with an id."""

_NAMES = {"case_name", "external_id", "owner_id"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """Who imports a record, and when: the owner and the time of what is new.

    The owner is the user where no other is named.
    """

    user_id: str
    now: Instant
    owner_id: str = ""


def block_of(
    target: Target, base: Case | None, *, setting: Setting, type_of: TypeOf
) -> CaseBlock | None:
    """Return the block that makes the case or changes ``base``; ``None`` for nothing.

    A parent that is not linked yet is linked.
    """
    update, create = _updates(target, base, setting), None
    if base is None:
        create = {
            "case_type": target.destination.case_type,
            "case_name": update.pop("case_name", ""),
            "owner_id": update.pop("owner_id", setting.owner_id or setting.user_id),
        }
    indices = _indices(target, base, type_of)
    closing = target.given.get(CLOSE)
    close = closing is not None and closing.last == "true"
    close = close and not (base is not None and base.closed)
    if not (create or update or indices or close):
        return None
    return CaseBlock(
        case_id=target.case_id,
        create=create,
        update=update or None,
        indices=indices,
        close=close,
    )


def merged(blocks: list[CaseBlock]) -> tuple[CaseBlock, ...]:
    """Return blocks with those of one case as one, at the place of the first.

    The fold orders the blocks of a case by what they do; here the last one wins.
    """
    found: dict[str, CaseBlock] = {}
    for block in blocks:
        known = found.get(block.case_id)
        found[block.case_id] = block if known is None else _joined(known, block)
    return tuple(found.values())


def after(base: Case | None, block: CaseBlock, *, setting: Setting) -> Case:
    """Return a case as a block leaves it, as far as records can see it."""
    values = {**(block.create or {}), **(block.update or {})}
    special: dict[str, Any] = {n: values.pop(n) for n in _NAMES if n in values}
    if base is None and not block.indices:
        return Case(
            domain="",
            case_id=block.case_id,
            opened_on=setting.now,
            case_type=values.pop("case_type", ""),
            closed=block.close,
            properties=values,
            **special,
        )
    case = base or Case(domain="", case_id=block.case_id, opened_on=setting.now)
    case_type = values.pop("case_type", case.case_type)
    indices = dict(case.indices)
    for index in block.indices:
        indices[index.name] = CaseIndex(
            index.case_id, index.case_type, index.relationship
        )
    return case._replace(
        case_type=case_type,
        closed=case.closed or block.close,
        properties={**case.properties, **values},
        indices=indices,
        **special,
    )


def _updates(target: Target, base: Case | None, setting: Setting) -> dict[str, str]:
    """Return the names and properties that become another.

    A case without an owner is that of whoever changed it, so none is written.
    """
    found: dict[str, str] = {}
    for slot, given in target.given.items():
        if slot.part is Part.INDEX or slot.part is Part.CLOSE:
            continue
        text = given.text or (setting.user_id if slot == OWNER_ID else "")
        is_new = base is None and bool(given.values)
        if is_new or text != stored(base, slot):
            found[slot.name or slot.part.value] = text
    return found


def _indices(
    target: Target, base: Case | None, type_of: TypeOf
) -> tuple[IndexUpdate, ...]:
    wanted = {name: _index(name, target, type_of) for name, _ in target.indices()}
    link = _link(target, base)
    if link is not None and not _points(wanted.get(link.name)):
        wanted[link.name] = link
    before = {} if base is None else base.indices
    return tuple(i for i in wanted.values() if _changes(i, before))


def _index(name: str, target: Target, type_of: TypeOf) -> IndexUpdate:
    given = next(given for found, given in target.indices() if found == name)
    case_id, place = given.last, given.place
    known_type = place.index_type if place is not None else None
    return IndexUpdate(
        name=name,
        case_id=case_id,
        case_type=known_type or (type_of(case_id) or "" if case_id else ""),
        relationship="child" if place is None else place.relationship,
    )


def _link(target: Target, base: Case | None) -> IndexUpdate | None:
    """Return the index to the parent, unless that index is set already."""
    parent, about = target.parent, target.destination
    known = None if base is None else base.indices.get(about.index)
    given = any(name == about.index for name, _ in target.indices())
    if parent is None or (known is not None and known.case_id and not given):
        return None
    return IndexUpdate(
        name=about.index,
        case_id=parent.case_id,
        case_type=parent.destination.case_type,
        relationship=about.relationship,
    )


def _points(index: IndexUpdate | None) -> bool:
    return index is not None and bool(index.case_id)


def _changes(index: IndexUpdate, before: Mapping[str, CaseIndex]) -> bool:
    known = before.get(index.name)
    if not index.case_id:
        return known is not None and bool(known.case_id)
    return known is None or (known.case_id, known.case_type, known.relationship) != (
        index.case_id,
        index.case_type,
        index.relationship,
    )


def _joined(first: CaseBlock, second: CaseBlock) -> CaseBlock:
    update = {**(first.update or {}), **(second.update or {})}
    indices = {i.name: i for i in chain(first.indices, second.indices)}
    return first._replace(
        update=update or None,
        indices=tuple(indices.values()),
        close=first.close or second.close,
    )
