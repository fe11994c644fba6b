"""``caseledger webhook``, as it is typed."""

from __future__ import annotations

import click

from api.cli.asking import YES
from api.cli.declared import Group
from api.cli.options import OUTPUT, domain_option
from api.webhooks.limits import MOST_LIMIT
from ledger.webhooks.values import STATES

_DOMAIN = domain_option()


@click.group(cls=Group)
def webhook() -> None:
    """Tell other programs of new entries."""


@webhook.command()
@click.argument("url")
@_DOMAIN
@click.option(
    "--case-type",
    "case_types",
    multiple=True,
    metavar="T",
    help="Only entries that changed a case of this type; may be repeated.",
)
@click.option(
    "--xmlns",
    multiple=True,
    metavar="X",
    help="Only forms with this xmlns; may be repeated.",
)
@click.option("--inactive", is_flag=True, help="Make it, but tell nobody yet.")
@click.option(
    "--secret-stdin",
    is_flag=True,
    help="Read the secret from the first line of standard input.",
)
def create() -> None:
    """Tell URL of new entries; print the id and, if it was made here, the secret."""


@webhook.command("list")
@_DOMAIN
@OUTPUT
def list_all() -> None:
    """List webhooks: id, state, place in the log, address, filters."""


@webhook.command()
@click.argument("webhook_id", metavar="ID")
@_DOMAIN
@YES
def delete() -> None:
    """Remove a webhook with its deliveries."""


@webhook.command("deliveries")
@click.argument("webhook_id", metavar="ID")
@_DOMAIN
@click.option(
    "--state", type=click.Choice(STATES), help="Only deliveries in this state."
)
@click.option(
    "--limit",
    type=click.IntRange(1, MOST_LIMIT),
    default=100,
    metavar="N",
    help="How many at most; 100 if nothing is said.",
)
@OUTPUT
def list_deliveries() -> None:
    """List what a webhook was told, the latest entry first."""


@webhook.command()
@click.argument("webhook_id", metavar="ID")
@click.argument("position", type=int, required=False)
@_DOMAIN
def retry() -> None:
    """Have the delivery of one entry tried again, or every dead one."""
