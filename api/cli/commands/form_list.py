"""``caseledger form list``, as it is typed."""

from __future__ import annotations

import click

from api.cli.declared import Command
from api.cli.options import OUTPUT, Moment, domain_option, limit_option
from projections.forms.states import FORM_STATES


@click.command("list", cls=Command)
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
def list_all() -> None:
    """List the newest forms: id, state, when received, who sent it, xmlns."""
