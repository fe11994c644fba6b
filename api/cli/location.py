"""``caseledger location``: the places of a domain."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import click
import orjson

from api.cli.asking import be_sure
from api.cli.database import OPERATOR, opened, the_domain
from api.cli.output import Column, Output, Record
from api.cli.people import merged, the_location
from api.config import Config
from ledger.directory import location_changes
from ledger.directory.location_changes import wish_of
from ledger.directory.location_types import types_of
from ledger.directory.locations import list_locations
from ledger.directory.values import Location, LocationTypes, LocationWish
from ledger.store import Reader

_COLUMNS = (
    Column("id", "location_id"),
    Column("site code", "site_code"),
    Column("name", "name"),
    Column("type", "type"),
    Column("parent", "parent"),
)


def create(
    config: Config,
    /,
    *,
    domain: str | None,
    parent: str | None,
    data: tuple[str, ...],
    **fields: str,
) -> None:
    wish = LocationWish(data=merged({}, data), **fields)
    with opened(config) as store, store.writing(the_domain(store, domain)) as writer:
        wish = replace(wish, parent_id=_parent(writer, parent))
        made = location_changes.create_location(writer, wish, author=OPERATOR)
    click.echo(f"{made.location_id}\t{made.site_code}")


def list_all(
    config: Config, *, domain: str | None, archived: bool, out: Output
) -> None:
    with opened(config) as store, store.reading(the_domain(store, domain)) as reader:
        types = types_of(reader)
        found = {one.location_id: one for one in list_locations(reader)}
    records = (
        _record(one, types, found.get(one.parent_id or ""))
        for one in found.values()
        if (one.archived_on is not None) is archived
    )
    out.rows(records, _COLUMNS)


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


def archive(config: Config, *, site_code: str, domain: str | None, yes: bool) -> None:
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


def unarchive(config: Config, *, site_code: str, domain: str | None) -> None:
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
