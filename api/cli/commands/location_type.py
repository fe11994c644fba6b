"""``caseledger location-type``, as it is typed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from api.cli.declared import Group
from api.cli.options import DOMAIN, OUTPUT


def _flags(*, default: bool | None) -> Callable[..., Any]:
    """Return a decorator that adds what places of a type may do."""
    shares = click.option(
        "--shares-cases/--no-shares-cases",
        default=default,
        help="Whether such a place may own cases, which all who work there share.",
    )
    descends = click.option(
        "--view-descendants/--no-view-descendants",
        default=default,
        help="Whether who works there also sees the cases of the places below.",
    )
    return lambda command: shares(descends(command))


@click.group(cls=Group)
def location_type() -> None:
    """Create, list and change the levels of places."""


@location_type.command()
@click.argument("name")
@DOMAIN
@click.option("--code", metavar="C", help="Its code; made of the name if not given.")
@click.option("--parent", metavar="CODE", help="The type of the places above.")
@_flags(default=False)
def create() -> None:
    """Create the location type NAME and print its code."""


@location_type.command("list")
@DOMAIN
@OUTPUT
def list_all() -> None:
    """List the types: number, code, name, the type above, what its places may do."""


@location_type.command()
@click.argument("code")
@DOMAIN
@click.option("--name", metavar="N", help="What it is called from now on.")
@_flags(default=None)
def update() -> None:
    """Change the type with this CODE; its code and its parent stay."""
