"""``caseledger error``, as it is typed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from api.cli.declared import Group
from api.cli.options import (
    AS_IT_IS,
    OUTPUT,
    REASON,
    Moment,
    domain_option,
    limit_option,
)
from projections.forms.states import ERROR_STATES

_Command = Callable[..., Any]

_DOMAIN = domain_option("The forms' domain")
_FORM_ID = click.argument("form_id")


def _filtered(command: _Command) -> _Command:
    """Add the options that say which forms are meant."""
    for option in (
        click.option("--to", "received_to", type=Moment(), help="Received before it."),
        click.option(
            "--from", "received_from", type=Moment(), help="Received then or later."
        ),
        click.option("--user", "user_id", metavar="ID", help="Who was authenticated."),
        click.option("--xmlns", metavar="XMLNS", help="The forms' xmlns."),
        click.option(
            "--problem",
            metavar="START",
            help="How the problem begins, such as InvalidCaseIndex.",
        ),
    ):
        command = option(command)
    return command


@click.group(cls=Group)
def error() -> None:
    """List and show forms in error, and try them again."""


@error.command("list")
@_DOMAIN
@click.option("--state", type=click.Choice(ERROR_STATES), help="Only in this state.")
@_filtered
@limit_option(1_000_000)
@OUTPUT
def list_errors() -> None:
    """Print the newest forms in error: id, state, when, who, problem."""


@error.command()
@_FORM_ID
@_DOMAIN
@AS_IT_IS
def show() -> None:
    """Print a form in error as JSON: its problem, who sent it, all its life."""


@error.command()
@_FORM_ID
@_DOMAIN
def xml() -> None:
    """Write the bytes of a form in error, as they came, to standard output."""


@error.command()
@click.argument("form_id", required=False)
@_DOMAIN
@_filtered
@click.option("--all", "every", is_flag=True, help="All that the options select.")
@REASON
@OUTPUT
def reprocess() -> None:
    """Try one form in error again, or with --all every one that the options select."""
