"""``caseledger domain``: project spaces."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

import click

from api.cli.database import OPERATOR, of_each, opened, prepare, the_domain, the_domains
from api.cli.output import Column, Output, shown
from api.config import Config
from api.wire.rates import check_rates
from ledger.clock import now_micros
from ledger.clock_guard import ClockGuard
from ledger.directory.domains import (
    OF_NEW_DOMAINS,
    DomainSettings,
    create_domain,
    get_settings,
    list_domains,
    save_settings,
)
from ledger.log import record_directory
from ledger.proof.rebuilding import restate_directory
from ledger.store import Store
from ledger.times import format_micros
from projections.rebuild.generations import ensure_live

_COLUMNS = (
    Column("domain", "domain"),
    Column("entries", "entries"),
    Column("created", "created_on"),
)


def create(config: Config, /, name: str, *, secure_submissions: bool) -> None:
    prepare(config)
    settings = replace(OF_NEW_DOMAINS, secure_submissions=secure_submissions)
    with opened(config) as store:
        add_domain(store, name, settings=settings)
    click.echo(name)


def settings(
    config: Config,
    /,
    name: str,
    out: Output,
    *,
    accept_clock: bool,
    rate_limits: str | None,
    unlimited_users: tuple[str, ...],
    **asked: bool | None,
) -> None:
    given: dict[str, Any] = {
        n: value for n, value in asked.items() if value is not None
    }
    if rate_limits is not None:
        given["rate_limits"] = _checked(rate_limits)
    if unlimited_users:
        given["unlimited_users"] = tuple(filter(None, unlimited_users))
    with opened(config) as store:
        if accept_clock:
            _accept_clock(config, store, the_domain(store, name))
        found = _changed(store, the_domain(store, name), given)
    values = asdict(found)
    out.document(
        values, (f"{n.replace('_', '-')}\t{shown(v)}" for n, v in values.items())
    )


def restate(config: Config, *, domain: str | None, every: bool, out: Output) -> int:
    with opened(config) as store:

        def restate_one(name: str) -> None:
            rows = restate_directory(store, name, author=OPERATOR)
            told = ", ".join(f"{n} rows of {t}" for t, n in rows.items() if n)
            out.each({"domain": name, "rows": rows}, [f"{name}: {told}"])

        return of_each(the_domains(store, domain, every=every), restate_one)


def list_all(config: Config, *, out: Output) -> None:
    with opened(config) as store:
        records = [
            {
                "domain": found.domain,
                "entries": found.position,
                "created_on": format_micros(found.created_on),
            }
            for found in store.look(list_domains)
        ]
    out.rows(records, _COLUMNS)


def add_domain(
    store: Store, name: str, *, settings: DomainSettings = OF_NEW_DOMAINS
) -> None:
    """Create a domain on the live read tables; raises ``Conflict``."""
    now = now_micros()
    with store.administering() as conn:
        live = ensure_live(conn, now=now)
        create_domain(
            conn, name, live=live, author=OPERATOR, now=now, settings=settings
        )


def _accept_clock(config: Config, store: Store, name: str) -> None:
    """Have this machine's clock believed, and note in the log of a domain who did."""
    usual, store.watch_clock = (
        store.watch_clock,
        ClockGuard(limit=config.clock_jump).accept,
    )
    now = now_micros()
    with store.writing(name) as writer:
        record_directory(
            writer,
            "clock accepted",
            {"clock": format_micros(now)},
            user_id=OPERATOR.user_id,
            now=now,
        )
    store.watch_clock = usual
    click.echo(f"from now on the clock is right: {format_micros(now)}", err=True)


def _checked(rates: str) -> str:
    """Return rate limits that mean something; a usage error says why they do not."""
    try:
        check_rates(rates)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="'--rate-limits'") from None
    return rates


def _changed(store: Store, name: str, given: dict[str, Any]) -> DomainSettings:
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
