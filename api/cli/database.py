"""What every command shares: an open database, and a domain that was meant."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from api.config import Config
from ledger.directory.domains import find_domain, list_domains
from ledger.entry import Author
from ledger.errors import NotFound, StoreUnavailable
from ledger.migrations import pending_steps
from ledger.store import Store, open_store

OPERATOR = Author(user_id="operator", username="operator")
"""Who a change of the command line is noted under in the log."""

_SQLITE = "sqlite:///"


@contextmanager
def opened(config: Config) -> Iterator[Store]:
    """Open the database of the settings; its schema must be current.

    Raises ``StoreUnavailable`` with what the operator should do.
    """
    with unchecked(config) as store:
        if pending_steps(store):
            text = "the database has no current schema: run caseledger migrate first"
            raise StoreUnavailable(text)
        yield store


@contextmanager
def unchecked(config: Config) -> Iterator[Store]:
    """Open the database of the settings, whatever state it is in."""
    store = open_store(config.database)
    try:
        yield store
    finally:
        store.close()


def make_folder(config: Config) -> None:
    """Make the folder that a SQLite database will stand in."""
    if config.database.startswith(_SQLITE):
        path = Path(config.database.removeprefix(_SQLITE))
        path.parent.mkdir(parents=True, exist_ok=True)


def the_domain(store: Store, name: str | None) -> str:
    """Return the domain that was named, or the only one there is.

    Raises ``NotFound`` for an unknown name, a usage error when there is a choice.
    """
    if name is not None:
        if find_domain(store.connection, name) is None:
            text = f"there is no domain '{name}'"
            raise NotFound(text)
        return name
    domains = list_domains(store.connection)
    if len(domains) != 1:
        text = f"--domain is needed: there are {len(domains)} domains"
        raise click.UsageError(text)
    return domains[0].domain


def the_domains(store: Store, name: str | None, *, every: bool) -> list[str]:
    """Return the domain that was named, or all of them; exactly one must be asked."""
    if (name is None) is not every:
        text = "give either --domain D or --all"
        raise click.UsageError(text)
    if every:
        return [domain.domain for domain in list_domains(store.connection)]
    return [the_domain(store, name)]
