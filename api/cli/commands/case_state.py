"""``caseledger case delete|restore|rebuild``, as they are typed."""

from __future__ import annotations

import click

from api.cli.declared import Command
from api.cli.options import OUTPUT, REASON, domain_option

_DOMAIN = domain_option("The cases' domain")
_CASE_IDS = click.argument("case_ids", nargs=-1, required=True, metavar="CASE_ID...")


@click.command(cls=Command)
@_CASE_IDS
@_DOMAIN
@REASON
@OUTPUT
def delete() -> None:
    """Flag cases as deleted: no list has them, and nothing is lost."""


@click.command(cls=Command)
@_CASE_IDS
@_DOMAIN
@REASON
@OUTPUT
def restore() -> None:
    """Take back that cases are deleted."""


@click.command(cls=Command)
@_CASE_IDS
@_DOMAIN
@REASON
@OUTPUT
def rebuild() -> None:
    """Fold cases from nothing."""
