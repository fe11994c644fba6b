"""Which forms may name a case: what its history knows of them."""

from __future__ import annotations

from functools import lru_cache

from sqlalchemy import bindparam, select

from ledger import log
from ledger.storage.connection import Statement
from ledger.store import Reader
from projections.names import CASES
from projections.rule.fold import FORM
from projections.tables import case_tables


def forms_that_may_name(r: Reader, case_id: str) -> list[str]:
    """Return the ids of the forms in a case's history, those out of force too.

    A form that was edited since may name the case no more. Served by the primary key.
    """
    rows = r.conn.rows(_history(r.head.live[CASES]), domain=r.domain, case_id=case_id)
    # A form that took the place of another one has an id of its own.
    places = {place for *two, actions in rows if actions & FORM for place in two}
    found = log.entries_at(r, places) if places else {}
    return sorted({e.form_id for e in found.values() if e.form_id is not None})


@lru_cache(maxsize=16)
def _history(generation: int) -> Statement:
    steps = case_tables(generation).case_forms
    return Statement(
        select(steps.c.form_position, steps.c.position, steps.c.actions).where(
            steps.c.domain == bindparam("domain"),
            steps.c.case_id == bindparam("case_id"),
        )
    )
