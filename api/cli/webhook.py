"""``caseledger webhook``: who is told of new entries, and what became of it."""

from __future__ import annotations

import sys
from typing import Any

import click

from api.cli.asking import YES, be_sure
from api.cli.database import OPERATOR, opened, the_domain
from api.cli.options import domain_option
from api.cli.output import OUTPUT, Column, Output, Record
from api.config import Config
from api.webhooks.urls import leads_inside
from api.webhooks.wire import LAST, MOST_LIMIT, parse_settings
from ledger.clock import now_micros
from ledger.errors import Conflict
from ledger.times import format_micros
from ledger.webhooks import deliveries
from ledger.webhooks import subscriptions as webhooks
from ledger.webhooks.values import STATES, Delivery, Webhook

_DOMAIN = domain_option()
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


@click.group()
def webhook() -> None:
    """Tell other programs of new entries."""


@webhook.command()
@click.argument("url")
@_DOMAIN
@click.option(
    "--case-type",
    "case_types",
    multiple=True,
    metavar="T",
    help="Only entries that changed a case of this type; may be repeated.",
)
@click.option(
    "--xmlns",
    multiple=True,
    metavar="X",
    help="Only forms with this xmlns; may be repeated.",
)
@click.option("--inactive", is_flag=True, help="Make it, but tell nobody yet.")
@click.option(
    "--secret-stdin",
    is_flag=True,
    help="Read the secret from the first line of standard input.",
)
@click.pass_obj
def create(
    config: Config,
    /,
    *,
    url: str,
    domain: str | None,
    secret_stdin: bool,
    **options: Any,
) -> None:
    """Tell URL of new entries; print the id and, if it was made here, the secret."""
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


@webhook.command("list")
@_DOMAIN
@OUTPUT
@click.pass_obj
def list_all(config: Config, *, domain: str | None, out: Output) -> None:
    """List webhooks: id, state, place in the log, address, filters."""
    with opened(config) as store, store.reading(the_domain(store, domain)) as reader:
        found = webhooks.list_webhooks(reader)
    out.rows(map(_record, found), _HOOKS)


@webhook.command()
@click.argument("webhook_id", metavar="ID")
@_DOMAIN
@YES
@click.pass_obj
def delete(config: Config, *, webhook_id: str, domain: str | None, yes: bool) -> None:
    """Remove a webhook with its deliveries."""
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


@webhook.command("deliveries")
@click.argument("webhook_id", metavar="ID")
@_DOMAIN
@click.option(
    "--state",
    type=click.Choice(STATES),
    help="Only deliveries in this state.",
)
@click.option(
    "--limit",
    type=click.IntRange(1, MOST_LIMIT),
    default=100,
    metavar="N",
    help="How many at most; 100 if nothing is said.",
)
@OUTPUT
@click.pass_obj
def list_deliveries(
    config: Config,
    *,
    webhook_id: str,
    domain: str | None,
    state: str | None,
    limit: int,
    out: Output,
) -> None:
    """List what a webhook was told, the latest entry first."""
    with opened(config) as store, store.reading(the_domain(store, domain)) as reader:
        found = deliveries.list_deliveries(
            reader, webhook_id, state=state, below=LAST, limit=limit
        )
    out.rows(map(_told, found), _DELIVERIES)


@webhook.command()
@click.argument("webhook_id", metavar="ID")
@click.argument("position", type=int, required=False)
@_DOMAIN
@click.pass_obj
def retry(
    config: Config, *, webhook_id: str, position: int | None, domain: str | None
) -> None:
    """Have the delivery of one entry tried again, or every dead one."""
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
