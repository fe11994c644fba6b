"""``caseledger domain``: project spaces."""

from __future__ import annotations

import click

from api.cli.database import OPERATOR, opened, the_domain
from api.config import Config
from ledger.clock import now_micros
from ledger.directory.domains import (
    DomainSettings,
    create_domain,
    list_domains,
    save_settings,
)
from ledger.store import Store
from ledger.times import format_micros
from projections.generations import ensure_live


@click.group()
def domain() -> None:
    """Create, list and set up domains (project spaces)."""


@domain.command()
@click.argument("name")
@click.pass_obj
def create(config: Config, name: str) -> None:
    """Create the domain NAME; an error when it exists."""
    with opened(config) as store:
        add_domain(store, name)
    click.echo(name)


@domain.command()
@click.argument("name")
@click.option(
    "--secure-submissions/--open-submissions",
    required=True,
    help="Whether devices must authenticate to submit forms.",
)
@click.pass_obj
def settings(config: Config, name: str, *, secure_submissions: bool) -> None:
    """Change what holds in the domain NAME; a running server follows in seconds."""
    wanted = DomainSettings(secure_submissions=secure_submissions)
    with opened(config) as store, store.writing(the_domain(store, name)) as writer:
        save_settings(writer, wanted, author=OPERATOR, now=now_micros())
    click.echo(name)


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
