"""The newest forms, in whatever state: what came last is told first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from functools import lru_cache

from sqlalchemy import bindparam, select

from ledger.log import to_entry
from ledger.storage.connection import Statement
from ledger.store import Reader
from ledger.tables import entries
from projections.forms.values import FormFilter, ListedForm
from projections.names import FORMS
from projections.tables import form_tables


def latest_forms(r: Reader, asked: FormFilter, *, limit: int) -> list[ListedForm]:
    """Return the forms whose bytes came last, those that match.

    Walks the log backwards by its primary key, each form found by its own: the time
    goes with how far back the last of them lies.
    """
    given = {name: value for name, value in asdict(asked).items() if value is not None}
    statement = _newest(r.head.live[FORMS], tuple(given))
    rows = r.conn.rows(statement, domain=r.domain, limit=limit, **given)
    return [
        ListedForm(form_id=row[0], state=row[1], entry=to_entry(row[2:]))
        for row in rows
    ]


@lru_cache(maxsize=64)
def _newest(generation: int, names: Sequence[str]) -> Statement:
    forms = form_tables(generation).forms
    conditions = {
        "state": forms.c.state == bindparam("state"),
        "xmlns": entries.c.xmlns == bindparam("xmlns"),
        "user_id": entries.c.user_id == bindparam("user_id"),
        "received_from": entries.c.received_on >= bindparam("received_from"),
        "received_to": entries.c.received_on < bindparam("received_to"),
    }
    return Statement(
        select(forms.c.form_id, forms.c.state, *entries.columns)
        .select_from(
            entries.join(
                forms,
                (forms.c.domain == entries.c.domain)
                & (forms.c.form_id == entries.c.form_id)
                & (forms.c.version == entries.c.position),
            )
        )
        .where(entries.c.domain == bindparam("domain"))
        .where(*(conditions[name] for name in names))
        .order_by(entries.c.position.desc())
        .limit(bindparam("limit"))
    )
