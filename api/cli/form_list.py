"""``caseledger form list``: the newest forms, by what they are and who sent them."""

from __future__ import annotations

from typing import Any

import click

from api.cli.database import opened, the_domain
from api.cli.options import Moment, domain_option, limit_option
from api.cli.output import OUTPUT, Column, Output, Record
from api.config import Config
from ledger.times import format_micros
from projections.forms.latest import latest_forms
from projections.forms.values import FORM_STATES, FormFilter, ListedForm

_COLUMNS = (
    Column("id", "form_id"),
    Column("state", "state"),
    Column("received", "received_on"),
    Column("user", "user_id"),
    Column("xmlns", "xmlns"),
)


@click.command("list")
@domain_option("The forms' domain")
@click.option("--state", type=click.Choice(FORM_STATES), help="Only in this state.")
@click.option("--xmlns", metavar="XMLNS", help="Only forms with this xmlns.")
@click.option("--user", "user_id", metavar="ID", help="Who was authenticated.")
@click.option(
    "--from", "received_from", type=Moment(), help="Only those received then or later."
)
@click.option("--to", "received_to", type=Moment(), help="Only those received before.")
@limit_option(1_000_000)
@OUTPUT
@click.pass_obj
def list_all(
    config: Config, /, *, domain: str | None, limit: int, out: Output, **given: Any
) -> None:
    """List the newest forms: id, state, when received, who sent it, xmlns."""
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
