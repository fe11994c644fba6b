"""``caseledger form``, as it is typed."""

from __future__ import annotations

import click

from api.cli.commands.form_check import check
from api.cli.commands.form_list import list_all
from api.cli.declared import Group
from api.cli.options import AS_IT_IS, OUTPUT, REASON, domain_option

_DOMAIN = domain_option("The forms' domain")
_FORM_IDS = click.argument("form_ids", nargs=-1, required=True, metavar="FORM_ID...")


@click.group(cls=Group)
def form() -> None:
    """Check forms; show a form, archive or delete it, or take that back."""


form.add_command(check)
form.add_command(list_all)


@form.command()
@click.argument("form_id")
@_DOMAIN
@AS_IT_IS
def show() -> None:
    """Print a form as JSON: its state, its versions and all that happened to it."""


@form.command()
@click.argument("form_id")
@_DOMAIN
def xml() -> None:
    """Write the bytes of a form, as they came, to standard output."""


@form.command()
@_FORM_IDS
@_DOMAIN
@REASON
@OUTPUT
def archive() -> None:
    """Withdraw forms, so that their cases are folded without them."""


@form.command()
@_FORM_IDS
@_DOMAIN
@REASON
@OUTPUT
def unarchive() -> None:
    """Let archived forms count again."""


@form.command()
@_FORM_IDS
@_DOMAIN
@REASON
@OUTPUT
def delete() -> None:
    """Delete forms softly, whatever their state."""


@form.command()
@_FORM_IDS
@_DOMAIN
@REASON
@OUTPUT
def restore() -> None:
    """Make deleted forms what they were before."""


@form.command()
@_FORM_IDS
@_DOMAIN
@REASON
@OUTPUT
def reprocess() -> None:
    """Try XFormErrors again, because their cause may be gone."""
