"""``caseledger group``, as it is typed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from api.cli.asking import YES
from api.cli.declared import Group
from api.cli.options import DOMAIN, OUTPUT

_NAME = click.argument("name", metavar="GROUP")
_USERS = click.argument("usernames", metavar="USERNAME...", nargs=-1, required=True)


def _flags(*, case_sharing: bool | None, reporting: bool | None) -> Callable[..., Any]:
    """Return a decorator that adds what a group is for, with these defaults."""
    sharing = click.option(
        "--case-sharing/--no-case-sharing",
        default=case_sharing,
        help="Whether the group may own cases, which all members then share.",
    )
    reports = click.option(
        "--reporting/--no-reporting",
        default=reporting,
        help="Whether reports show the group.",
    )
    return lambda command: sharing(reports(command))


@click.group(cls=Group)
def group() -> None:
    """Create, list and change groups of users."""


@group.command()
@click.argument("name")
@DOMAIN
@_flags(case_sharing=False, reporting=True)
def create() -> None:
    """Create the group NAME and print its id."""


@group.command("list")
@DOMAIN
@OUTPUT
def list_all() -> None:
    """List the groups: id, name, what they are for, how many members."""


@group.command()
@_NAME
@DOMAIN
@click.option("--name", "new_name", metavar="NAME", help="What it is called from now.")
@_flags(case_sharing=None, reporting=None)
def update() -> None:
    """Change what is said of GROUP, a name or an id."""


@group.command()
@_NAME
@DOMAIN
@OUTPUT
def members() -> None:
    """List who is in GROUP: user id and name."""


@group.command("add-user")
@_NAME
@_USERS
@DOMAIN
def add_user() -> None:
    """Put each USERNAME into GROUP."""


@group.command("remove-user")
@_NAME
@_USERS
@DOMAIN
def remove_user() -> None:
    """Take each USERNAME out of GROUP."""


@group.command()
@_NAME
@DOMAIN
@YES
def delete() -> None:
    """Take GROUP away; cases that it owns keep its id."""
