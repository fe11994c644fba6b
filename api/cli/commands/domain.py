"""``caseledger domain``, as it is typed."""

from __future__ import annotations

import click

from api.cli.declared import Group
from api.cli.options import OUTPUT, domains_option


@click.group(cls=Group)
def domain() -> None:
    """Create, list and set up domains (project spaces)."""


@domain.command()
@click.argument("name")
@click.option(
    "--secure-submissions/--open-submissions",
    default=True,
    show_default=True,
    help="Whether devices must authenticate to submit forms.",
)
def create() -> None:
    """Create the domain NAME; an error when it exists.

    A database that is not there yet is made first.
    """


@domain.command()
@click.argument("name")
@click.option(
    "--secure-submissions/--open-submissions",
    default=None,
    help="Whether devices must authenticate to submit forms.",
)
@click.option(
    "--close-extensions/--no-close-extensions",
    default=None,
    help="Whether a case that is closed takes what extends it along.",
)
@click.option(
    "--connect-usernames/--no-connect-usernames",
    default=None,
    help="Whether mobile workers may be made who have a ConnectID and no password.",
)
@click.option(
    "--rate-limits",
    metavar="LIMITS",
    help="How often the APIs may be called: off, commcare, or for instance "
    "'5/second; 100/minute; 2000/day'.",
)
@click.option(
    "--unlimited-user",
    "unlimited_users",
    metavar="USER",
    multiple=True,
    help="A user whose calls are not counted; may be given again. An empty name alone "
    "means nobody.",
)
@click.option(
    "--accept-clock",
    is_flag=True,
    help="Vouch for this machine's clock, after a jump because of which nothing is "
    "written.",
)
@OUTPUT
def settings() -> None:
    """Change what holds in the domain NAME, if anything is said, and print it.

    A running server follows in seconds.
    """


@domain.command()
@domains_option("State the directory of")
@click.option("--all", "every", is_flag=True, help="State that of every domain.")
@OUTPUT
def restate() -> None:
    """Have the log state users, groups, places, keys, webhooks and settings anew.

    It states jobs and batches too. For domains that an older release made: from then on
    verify proves all of these. Look through the lists first, since what stands there
    now is taken for right.
    """


@domain.command("list")
@OUTPUT
def list_all() -> None:
    """List the domains: name, entries in the log, when created."""
