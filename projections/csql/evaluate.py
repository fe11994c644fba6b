"""Which of many cases a query matches (``rules/case-api-v2.md`` 6.3). Pure.

Cases are judged together, so that a condition on other cases costs one question for
all of them (and one more for each further step of a path), never one for each case.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol

import orjson

from projections.csql.conditions import COMPARE, value_test
from projections.csql.nodes import (
    STATUS_CLOSED,
    STATUS_OPEN,
    AncestorExists,
    And,
    Constant,
    Leaf,
    Node,
    Not,
    Or,
    SubcaseCount,
)
from projections.rule.case_row import SeenCase


class Relations(Protocol):
    """The other cases of the domain; only live ones are to be found."""

    def cases(self, ids: Sequence[str]) -> Mapping[str, SeenCase]:
        """Return the cases with these ids by id; an unknown id is left out."""
        ...

    def children(
        self, ids: Sequence[str], index_name: str
    ) -> Mapping[str, Sequence[SeenCase]]:
        """Return by target id the cases whose index of this name points at it."""
        ...


def matches(node: Node, rows: Sequence[SeenCase], relations: Relations) -> list[bool]:
    """Tell of each case whether the query matches it, in the order of the cases."""
    return _Evaluation(relations).judge(node, rows)


class _Evaluation:
    """One evaluation: what was decoded or fetched once is not fetched again."""

    def __init__(self, relations: Relations) -> None:
        self._relations = relations
        self._properties: dict[str, dict[str, str]] = {}
        self._indices: dict[str, dict[str, dict[str, str]]] = {}
        self._cases: dict[str, SeenCase | None] = {}
        self._children: dict[tuple[str, str], Sequence[SeenCase]] = {}

    def judge(self, node: Node, rows: Sequence[SeenCase]) -> list[bool]:
        """Return the verdict on each case."""
        match node:
            case Constant():
                return [node.value] * len(rows)
            case And() | Or():
                return self._chain(node, rows, open_while=isinstance(node, And))
            case Not():
                return [not verdict for verdict in self.judge(node.part, rows)]
            case AncestorExists():
                return self._ancestor_exists(node, rows)
            case SubcaseCount():
                return self._subcase_count(node, rows)
        test = value_test(node)
        return [test(value) for value in self._values(node, rows)]

    def _chain(
        self, node: And | Or, rows: Sequence[SeenCase], *, open_while: bool
    ) -> list[bool]:
        """Judge part by part the cases that are still open.

        A case is open while all parts of an ``and`` were true, of an ``or`` false.
        Parts that ask for other cases come last, about the cases that are left.
        """
        verdicts = [open_while] * len(rows)
        for part in sorted(node.parts, key=_asks_relations):
            left = [n for n, verdict in enumerate(verdicts) if verdict is open_while]
            judged = self.judge(part, [rows[n] for n in left])
            for n, verdict in zip(left, judged, strict=True):
                verdicts[n] = verdict
        return verdicts

    # -- values of one case -----------------------------------------------------------

    def _values(self, leaf: Leaf, rows: Sequence[SeenCase]) -> list[str]:
        pseudo = _PSEUDO.get(leaf.name)
        if pseudo is not None:
            return [pseudo(row) for row in rows]
        return [self._properties_of(row).get(leaf.name, "") for row in rows]

    def _properties_of(self, row: SeenCase) -> dict[str, str]:
        known = self._properties.get(row.case_id)
        if known is None:
            known = self._properties[row.case_id] = orjson.loads(row.properties)
        return known

    def _target_of(self, row: SeenCase | None, index: str) -> str:
        """Return the id that the case's index points at, else the empty text."""
        if row is None:
            return ""
        known = self._indices.get(row.case_id)
        if known is None:
            known = self._indices[row.case_id] = orjson.loads(row.indices)
        return known[index]["case_id"] if index in known else ""

    # -- other cases ------------------------------------------------------------------

    def _ancestor_exists(
        self, node: AncestorExists, rows: Sequence[SeenCase]
    ) -> list[bool]:
        here: list[SeenCase | None] = list(rows)
        for index in node.path:
            targets = [self._target_of(row, index) for row in here]
            self._fetch(targets)
            here = [self._cases.get(target) for target in targets]
        good = self._good(node.condition, (row for row in here if row is not None))
        return [row is not None and row.case_id in good for row in here]

    def _subcase_count(
        self, node: SubcaseCount, rows: Sequence[SeenCase]
    ) -> list[bool]:
        self._fetch_children(node.index, [row.case_id for row in rows])
        families = [self._children[node.index, row.case_id] for row in rows]
        good = self._good(
            node.condition, (child for family in families for child in family)
        )
        compare = COMPARE[node.comparator]
        return [
            compare(sum(child.case_id in good for child in family), node.count)
            for family in families
        ]

    def _good(self, condition: Node, rows: Iterable[SeenCase]) -> set[str]:
        """Return the ids of the cases that match, each judged once."""
        distinct = {row.case_id: row for row in rows}
        verdicts = self.judge(condition, list(distinct.values()))
        return {id_ for id_, good in zip(distinct, verdicts, strict=True) if good}

    def _fetch(self, ids: Iterable[str]) -> None:
        new = sorted({id_ for id_ in ids if id_ and id_ not in self._cases})
        if new:
            found = self._relations.cases(new)
            self._cases.update((id_, found.get(id_)) for id_ in new)

    def _fetch_children(self, index: str, ids: Iterable[str]) -> None:
        new = sorted({id_ for id_ in ids if (index, id_) not in self._children})
        if new:
            found = self._relations.children(new, index)
            self._children.update(((index, id_), found.get(id_, ())) for id_ in new)


def _asks_relations(node: Node) -> bool:
    match node:
        case And() | Or():
            return any(map(_asks_relations, node.parts))
        case Not():
            return _asks_relations(node.part)
    return isinstance(node, AncestorExists | SubcaseCount)


def _name(row: SeenCase) -> str:
    return row.case_name


def _status(row: SeenCase) -> str:
    return STATUS_CLOSED if row.closed else STATUS_OPEN


_PSEUDO: Mapping[str, Callable[[SeenCase], str]] = {
    "name": _name,
    "case_name": _name,
    "external_id": lambda row: row.external_id or "",
    "date_opened": lambda row: row.opened_on,
    "closed_on": lambda row: row.closed_on or "",
    "last_modified": lambda row: row.modified_on,
    "@case_id": lambda row: row.case_id,
    "@case_type": lambda row: row.case_type,
    "@owner_id": lambda row: row.owner_id,
    "@status": _status,
}
