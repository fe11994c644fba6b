"""``caseledger user``: who may come in."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import click

from api.cli.asking import be_sure, the_password
from api.cli.database import OPERATOR, opened, the_domain
from api.cli.output import Column, Output, Record
from api.cli.people import merged, the_location, the_user
from api.config import Config
from ledger.directory.locations import locations_by_id
from ledger.directory.profiles import Profile
from ledger.directory.users import create_user, delete_user, list_users, update_user
from ledger.directory.values import User, UserChange, Workplaces
from ledger.directory.workplaces import workplaces_of
from ledger.store import Reader

_COLUMNS = (
    Column("id", "user_id"),
    Column("username", "username"),
    Column("role", "role"),
    Column("state", "active", lambda active: "active" if active else "inactive"),
    Column("name", "name"),
    Column("locations", "locations", lambda codes: ", ".join(codes) or "-"),
)


def create(
    config: Config,
    *,
    username: str,
    domain: str | None,
    role: str,
    password: str | None,
    password_stdin: bool,
) -> None:
    secret = the_password(password, from_stdin=password_stdin)
    with opened(config) as store, store.writing(the_domain(store, domain)) as writer:
        made = create_user(
            writer, username, role=role, password=secret, author=OPERATOR
        )
    click.echo(made.user_id)


def list_all(config: Config, *, domain: str | None, out: Output) -> None:
    with opened(config) as store, store.reading(the_domain(store, domain)) as reader:
        found = list_users(reader)
        codes = _site_codes(reader, found)
    out.rows((_record(one, codes.get(one.user_id, [])) for one in found), _COLUMNS)


def update(config: Config, /, username: str, domain: str | None, **given: Any) -> None:
    site_codes, nowhere = given.pop("site_codes"), given.pop("no_location")
    if site_codes and nowhere:
        text = "give either --location CODE or --no-location"
        raise click.UsageError(text)
    secret = None
    if given.pop("password_stdin"):
        secret = the_password(None, from_stdin=True)
    role, active = given.pop("role"), given.pop("active")
    with opened(config) as store, store.writing(the_domain(store, domain)) as writer:
        found = the_user(writer, username)
        change = UserChange(
            role=role,
            active=active,
            password=secret,
            profile=_profile(found.profile, **given),
            workplaces=_workplaces(writer, site_codes, nowhere=nowhere),
        )
        update_user(writer, found, change, author=OPERATOR)
    click.echo(found.user_id)


def delete(config: Config, *, username: str, domain: str | None, yes: bool) -> None:
    with opened(config) as store:
        name = the_domain(store, domain)
        with store.reading(name) as reader:
            found = the_user(reader, username)
        be_sure(f"Take the user {found.username} away?", yes=yes)
        with store.writing(name) as writer:
            delete_user(writer, found, author=OPERATOR)
    click.echo(f"deleted {found.user_id}")


def _record(one: User, site_codes: list[str]) -> Record:
    about = one.profile
    return {
        "user_id": one.user_id,
        "username": one.username,
        "role": one.role,
        "active": one.active,
        "name": f"{about.first_name} {about.last_name}".strip(),
        "locations": site_codes,
    }


def _profile(before: Profile, *, data: tuple[str, ...], **given: Any) -> Profile:
    """Return a profile with what was given on the command line."""
    fields = {name: value for name, value in given.items() if value not in (None, ())}
    if "phone_numbers" in fields:
        fields["default_phone_number"] = None
    return replace(before, user_data=merged(dict(before.user_data), data), **fields)


def _workplaces(
    r: Reader, site_codes: tuple[str, ...], *, nowhere: bool
) -> Workplaces | None:
    """Return where a user is to work; nothing if nothing was said of it."""
    if not site_codes:
        return Workplaces() if nowhere else None
    ids = tuple(the_location(r, code).location_id for code in site_codes)
    return Workplaces(ids, ids[0])


def _site_codes(r: Reader, users: list[User]) -> dict[str, list[str]]:
    """Return the site codes of where each user works."""
    work = workplaces_of(r, [one.user_id for one in users])
    known = locations_by_id(r, {i for at in work.values() for i in at.location_ids})
    return {
        user_id: [known[i].site_code for i in at.location_ids if i in known]
        for user_id, at in work.items()
    }
