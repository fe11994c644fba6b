"""``caseledger location-type``: the levels of places."""

from __future__ import annotations

from typing import Any

import click

from api.cli.database import OPERATOR, opened, the_domain
from api.cli.output import Column, Output
from api.cli.people import the_type
from api.config import Config
from ledger.directory.location_types import create_type, list_types, update_type

_COLUMNS = (
    Column("number", "type_id"),
    Column("code", "code"),
    Column("name", "name"),
    Column("parent", "parent"),
    Column("shares cases", "shares_cases", label="shares cases: "),
    Column("view descendants", "view_descendants", label="view descendants: "),
)


def create(
    config: Config,
    /,
    name: str,
    domain: str | None,
    code: str | None,
    parent: str | None,
    **flags: bool,
) -> None:
    with opened(config) as store, store.writing(the_domain(store, domain)) as writer:
        above = None if parent is None else the_type(writer, parent)
        made = create_type(
            writer, name, code=code, parent=above, author=OPERATOR, **flags
        )
    click.echo(made.code)


def list_all(config: Config, *, domain: str | None, out: Output) -> None:
    with opened(config) as store, store.reading(the_domain(store, domain)) as reader:
        found = list_types(reader)
    codes = {one.type_id: one.code for one in found}
    records = (
        {
            "type_id": one.type_id,
            "code": one.code,
            "name": one.name,
            "parent": None if one.parent_id is None else codes[one.parent_id],
            "shares_cases": bool(one.shares_cases),
            "view_descendants": bool(one.view_descendants),
        }
        for one in found
    )
    out.rows(records, _COLUMNS)


def update(
    config: Config,
    /,
    code: str,
    domain: str | None,
    name: str | None,
    **flags: bool | None,
) -> None:
    given: dict[str, Any] = {
        flag: int(value) for flag, value in flags.items() if value is not None
    }
    if name is not None:
        given["name"] = name
    with opened(config) as store, store.writing(the_domain(store, domain)) as writer:
        found = the_type(writer, code)
        update_type(writer, found._replace(**given), author=OPERATOR)
    click.echo(code)
