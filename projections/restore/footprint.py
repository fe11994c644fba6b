"""The cases of a device as it sees them: kept with its sync log, and moved on. Pure.

What a device holds after a synchronisation, the forms that it sends change: a form does
to its cases what it does to the ledger's, and then the device lets go of what is live
no longer (``rules/restore.md`` 6.4).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

import orjson

from ledger.cases.case import NO_INDICES, Case, CaseIndex
from projections.restore.scope import Node, live
from projections.rule.fold import apply_form, blocks_by_case
from projections.rule.steps import Version

EXTENSION: Final = "extension"
_CHILD: Final = "child"


class Held(NamedTuple):
    """A case as a device must know it to judge whether to keep it.

    ``indices`` are those that are set; ``position`` is the case's last entry, where it
    was read from the ledger.
    """

    owner_id: str
    closed: bool
    indices: Mapping[str, CaseIndex] = NO_INDICES
    position: int = 0

    @property
    def node(self) -> Node:
        """Return the case as a part of the graph."""
        if not self.indices:
            return Node(self.owner_id, self.closed)
        parents: list[str] = []
        hosts: list[str] = []
        for index in self.indices.values():
            of_kind = hosts if index.relationship == EXTENSION else parents
            of_kind.append(index.case_id)
        return Node(self.owner_id, self.closed, parents, hosts)


def graph_of(cases: Mapping[str, Held]) -> dict[str, Node]:
    """Return cases as a graph."""
    return {case_id: held.node for case_id, held in cases.items()}


def footprint_text(cases: Mapping[str, Held], owner_ids: Sequence[str]) -> bytes:
    """Return the cases of a device as they are kept: small, as most have no index.

    Each has a mark: the number of its owner among ``owner_ids`` counted from 1, or 0,
    doubled, and one more if it is closed. Indices name cases by their numbers; those
    that lead to no case of the device are left out.
    """
    owners = {owner_id: place for place, owner_id in enumerate(owner_ids, start=1)}
    numbers = {case_id: number for number, case_id in enumerate(cases)}
    marks = [owners.get(h.owner_id, 0) * 2 + h.closed for h in cases.values()]
    edges = [
        [number, name, numbers[index.case_id], index.relationship == EXTENSION]
        for number, held in enumerate(cases.values())
        for name, index in held.indices.items()
        if index.case_id in numbers
    ]
    return orjson.dumps([list(numbers), marks, edges])


def read_footprint(text: bytes, owner_ids: Sequence[str]) -> dict[str, Held]:
    """Return what was kept; a case of somebody else has the owner ``-``."""
    ids, marks, edges = orjson.loads(text)
    owners = ("-", *owner_ids)
    cases = {
        case_id: Held(owners[mark >> 1], bool(mark & 1))
        for case_id, mark in zip(ids, marks, strict=True)
    }
    for number, name, target, extends in edges:
        case_id, held = ids[number], cases[ids[number]]
        index = CaseIndex(ids[target], "", EXTENSION if extends else _CHILD)
        cases[case_id] = held._replace(indices={**held.indices, name: index})
    return cases


def after_forms(
    cases: Mapping[str, Held], owner_ids: Sequence[str], versions: Iterable[Version]
) -> dict[str, Held]:
    """Return what a device holds after its forms, in the order it sent them."""
    owners, now = frozenset(owner_ids), dict(cases)
    for form, stamp in versions:
        narrows = False
        for case_id, blocks in blocks_by_case(form).items():
            before = now.get(case_id)
            case, _ = apply_form(_case(case_id, before), blocks, form, stamp)
            after = now[case_id] = Held(case.owner_id, case.closed, case.live_indices)
            narrows = narrows or _narrows(before, after, owners)
        if narrows:
            kept = live(graph_of(now), owners)
            now = {case_id: held for case_id, held in now.items() if case_id in kept}
    return now


def _narrows(before: Held | None, after: Held, owners: frozenset[str]) -> bool:
    """Tell whether some case may be live no longer; to look costs a walk of them all.

    A case that is owned and open and keeps its indices takes nothing from any other.
    """
    is_own = after.owner_id in owners and not after.closed
    indices = NO_INDICES if before is None else before.indices
    return not is_own or after.indices != indices


def _case(case_id: str, held: Held | None) -> Case | None:
    """Return what the fold may need to know of a case that a device holds."""
    if held is None:
        return None
    return Case(
        "",
        case_id,
        owner_id=held.owner_id,
        closed=held.closed,
        indices=held.indices,
    )
