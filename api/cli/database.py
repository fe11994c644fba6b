"""What every command shares: an open database, and a domain that was meant."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import click
from click.core import ParameterSource

from api.config import Config
from ledger.clock_guard import ClockGuard
from ledger.directory.domains import find_domain, list_domains
from ledger.entry import Author
from ledger.errors import (
    Damaged,
    LedgerError,
    NotFound,
    ReadOnlyStore,
    StoreUnavailable,
)
from ledger.migrations import migrate, pending_steps
from ledger.store import Store, open_store

OPERATOR = Author(user_id="operator", username="operator")
"""Who a change of the command line is noted under in the log."""

_SQLITE = "sqlite:///"
_FIRST_STEP = "0001"


@contextmanager
def opened(config: Config) -> Iterator[Store]:
    """Open the database of the settings; it must be there, its schema current.

    Raises ``StoreUnavailable`` with what the operator should do
    (``rules/operator.md`` 2.6).
    """
    _check_is_there(config)
    with unchecked(config) as store:
        if pending_steps(store):
            text = "the database has no current schema: run caseledger migrate first"
            raise StoreUnavailable(text)
        store.watch_clock = ClockGuard(limit=config.clock_jump).look
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
    path = _file(config)
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)


def prepare(config: Config) -> None:
    """Give an empty database its schema, for a server.

    Raises ``StoreUnavailable`` for an old schema, and for a database that takes no
    writes until somebody changes that (``rules/operator.md`` 4.3).
    """
    make_folder(config)
    with unchecked(config) as store:
        pending = pending_steps(store)
        if pending and pending[0] == _FIRST_STEP:
            migrate(store)
        elif pending:
            text = "the schema of the database is old: run caseledger migrate first"
            raise StoreUnavailable(text)
        _require_writable(store)


def _require_writable(store: Store) -> None:
    """Raise ``ReadOnlyStore``; any other outage ends by itself while a server runs."""
    try:
        store.probe()
    except ReadOnlyStore:
        raise
    except StoreUnavailable:
        pass


def the_domain(store: Store, name: str | None) -> str:
    """Return the domain that was named, or the only one there is.

    Raises ``NotFound`` for an unknown name, a usage error when there is a choice
    (``rules/operator.md`` 2.7).
    """
    if name is not None:
        if store.look(partial(find_domain, name=name)) is None:
            text = f"there is no domain '{name}'"
            raise NotFound(text)
        return name
    domains = [found.domain for found in store.look(list_domains)]
    if not domains:
        text = "there is no domain yet: caseledger domain create NAME makes one"
        raise click.UsageError(text)
    if len(domains) > 1:
        names = ", ".join(domains)
        text = f"--domain is needed: there are {len(domains)} domains ({names})"
        raise click.UsageError(text)
    return domains[0]


def the_domains(store: Store, name: str | None, *, every: bool) -> list[str]:
    """Return all domains if every one was asked for, else what ``the_domain`` says.

    Raises a usage error for an option that names a domain beside ``--all``; there the
    variable for it counts for nothing.
    """
    if not every:
        return [the_domain(store, name)]
    if name is not None and _is_typed("domain"):
        text = "give either --domain D or --all"
        raise click.UsageError(text)
    return [domain.domain for domain in store.look(list_domains)]


def of_each(names: Sequence[str], act: Callable[[str], None]) -> int:
    """Do something to each domain and return the exit code.

    A domain that is refused, or damaged, is told by its name and holds up no other; an
    outage of the database ends all.
    """
    code = 0
    for name in names:
        try:
            act(name)
        except StoreUnavailable:
            raise
        except (LedgerError, Damaged) as error:
            if len(names) == 1:
                raise
            click.echo(f"Error: {name}: {error}", err=True)
            code = 1
    return code


def _is_typed(option: str) -> bool:
    """Tell whether an option was typed, and not set by a variable."""
    source = click.get_current_context().get_parameter_source(option)
    return source is ParameterSource.COMMANDLINE


def _check_is_there(config: Config) -> None:
    """Raise ``StoreUnavailable`` for a file that SQLite would make on the way."""
    path = _file(config)
    if path is not None and not path.exists():
        text = (
            f"there is no database at '{path}': name another with --database, or make "
            f"one with caseledger migrate"
        )
        raise StoreUnavailable(text)


def _file(config: Config) -> Path | None:
    """Return the file of a SQLite database."""
    if not config.database.startswith(_SQLITE):
        return None
    return Path(config.database.removeprefix(_SQLITE))
