"""``caseledger api-key``: long-lived credentials for programs."""

from __future__ import annotations

from functools import partial

import click

from api.cli.database import OPERATOR, opened, the_domain
from api.cli.output import Column, Output, Record
from api.config import Config
from ledger.directory.api_keys import (
    create_key,
    find_key_everywhere,
    list_keys,
    revoke_key,
)
from ledger.directory.domains import list_domains
from ledger.directory.users import find_user, list_users
from ledger.directory.values import ApiKey
from ledger.errors import NotFound
from ledger.store import Store
from ledger.times import format_micros

_COLUMNS = (
    Column("id", "key_id"),
    Column("domain", "domain"),
    Column("user", "user"),
    Column("may", "may"),
    Column("state", "in_use", lambda is_so: "in use" if is_so else "revoked"),
    Column("created", "created_on"),
    Column("name", "name", str),
)


def create(
    config: Config,
    *,
    username: str,
    domain: str | None,
    name: str,
    read_only: bool,
    scope: str | None,
) -> None:
    with opened(config) as store, store.writing(the_domain(store, domain)) as writer:
        user = find_user(writer, username)
        if user is None:
            text = f"there is no user '{username}' in domain '{writer.domain}'"
            raise NotFound(text)
        made, secret = create_key(
            writer,
            user,
            name=name,
            read_only=read_only,
            author=OPERATOR,
            scope=scope,
        )
    click.echo(f"key id: {made.key_id}", err=True)
    click.echo(secret)


def list_all(config: Config, *, domain: str | None, out: Output) -> None:
    with opened(config) as store:
        found = [one for name in _asked(store, domain) for one in _keys(store, name)]
    out.rows(found, _COLUMNS)


def revoke(config: Config, *, key_id: str) -> None:
    with opened(config) as store:
        found = store.look(partial(find_key_everywhere, key_id=key_id))
        if found is None:
            text = f"there is no API key '{key_id}'"
            raise NotFound(text)
        with store.writing(found.domain) as writer:
            revoke_key(writer, key_id, author=OPERATOR)
    click.echo(f"revoked {key_id}")


def _asked(store: Store, domain: str | None) -> list[str]:
    if domain is not None:
        return [the_domain(store, domain)]
    return [found.domain for found in store.look(list_domains)]


def _keys(store: Store, domain: str) -> list[Record]:
    with store.reading(domain) as reader:
        names = {user.user_id: user.username for user in list_users(reader)}
        return [_record(key, names) for key in list_keys(reader)]


def _record(key: ApiKey, names: dict[str, str]) -> Record:
    may = "read-only" if key.read_only else "full"
    return {
        "key_id": key.key_id,
        "domain": key.domain,
        "user": names.get(key.user_id, key.user_id),
        "may": may if key.scope is None else f"{may} for {key.scope}",
        "in_use": key.revoked_on is None,
        "created_on": format_micros(key.created_on),
        "name": key.name,
    }
