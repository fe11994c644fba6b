"""``caseledger form list``: the newest forms, by what they are and who sent them."""

from __future__ import annotations

from typing import Any

from api.cli.database import opened, the_domain
from api.cli.output import Column, Output, Record
from api.config import Config
from ledger.times import format_micros
from projections.forms.latest import latest_forms
from projections.forms.values import FormFilter, ListedForm

_COLUMNS = (
    Column("id", "form_id"),
    Column("state", "state"),
    Column("received", "received_on"),
    Column("user", "user_id"),
    Column("xmlns", "xmlns"),
)


def list_all(
    config: Config, /, *, domain: str | None, limit: int, out: Output, **given: Any
) -> None:
    with opened(config) as store, store.snapshot(the_domain(store, domain)) as reader:
        found = latest_forms(reader, FormFilter(**given), limit=limit)
    out.rows(map(_record, found), _COLUMNS)


def _record(form: ListedForm) -> Record:
    entry = form.entry
    return {
        "form_id": form.form_id,
        "state": form.state,
        "received_on": format_micros(entry.received_on),
        "user_id": entry.user_id or None,
        "xmlns": entry.xmlns,
        "problem": entry.problem,
        "position": entry.position,
        "attachments": len(entry.attachments),
    }
