"""``caseledger group``: users who belong together."""

from __future__ import annotations

from typing import Any

import click

from api.cli.asking import be_sure
from api.cli.database import OPERATOR, opened, the_domain
from api.cli.output import Column, Output
from api.cli.people import the_group, the_user
from api.config import Config
from ledger.directory import groups
from ledger.directory.values import GroupChange

_COLUMNS = (
    Column("id", "group_id"),
    Column("name", "name"),
    Column("case sharing", "case_sharing", label="case sharing: "),
    Column("reporting", "reporting", label="reporting: "),
    Column("members", "members", label="members: "),
)
_MEMBERS = (Column("id", "user_id"), Column("username", "username"))


def create(config: Config, /, name: str, domain: str | None, **flags: Any) -> None:
    with opened(config) as store, store.writing(the_domain(store, domain)) as writer:
        made = groups.create_group(writer, name, author=OPERATOR, **flags)
    click.echo(made.group_id)


def list_all(config: Config, *, domain: str | None, out: Output) -> None:
    with opened(config) as store, store.reading(the_domain(store, domain)) as reader:
        found = groups.list_groups(reader)
        members = groups.members_of(reader, [one.group_id for one in found])
    records = (
        {
            "group_id": one.group_id,
            "name": one.name,
            "case_sharing": bool(one.case_sharing),
            "reporting": bool(one.reporting),
            "members": len(members.get(one.group_id, ())),
        }
        for one in found
    )
    out.rows(records, _COLUMNS)


def update(
    config: Config,
    /,
    name: str,
    domain: str | None,
    new_name: str | None,
    **flags: Any,
) -> None:
    change = GroupChange(name=new_name, **flags)
    with opened(config) as store, store.writing(the_domain(store, domain)) as writer:
        found = the_group(writer, name)
        groups.update_group(writer, found, change, author=OPERATOR)
    click.echo(found.group_id)


def members(config: Config, *, name: str, domain: str | None, out: Output) -> None:
    with opened(config) as store, store.reading(the_domain(store, domain)) as reader:
        found = the_group(reader, name)
        ids = groups.members_of(reader, [found.group_id]).get(found.group_id, [])
        known = [the_user(reader, user_id) for user_id in ids]
    records = ({"user_id": u.user_id, "username": u.username} for u in known)
    out.rows(records, _MEMBERS)


def add_user(
    config: Config, *, name: str, usernames: tuple[str, ...], domain: str | None
) -> None:
    with opened(config) as store, store.writing(the_domain(store, domain)) as writer:
        ids = [the_user(writer, username).user_id for username in usernames]
        groups.add_members(writer, the_group(writer, name), ids, author=OPERATOR)


def remove_user(
    config: Config, *, name: str, usernames: tuple[str, ...], domain: str | None
) -> None:
    with opened(config) as store, store.writing(the_domain(store, domain)) as writer:
        ids = [the_user(writer, username).user_id for username in usernames]
        groups.remove_members(writer, the_group(writer, name), ids, author=OPERATOR)


def delete(config: Config, *, name: str, domain: str | None, yes: bool) -> None:
    with opened(config) as store:
        where = the_domain(store, domain)
        with store.reading(where) as reader:
            found = the_group(reader, name)
        be_sure(f"Take the group {found.name} away?", yes=yes)
        with store.writing(where) as writer:
            groups.delete_group(writer, found, author=OPERATOR)
    click.echo(f"deleted {found.group_id}")
