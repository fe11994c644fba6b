"""``caseledger user``: who may come in."""

from __future__ import annotations

import sys

import click

from api.cli.database import OPERATOR, opened, the_domain
from api.config import Config
from api.permissions import ROLES
from ledger.directory.users import create_user


@click.group()
def user() -> None:
    """Create users of a domain."""


@user.command()
@click.argument("username")
@click.option("--domain", required=True, metavar="D", help="The user's domain.")
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
@click.pass_obj
def create(
    config: Config,
    *,
    username: str,
    domain: str,
    role: str,
    password: str | None,
    password_stdin: bool,
) -> None:
    """Create USERNAME in a domain and print the user's id."""
    secret = _password(password, from_stdin=password_stdin)
    with opened(config) as store:
        the_domain(store, domain)
        with store.writing(domain) as writer:
            made = create_user(
                writer, username, role=role, password=secret, author=OPERATOR
            )
    click.echo(made.user_id)


def _password(given: str | None, *, from_stdin: bool) -> str:
    if (given is None) is not from_stdin:
        text = "give either --password-stdin or --password P"
        raise click.UsageError(text)
    password = given
    if password is None:
        password = sys.stdin.readline().rstrip("\r\n")
    if not password:
        text = "the password is empty"
        raise click.UsageError(text)
    return password
