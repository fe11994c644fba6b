"""``caseledger user``, as it is typed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from api.cli.asking import YES
from api.cli.declared import Group
from api.cli.options import DOMAIN, OUTPUT, domain_option, with_data
from api.wire.permissions import ROLES

_USER = click.argument("username")


def _described(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that say who a user is."""
    for option in (
        with_data,
        click.option(
            "--phone",
            "phone_numbers",
            multiple=True,
            metavar="NUMBER",
            help="All telephones, the default one first; may be repeated.",
        ),
        click.option("--language", metavar="L", help="Such as en or hin."),
        click.option("--email", metavar="E", help="The e-mail address."),
        click.option("--last-name", metavar="N", help="The last name."),
        click.option("--first-name", metavar="N", help="The first name."),
    ):
        command = option(command)
    return command


@click.group(cls=Group)
def user() -> None:
    """Create, list and change users of a domain."""


@user.command()
@click.argument("username")
@domain_option("The user's domain")
@click.option(
    "--role",
    type=click.Choice(list(ROLES)),
    default="editor",
    show_default=True,
    help=(
        "admin: all; editor: reads and writes data; viewer: reads; mobile: submits "
        "forms and restores its own cases."
    ),
)
@click.option("--password", metavar="P", help="The password, visible to other users.")
@click.option("--password-stdin", is_flag=True, help="Read the password from stdin.")
def create() -> None:
    """Create USERNAME in a domain and print the user's id."""


@user.command("list")
@DOMAIN
@OUTPUT
def list_all() -> None:
    """List users: id, username, role, state, name, site codes of where they work."""


@user.command()
@_USER
@DOMAIN
@click.option("--role", type=click.Choice(list(ROLES)), help="Another role.")
@click.option(
    "--active/--inactive", default=None, help="Whether the account is open or closed."
)
@click.option("--password-stdin", is_flag=True, help="Read a new password from stdin.")
@click.option(
    "--location",
    "site_codes",
    multiple=True,
    metavar="CODE",
    help="All places where they work, the primary one first; may be repeated.",
)
@click.option("--no-location", is_flag=True, help="They work at no place any longer.")
@click.option(
    "--all-locations/--own-locations",
    "access_all_locations",
    default=None,
    help="Whether they reach all places, or theirs and those below.",
)
@_described
def update() -> None:
    """Change what is named of USERNAME, a name or an id, and print the id."""


@user.command()
@_USER
@DOMAIN
@YES
def delete() -> None:
    """Take USERNAME away; forms and cases stay, and the name stays taken."""
