"""``caseledger webhook``: who is told of new entries, and what became of it."""

from __future__ import annotations

import sys
from typing import Any

import click

from api.cli.asking import be_sure
from api.cli.database import OPERATOR, opened, the_domain
from api.cli.output import Column, Output, Record
from api.config import Config
from api.webhooks.urls import leads_inside
from api.webhooks.wire import LAST, parse_settings
from ledger.clock import now_micros
from ledger.errors import Conflict
from ledger.times import format_micros
from ledger.webhooks import deliveries
from ledger.webhooks import subscriptions as webhooks
from ledger.webhooks.values import Delivery, Webhook

_HOOKS = (
    Column("id", "webhook_id"),
    Column("state", "state"),
    Column("position", "position"),
    Column("address", "url"),
    Column("told of", "filters", lambda names: ", ".join(names) or "everything"),
)
_DELIVERIES = (
    Column("position", "position"),
    Column("state", "state"),
    Column("attempts", "attempts", lambda count: f"{count} attempts"),
    Column("last", "attempted_on"),
    Column("status", "status"),
    Column("error", "error"),
)


def create(
    config: Config,
    /,
    *,
    url: str,
    domain: str | None,
    secret_stdin: bool,
    **options: Any,
) -> None:
    settings: dict[str, Any] = {
        "url": url,
        "case_types": list(options["case_types"]),
        "xmlns": list(options["xmlns"]),
        "active": not options["inactive"],
    }
    if secret_stdin:
        settings["secret"] = sys.stdin.readline().rstrip("\r\n")
    wish = _checked(settings, private=config.webhook_private)
    with opened(config) as store, store.writing(the_domain(store, domain)) as writer:
        made = webhooks.add_webhook(
            writer, wish, after=None, author=OPERATOR, now=now_micros()
        )
    click.echo(made.webhook_id)
    if not secret_stdin:
        click.echo(made.secret)


def list_all(config: Config, *, domain: str | None, out: Output) -> None:
    with opened(config) as store, store.reading(the_domain(store, domain)) as reader:
        found = webhooks.list_webhooks(reader)
    out.rows(map(_record, found), _HOOKS)


def delete(config: Config, *, webhook_id: str, domain: str | None, yes: bool) -> None:
    with opened(config) as store:
        name = the_domain(store, domain)
        with store.reading(name) as reader:
            found = webhooks.get_webhook(reader, webhook_id)
        be_sure(f"Remove the webhook to {found.url}?", yes=yes)
        with store.writing(name) as writer:
            webhooks.delete_webhook(
                writer, webhook_id, author=OPERATOR, now=now_micros()
            )
    click.echo(f"deleted {webhook_id}")


def list_deliveries(
    config: Config,
    *,
    webhook_id: str,
    domain: str | None,
    state: str | None,
    limit: int,
    out: Output,
) -> None:
    with opened(config) as store, store.reading(the_domain(store, domain)) as reader:
        found = deliveries.list_deliveries(
            reader, webhook_id, state=state, below=LAST, limit=limit
        )
    out.rows(map(_told, found), _DELIVERIES)


def retry(
    config: Config, *, webhook_id: str, position: int | None, domain: str | None
) -> None:
    now = now_micros()
    with opened(config) as store, store.writing(the_domain(store, domain)) as writer:
        if position is None:
            retried = deliveries.retry_dead(writer, webhook_id, now=now)
        else:
            deliveries.retry(writer, webhook_id, position, now=now)
            retried = 1
    click.echo(f"{retried} to be tried again")


def _checked(settings: dict[str, Any], *, private: bool) -> Webhook:
    """Return the webhook that is wished for; a usage error for a bad setting."""
    try:
        checked = parse_settings(settings)
    except Conflict as problem:
        raise click.UsageError(problem.text) from None
    if checked["active"] and not private and leads_inside(checked["url"]):
        text = (
            "the address is not public; CASELEDGER_WEBHOOK_PRIVATE=on allows such, "
            "for the server too"
        )
        raise click.UsageError(text)
    checked.setdefault("secret", webhooks.new_secret())
    return Webhook(domain="", webhook_id="", **checked)


def _record(hook: Webhook) -> Record:
    filters = [f"case type {name}" for name in hook.case_types]
    filters += [f"xmlns {name}" for name in hook.xmlns]
    return {
        "webhook_id": hook.webhook_id,
        "state": "active" if hook.active else hook.stopped or "inactive",
        "position": hook.position,
        "url": hook.url,
        "filters": filters,
    }


def _told(delivery: Delivery) -> Record:
    when = delivery.attempted_on
    return {
        "position": delivery.position,
        "state": delivery.state,
        "attempts": delivery.attempts,
        "attempted_on": None if when is None else format_micros(when),
        "status": delivery.status,
        "error": delivery.error,
    }
