"""Which forms touch a case, in the order of the fold (``rules/case-xml.md`` 16)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from sqlalchemy import bindparam, select

from ledger.cases.case import FoldKey
from ledger.storage.connection import Statement
from ledger.storage.dialect import in_list
from ledger.store import Reader
from ledger.tables import entries
from projections.cases.by_id import chunks
from projections.cases.values import Touching
from projections.names import CASES
from projections.rule.steps import Step
from projections.tables import case_tables


def touching_forms(r: Reader, case_ids: Sequence[str]) -> dict[str, Touching]:
    """Return the forms that touch each of these cases.

    Those that are archived, deleted or replaced are left out.
    """
    statement = _steps(r.head.live[CASES])
    found: dict[str, list[tuple[FoldKey, str]]] = {}
    for chunk in chunks(case_ids):
        for row in r.conn.rows(statement, domain=r.domain, case_ids=chunk):
            key = FoldKey(row[1], row[2])
            if Step(row[0], key, row[3], row[4], row[5]).in_force:
                found.setdefault(row[0], []).append((key, row[6] or ""))
    return {case_id: _touching(forms) for case_id, forms in found.items()}


def _touching(forms: list[tuple[FoldKey, str]]) -> Touching:
    forms.sort()
    # A form that came again is one that touches the case once.
    ids = dict.fromkeys(form_id for _, form_id in forms if form_id)
    return Touching(tuple(ids), forms[0][0].received_on)


@lru_cache(maxsize=16)
def _steps(generation: int) -> Statement:
    steps = case_tables(generation).case_forms
    c = steps.c
    return Statement(
        select(
            *(c.case_id, c.received_on, c.form_position),
            *(c.position, c.actions, c.place, entries.c.form_id),
        )
        .select_from(
            steps.join(
                entries,
                (entries.c.domain == c.domain) & (entries.c.position == c.position),
            )
        )
        .where(c.domain == bindparam("domain"), in_list(c.case_id, "case_ids"))
    )
