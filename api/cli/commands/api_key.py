"""``caseledger api-key``, as it is typed."""

from __future__ import annotations

import click

from api.cli.declared import Group
from api.cli.options import OUTPUT, domain_option
from api.config import DOMAIN_VARIABLE


@click.group(cls=Group)
def api_key() -> None:
    """Create, list and revoke API keys."""


@api_key.command()
@click.argument("username")
@domain_option("The user's domain")
@click.option("--name", default="", metavar="N", help="What the key is for.")
@click.option("--read-only", is_flag=True, help="The key can change nothing.")
@click.option("--scope", metavar="PATH", help="Good for paths below this only.")
def create() -> None:
    """Make a key for USERNAME and print it, once, alone on the last line."""


@api_key.command("list")
@click.option(
    "--domain",
    metavar="D",
    envvar=DOMAIN_VARIABLE,
    show_envvar=True,
    help="Only the keys of this domain.",
)
@OUTPUT
def list_all() -> None:
    """List keys: id, domain, user, what it may do, state, when made, name."""


@api_key.command()
@click.argument("key_id", metavar="ID")
def revoke() -> None:
    """Make the key with this id worthless."""
