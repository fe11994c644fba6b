"""Forms with the entries and the bytes behind them, however they were found."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Select, bindparam, or_, select

from ledger import log
from ledger.bodies import true_body
from ledger.entry import Entry
from ledger.errors import NotFound
from ledger.forms.lineage import ARCHIVED, DELETED, NORMAL, SUBMISSION_ERROR
from ledger.storage.connection import Statement
from ledger.storage.dialect import Row, in_list
from ledger.store import Reader
from ledger.tables import bodies, entries
from projections.forms.values import last_edit
from projections.names import FORMS
from projections.rule.form_json import StoredForm
from projections.tables import form_tables

_HIDDEN = frozenset((DELETED, SUBMISSION_ERROR))


def forms_at(r: Reader, positions: Sequence[int]) -> dict[int, StoredForm]:
    """Return the listed forms whose state these entries decided; raises ``Damaged``."""
    statement = _at_positions(r.head.live[FORMS])
    rows = r.conn.rows(statement, domain=r.domain, positions=list(positions))
    return {row[0]: to_stored(r, row[1:]) for row in rows}


def forms_of(r: Reader, form_ids: Sequence[str]) -> list[StoredForm]:
    """Return the forms with these ids, in whatever state; raises ``Damaged``."""
    statement = _with_ids(r.head.live[FORMS])
    rows = r.conn.rows(statement, domain=r.domain, form_ids=list(form_ids))
    return [to_stored(r, row) for row in rows]


def stored_form(r: Reader, form_id: str) -> StoredForm:
    """Return a form in whatever state, with its last edit.

    Raises ``NotFound`` for one that is unknown or deleted and for a submission that
    was none, and ``Damaged``.
    """
    shown = [form for form in forms_of(r, [form_id]) if form.state not in _HIDDEN]
    if not shown:
        raise NotFound(f"Form '{form_id}' not found")
    return with_edits(r, shown)[0]


def with_edits(r: Reader, forms: Sequence[StoredForm]) -> list[StoredForm]:
    """Return the same forms with the entries that last gave them other bytes."""
    changed = [form for form in forms if _has_a_past(form)]
    if not changed:
        return list(forms)
    ids = {i for f in changed for i in (f.form_id, f.version.form_id) if i is not None}
    families = log.entries_of_forms(r, ids)
    return [
        form._replace(edit=_edit(form, families)) if _has_a_past(form) else form
        for form in forms
    ]


def to_stored(r: Reader, row: Row) -> StoredForm:
    """Return the form of a row of ``stored_select``; raises ``Damaged``."""
    form_id, state, decided_on, problem, dictionary, stored = row[:6]
    version = log.to_entry(row[6:])
    body = None
    if stored is not None:
        body = true_body(
            r,
            version.position,
            sha256=version.body_sha256,
            dictionary=dictionary,
            stored=stored,
        )
    return StoredForm(
        form_id=form_id,
        state=state,
        decided_on=decided_on,
        problem=problem,
        version=version,
        body=body,
    )


def stored_select(generation: int, *before: Any) -> Select[Any]:
    """Return the query for all forms of a domain, with columns ``before`` the others.

    Parameter: ``domain``.
    """
    forms, decided = form_tables(generation).forms, entries.alias("decided")
    return (
        select(
            *before,
            forms.c.form_id,
            forms.c.state,
            decided.c.appended_on,
            decided.c.problem,
            bodies.c.dictionary,
            bodies.c.body,
            *entries.columns,
        )
        .select_from(forms)
        .join(
            entries,
            (entries.c.domain == forms.c.domain)
            & (entries.c.position == forms.c.version),
        )
        .join(
            decided,
            (decided.c.domain == forms.c.domain)
            & (decided.c.position == forms.c.position),
        )
        .outerjoin(
            bodies,
            (bodies.c.domain == forms.c.domain)
            & (bodies.c.position == forms.c.version),
        )
        .where(forms.c.domain == bindparam("domain"))
    )


def is_listed(state: ColumnElement[str]) -> ColumnElement[bool]:
    """Return the condition that forms are in a state that lists may show."""
    return or_(state == NORMAL, state == ARCHIVED)


def _has_a_past(form: StoredForm) -> bool:
    """Tell whether more entries than the one with the bytes may be about a form."""
    version = form.version
    return (
        version.position != version.form_position
        or form.decided_on != version.appended_on
        or form.form_id != version.form_id
    )


def _edit(form: StoredForm, families: dict[str, list[Entry]]) -> Entry | None:
    """Return the last edit up to when the state of the form was decided.

    A version that made way for another has no entries of its own id.
    """
    own = families.get(form.form_id) or families.get(form.version.form_id or "", [])
    return last_edit(e for e in own if e.appended_on <= form.decided_on)


@lru_cache(maxsize=16)
def _at_positions(generation: int) -> Statement:
    forms = form_tables(generation).forms
    found = stored_select(generation, forms.c.position)
    return Statement(
        found.where(in_list(forms.c.position, "positions"), is_listed(forms.c.state))
    )


@lru_cache(maxsize=16)
def _with_ids(generation: int) -> Statement:
    form_id = form_tables(generation).forms.c.form_id
    return Statement(stored_select(generation).where(in_list(form_id, "form_ids")))
