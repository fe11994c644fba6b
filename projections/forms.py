"""Every look at the table of forms: one form with its versions, or the latest ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from sqlalchemy import bindparam, select

from ledger import log
from ledger.connection import Statement
from ledger.dialect import in_list
from ledger.entry import Entry
from ledger.form import Form
from ledger.formxml import parse_form
from ledger.lineage import SUBMISSION_ERROR
from ledger.store import Reader
from projections.fold import touched
from projections.form_rows import FormRow
from projections.tables import FORMS, form_tables


@dataclass(frozen=True, slots=True, kw_only=True)
class FormFound:
    """A form as the log has it: its bytes' entry, and every entry of its id.

    ``case_ids`` are the cases that its case blocks name.
    """

    row: FormRow
    version: Entry
    entries: tuple[Entry, ...]
    case_ids: tuple[str, ...]


def find_form(r: Reader, form_id: str) -> FormFound | None:
    """Return a form in whatever state, under the id that it has now."""
    row = r.conn.row(_one(r.head.live[FORMS]), domain=r.domain, form_id=form_id)
    if row is None:
        return None
    found = FormRow._make(row)
    version = log.entries_at(r, [found.version])[found.version]
    entries = log.entries_of_forms(r, [form_id]).get(form_id, [])
    form = _parsed(r, found)
    return FormFound(
        row=found,
        version=version,
        entries=tuple(entries),
        case_ids=() if form is None else tuple(touched(form)),
    )


def form_rows_of(r: Reader, form_ids: Sequence[str]) -> dict[str, FormRow]:
    """Return the rows of these forms by id; those not known are left out."""
    rows = r.conn.rows(
        _many(r.head.live[FORMS]), domain=r.domain, form_ids=list(form_ids)
    )
    return {row[1]: FormRow._make(row) for row in rows}


def body_of(r: Reader, row: FormRow) -> bytes:
    """Return the bytes of a form as they came, or what an erasure left of them."""
    return log.bodies_at(r, [row.version])[row.version]


def _parsed(r: Reader, row: FormRow) -> Form | None:
    """Return the form of a row; nothing when its bytes are no form."""
    if row.state == SUBMISSION_ERROR:
        return None
    return parse_form(body_of(r, row))


@lru_cache(maxsize=64)
def _one(generation: int) -> Statement:
    forms = form_tables(generation).forms
    return Statement(
        select(*forms.columns).where(
            forms.c.domain == bindparam("domain"),
            forms.c.form_id == bindparam("form_id"),
        )
    )


@lru_cache(maxsize=64)
def _many(generation: int) -> Statement:
    forms = form_tables(generation).forms
    return Statement(
        select(*forms.columns).where(
            forms.c.domain == bindparam("domain"),
            in_list(forms.c.form_id, "form_ids"),
        )
    )
