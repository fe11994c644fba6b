"""The cases that stand around others: what they point at, and what points at them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

import orjson
from sqlalchemy import bindparam, select

from ledger.storage.connection import Statement
from ledger.storage.dialect import in_list
from ledger.store import Reader
from projections.cases.by_id import chunks, whole_cases
from projections.names import CASES
from projections.rule.case_row import WholeCase
from projections.tables import case_tables

Related = Mapping[str, Mapping[str, WholeCase]]
"""For each case, those related to it under a name."""


def parents_of(r: Reader, cases: Sequence[WholeCase]) -> Related:
    """Return, by the name of the index, the live cases that cases point at."""
    targets = {
        case.seen.case_id: {
            name: index["case_id"]
            for name, index in orjson.loads(case.seen.indices).items()
        }
        for case in cases
    }
    ids = [target for named in targets.values() for target in named.values()]
    found = whole_cases(r, ids)
    return {
        case_id: {name: found[to] for name, to in named.items() if to in found}
        for case_id, named in targets.items()
    }


def children_of(r: Reader, cases: Sequence[WholeCase]) -> Related:
    """Return, by their ids, the live cases whose indices point at cases."""
    statement = _pointing(r.head.live[CASES])
    pointing: dict[str, set[str]] = {}
    for chunk in chunks([case.seen.case_id for case in cases]):
        for target, child in r.conn.rows(statement, domain=r.domain, targets=chunk):
            pointing.setdefault(target, set()).add(child)
    found = whole_cases(r, sorted(set().union(*pointing.values())))
    return {
        target: {child: found[child] for child in sorted(ids) if child in found}
        for target, ids in pointing.items()
    }


@lru_cache(maxsize=16)
def _pointing(generation: int) -> Statement:
    indices = case_tables(generation).case_indices
    return Statement(
        select(indices.c.target_id, indices.c.case_id).where(
            indices.c.domain == bindparam("domain"),
            in_list(indices.c.target_id, "targets"),
        )
    )
