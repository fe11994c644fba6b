"""Which cases each entry of the log changed: what the change feed tells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ledger import log
from ledger.entry import Entry, Kind
from ledger.forms.form_xml import named_case_ids
from ledger.forms.lineage import revision_of
from ledger.store import Reader

_NORMAL = Kind.NORMAL
_BRINGING = (_NORMAL, Kind.EDIT)
_Touched = Mapping[int, Sequence[str]]


def changed_cases(
    r: Reader, items: Sequence[tuple[Entry, bytes | None]]
) -> dict[int, tuple[str, ...]]:
    """Return the ids of the cases that each entry changed, by its position.

    ``items`` are entries with their bodies, as ``log.entries_after`` gives them. The
    ids ascend; an entry that changed no case has none. One that exchanged a version of
    a form for another changed the cases that either names. A ledger block may name a
    case that is not there; its id is among them.
    """
    own = {
        entry.position: named_case_ids(body)
        for entry, body in items
        if body is not None and entry.kind in _BRINGING
    }
    others = [e for e, _ in items if e.kind is not _NORMAL or e.position not in own]
    older = {p for entry in others for p in _versions(entry) if p not in own}
    bodies = log.bodies_at(r, older) if older else {}
    named: _Touched = {
        **own,
        **{place: named_case_ids(body) for place, body in bodies.items()},
    }
    return {entry.position: _changed(entry, named) for entry, _ in items}


def _versions(entry: Entry) -> list[int]:
    """Return where the versions stand that an entry put in or took out of force."""
    if entry.kind is _NORMAL:
        return [entry.position]
    return [position for position in revision_of(entry) if position is not None]


def _changed(entry: Entry, named: _Touched) -> tuple[str, ...]:
    if entry.kind is _NORMAL and not entry.details:
        # Most of a log: they stand in order already, each once.
        return tuple(named.get(entry.position, ()))
    case_ids = set(entry.details.get("case_ids", ()))
    for position in _versions(entry):
        case_ids.update(named.get(position, ()))
    return tuple(sorted(case_ids))
