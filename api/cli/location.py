"""``caseledger location``: the places of a domain."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import click
import orjson

from api.cli.asking import YES, be_sure
from api.cli.database import OPERATOR, opened, the_domain
from api.cli.output import OUTPUT, Column, Output, Record
from api.cli.people import DOMAIN, merged, the_location, with_data
from api.config import Config
from ledger.directory import location_changes
from ledger.directory.location_changes import LocationWish, wish_of
from ledger.directory.location_types import LocationTypes, types_of
from ledger.directory.locations import Location, list_locations
from ledger.store import Reader

_COLUMNS = (
    Column("id", "location_id"),
    Column("site code", "site_code"),
    Column("name", "name"),
    Column("type", "type"),
    Column("parent", "parent"),
)
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


@click.group()
def location() -> None:
    """Create, list and change the places of a domain."""


@location.command()
@click.argument("name")
@click.option("--type", "type_code", required=True, metavar="CODE", help="Its level.")
@DOMAIN
@click.option("--site-code", metavar="C", help="Made of the name if not given.")
@_described
@click.pass_obj
def create(
    config: Config,
    /,
    *,
    domain: str | None,
    parent: str | None,
    data: tuple[str, ...],
    **fields: str,
) -> None:
    """Create the location NAME; print its id and its site code."""
    wish = LocationWish(data=merged({}, data), **fields)
    with opened(config) as store, store.writing(the_domain(store, domain)) as writer:
        wish = replace(wish, parent_id=_parent(writer, parent))
        made = location_changes.create_location(writer, wish, author=OPERATOR)
    click.echo(f"{made.location_id}\t{made.site_code}")


@location.command("list")
@DOMAIN
@click.option("--archived", is_flag=True, help="Only places that are archived.")
@OUTPUT
@click.pass_obj
def list_all(
    config: Config, *, domain: str | None, archived: bool, out: Output
) -> None:
    """List the places: id, site code, name, type, site code of the place above."""
    with opened(config) as store, store.reading(the_domain(store, domain)) as reader:
        types = types_of(reader)
        found = {one.location_id: one for one in list_locations(reader)}
    records = (
        _record(one, types, found.get(one.parent_id or ""))
        for one in found.values()
        if (one.archived_on is not None) is archived
    )
    out.rows(records, _COLUMNS)


@location.command()
@_CODE
@DOMAIN
@click.option("--name", metavar="N", help="What it is called from now on.")
@click.option("--new-site-code", metavar="C", help="Its site code from now on.")
@click.option("--type", "type_code", metavar="CODE", help="Another level.")
@click.option("--no-parent", is_flag=True, help="It stands at the top from now on.")
@_described
@click.pass_obj
def update(
    config: Config,
    /,
    *,
    site_code: str,
    domain: str | None,
    parent: str | None,
    no_parent: bool,
    data: tuple[str, ...],
    **fields: str | None,
) -> None:
    """Change what is named of a place, and print its id and site code.

    A new name does not change the site code.
    """
    if parent is not None and no_parent:
        text = "give either --parent CODE or --no-parent"
        raise click.UsageError(text)
    with opened(config) as store, store.writing(the_domain(store, domain)) as writer:
        before = the_location(writer, site_code)
        wish = replace(
            _as_is(writer, before, fields),
            data=merged(orjson.loads(before.data), data),
        )
        if parent is not None or no_parent:
            wish = replace(wish, parent_id=_parent(writer, parent))
        after = location_changes.update_location(writer, before, wish, author=OPERATOR)
    click.echo(f"{after.location_id}\t{after.site_code}")


@location.command()
@_CODE
@DOMAIN
@YES
@click.pass_obj
def archive(config: Config, *, site_code: str, domain: str | None, yes: bool) -> None:
    """Close a place and all below it; nobody works there any longer."""
    with opened(config) as store:
        name = the_domain(store, domain)
        with store.reading(name) as reader:
            found = the_location(reader, site_code)
        be_sure(f"Close {found.name} and every place below it?", yes=yes)
        with store.writing(name) as writer:
            closed = location_changes.archive_location(
                writer, found.location_id, author=OPERATOR
            )
    click.echo(f"{len(closed)} archived")


@location.command()
@_CODE
@DOMAIN
@click.pass_obj
def unarchive(config: Config, *, site_code: str, domain: str | None) -> None:
    """Open a place again, with those above and below it."""
    with opened(config) as store, store.writing(the_domain(store, domain)) as writer:
        found = the_location(writer, site_code)
        opened_again = location_changes.unarchive_location(
            writer, found.location_id, author=OPERATOR
        )
    click.echo(f"{len(opened_again)} unarchived")


def _record(one: Location, types: LocationTypes, above: Location | None) -> Record:
    return {
        "location_id": one.location_id,
        "site_code": one.site_code,
        "name": one.name,
        "type": types.by_id[one.type_id].code,
        "parent": None if above is None else above.site_code,
        "external_id": one.external_id or None,
        "latitude": one.latitude or None,
        "longitude": one.longitude or None,
        "data": orjson.loads(one.data),
        "archived": one.archived_on is not None,
    }


def _parent(r: Reader, code: str | None) -> str | None:
    return None if code is None else the_location(r, code).location_id


def _as_is(r: Reader, before: Location, fields: dict[str, str | None]) -> LocationWish:
    """Return a place as it is, with those fields that are given."""
    given: dict[str, Any] = {
        name: value for name, value in fields.items() if value is not None
    }
    given["site_code"] = given.pop("new_site_code", before.site_code)
    return replace(wish_of(before, types_of(r)), **given)
