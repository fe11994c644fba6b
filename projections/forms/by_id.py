"""Forms by their ids: rows of the table of forms, and their bytes."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from sqlalchemy import bindparam, select

from ledger import log
from ledger.storage.connection import Statement
from ledger.storage.dialect import in_list
from ledger.store import Reader
from projections.names import FORMS
from projections.rule.form_row import FormRow
from projections.tables import form_tables


def form_rows_of(r: Reader, form_ids: Sequence[str]) -> dict[str, FormRow]:
    """Return the rows of these forms by id; those not known are left out."""
    rows = r.conn.rows(
        _many(r.head.live[FORMS]), domain=r.domain, form_ids=list(form_ids)
    )
    return {row[1]: FormRow._make(row) for row in rows}


def body_of(r: Reader, row: FormRow) -> bytes:
    """Return the bytes of a form as they came, or what an erasure left of them."""
    return log.bodies_at(r, [row.version])[row.version]


@lru_cache(maxsize=64)
def _many(generation: int) -> Statement:
    forms = form_tables(generation).forms
    return Statement(
        select(*forms.columns).where(
            forms.c.domain == bindparam("domain"),
            in_list(forms.c.form_id, "form_ids"),
        )
    )
