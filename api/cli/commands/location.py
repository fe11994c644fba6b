"""``caseledger location``, as it is typed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from api.cli.asking import YES
from api.cli.declared import Group
from api.cli.options import DOMAIN, OUTPUT, with_data

_CODE = click.argument("site_code", metavar="SITE_CODE")


def _described(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that say what a place is."""
    for option in (
        with_data,
        click.option("--longitude", metavar="DEGREES", help="East of Greenwich."),
        click.option("--latitude", metavar="DEGREES", help="North of the equator."),
        click.option("--external-id", metavar="ID", help="What others call it."),
        click.option("--parent", metavar="CODE", help="The place above."),
    ):
        command = option(command)
    return command


@click.group(cls=Group)
def location() -> None:
    """Create, list and change the places of a domain."""


@location.command()
@click.argument("name")
@click.option("--type", "type_code", required=True, metavar="CODE", help="Its level.")
@DOMAIN
@click.option("--site-code", metavar="C", help="Made of the name if not given.")
@_described
def create() -> None:
    """Create the location NAME; print its id and its site code."""


@location.command("list")
@DOMAIN
@click.option("--archived", is_flag=True, help="Only places that are archived.")
@OUTPUT
def list_all() -> None:
    """List the places: id, site code, name, type, site code of the place above."""


@location.command()
@_CODE
@DOMAIN
@click.option("--name", metavar="N", help="What it is called from now on.")
@click.option("--new-site-code", metavar="C", help="Its site code from now on.")
@click.option("--type", "type_code", metavar="CODE", help="Another level.")
@click.option("--no-parent", is_flag=True, help="It stands at the top from now on.")
@_described
def update() -> None:
    """Change what is named of a place, and print its id and site code.

    A new name does not change the site code.
    """


@location.command()
@_CODE
@DOMAIN
@YES
def archive() -> None:
    """Close a place and all below it; nobody works there any longer."""


@location.command()
@_CODE
@DOMAIN
def unarchive() -> None:
    """Open a place again, with those above and below it."""
