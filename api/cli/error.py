"""``caseledger error``: forms in error, looked at and tried again."""

from __future__ import annotations

from typing import Any

import click

from api.cli.database import OPERATOR, opened, the_domain
from api.cli.form import echo_form
from api.cli.output import Column, Output
from api.cli.work import outcome, see_through
from api.cli.writing import written
from api.config import Config
from api.errors.wire import to_wire
from api.wire.forms import render_outcome
from importers.jobs.reprocess import enqueue_reprocess
from ledger.clock import now_micros
from ledger.commands.form_states import ChangeForms
from ledger.entry import Kind
from ledger.errors import LedgerError
from ledger.store import Store
from projections.forms.errors import count_errors, latest_errors, look_at_error
from projections.forms.values import ErrorFilter
from projections.forms.view import form_bytes

_COLUMNS = (
    Column("id", "form_id"),
    Column("state", "state"),
    Column("received", "received_on"),
    Column("user", "user_id"),
    Column("problem", "problem", lambda problem: " ".join((problem or "").split())),
)


def list_errors(
    config: Config, /, *, domain: str | None, limit: int, out: Output, **given: Any
) -> None:
    with opened(config) as store, store.reading(the_domain(store, domain)) as reader:
        found = latest_errors(reader, ErrorFilter(**given), limit=limit)
    out.rows((to_wire(one, base="") for one in found), _COLUMNS)


def show(config: Config, *, form_id: str, domain: str | None) -> None:
    with opened(config) as store, store.snapshot(the_domain(store, domain)) as reader:
        echo_form(look_at_error(reader, form_id))


def xml(config: Config, *, form_id: str, domain: str | None) -> None:
    with opened(config) as store, store.snapshot(the_domain(store, domain)) as reader:
        look_at_error(reader, form_id)
        body = form_bytes(reader, form_id)
    click.echo(body, nl=False)


def reprocess(
    config: Config,
    /,
    *,
    form_id: str | None,
    domain: str | None,
    every: bool,
    reason: str,
    out: Output,
    **given: Any,
) -> int:
    if (form_id is None) is not every:
        text = "give either a FORM_ID or --all"
        raise click.UsageError(text)
    with opened(config) as store:
        name = the_domain(store, domain)
        if form_id is not None:
            return _reprocess_one(store, name, form_id, reason, out=out)
        return _reprocess_all(store, name, ErrorFilter(**given), reason)


def _reprocess_one(
    store: Store, domain: str, form_id: str, reason: str, *, out: Output
) -> int:
    command = ChangeForms(
        form_ids=(form_id,), kind=Kind.REPROCESS, author=OPERATOR, reason=reason
    )
    [found] = written(store, domain, [command])
    if isinstance(found, LedgerError):
        raise found
    [found] = found
    out.document(render_outcome(found), [f"{found.form_id}\t{found.state}"])
    if found.problem is None:
        return 0
    click.echo(f"Error: {found.problem}", err=True)
    return 1


def _reprocess_all(store: Store, domain: str, asked: ErrorFilter, reason: str) -> int:
    with store.reading(domain) as reader:
        total = count_errors(reader, asked)
    with store.writing(domain) as writer:
        job = enqueue_reprocess(
            writer, asked, total=total, reason=reason, author=OPERATOR, clock=now_micros
        )
    return outcome(see_through(store, job.key))
