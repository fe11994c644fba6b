"""``caseledger domain``: project spaces."""

from __future__ import annotations

from dataclasses import asdict, replace

import click

from api.cli.database import OPERATOR, opened, prepare, the_domain
from api.config import Config
from ledger.clock import now_micros
from ledger.directory.domains import (
    DomainSettings,
    create_domain,
    get_settings,
    list_domains,
    save_settings,
)
from ledger.store import Store
from ledger.times import format_micros
from projections.rebuild.generations import ensure_live


@click.group()
def domain() -> None:
    """Create, list and set up domains (project spaces)."""


@domain.command()
@click.argument("name")
@click.pass_obj
def create(config: Config, name: str) -> None:
    """Create the domain NAME; an error when it exists.

    A database that is not there yet is made first.
    """
    prepare(config)
    with opened(config) as store:
        add_domain(store, name)
    click.echo(name)


@domain.command()
@click.argument("name")
@click.option(
    "--secure-submissions/--open-submissions",
    default=None,
    help="Whether devices must authenticate to submit forms.",
)
@click.option(
    "--close-extensions/--no-close-extensions",
    default=None,
    help="Whether a case that is closed takes what extends it along.",
)
@click.pass_obj
def settings(config: Config, /, name: str, **asked: bool | None) -> None:
    """Change what holds in the domain NAME, if anything is said, and print it.

    A running server follows in seconds.
    """
    given = {name: value for name, value in asked.items() if value is not None}
    with opened(config) as store:
        found = _changed(store, the_domain(store, name), given)
    for setting, value in asdict(found).items():
        click.echo(f"{setting.replace('_', '-')}\t{'yes' if value else 'no'}")


@domain.command("list")
@click.pass_obj
def list_all(config: Config) -> None:
    """List the domains: name, entries in the log, when created."""
    with opened(config) as store:
        for found in list_domains(store.connection):
            created = format_micros(found.created_on)
            click.echo(f"{found.domain}\t{found.position}\t{created}")


def add_domain(store: Store, name: str) -> None:
    """Create a domain on the live read tables; raises ``Conflict``."""
    now = now_micros()
    with store.administering() as conn:
        live = ensure_live(conn, now=now)
        create_domain(conn, name, live=live, author=OPERATOR, now=now)


def _changed(store: Store, name: str, given: dict[str, bool]) -> DomainSettings:
    """Change those settings that are given; return all of them."""
    if not given:
        with store.reading(name) as reader:
            return get_settings(reader)
    with store.writing(name) as writer:
        before = get_settings(writer)
        after = replace(before, **given)
        if after != before:
            save_settings(writer, after, author=OPERATOR, now=now_micros())
    return after
