"""Handlers of webhooks: who is told of entries, and what became of the telling."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

import orjson
from aiohttp import web

from api.http.keys import CONFIG, PRINCIPAL, STORE, WRITER
from api.http.requests import author_of, json_answer
from api.webhooks.delivery import WEBHOOK_DELIVERY
from api.webhooks.urls import leads_inside
from api.webhooks.wire import (
    deliveries_body,
    delivery_wire,
    parse_change,
    parse_deliveries_query,
    parse_new,
    webhook_wire,
)
from api.wire.entries import Cursor, check_cursor
from api.wire.problems import Problem, at_fault
from ledger.clock import now_micros
from ledger.entry import Author
from ledger.errors import NotFound
from ledger.log import digest_at
from ledger.store import Writer
from ledger.webhooks import deliveries
from ledger.webhooks import subscriptions as webhooks
from ledger.webhooks.values import Webhook


async def list_webhooks(request: web.Request) -> web.Response:
    """Answer all webhooks of the domain, without their secrets."""
    found = await _read(request, webhooks.list_webhooks)
    return _json({"webhooks": [webhook_wire(hook) for hook in found]})


async def get_webhook(request: web.Request) -> web.Response:
    """Answer one webhook, without its secret."""
    webhook_id = request.match_info["webhook_id"]
    hook = await _read(request, lambda r: webhooks.get_webhook(r, webhook_id))
    return _json(webhook_wire(hook))


async def create_webhook(request: web.Request) -> web.Response:
    """Make a webhook; the answer shows the secret if the server made it, this once."""
    settings, after = parse_new(await request.read())
    made = "secret" not in settings
    settings.setdefault("secret", webhooks.new_secret())
    wish = Webhook(domain="", webhook_id="", **settings)
    await refuse_inside(request, wish.url, active=wish.active)
    hook = await _write(request, partial(_add, wish=wish, after=after))
    shown = webhook_wire(hook)
    return _json({**shown, "secret": hook.secret} if made else shown, status=201)


async def change_webhook(request: web.Request) -> web.Response:
    """Change the fields that the body names."""
    webhook_id = request.match_info["webhook_id"]
    settings = parse_change(await request.read())
    before = await _read(request, lambda r: webhooks.get_webhook(r, webhook_id))
    url = settings.get("url", before.url)
    await refuse_inside(request, url, active=settings.get("active", before.active))
    hook = await _write(
        request,
        lambda w, **by: webhooks.change_webhook(w, webhook_id, settings, **by),
    )
    return _json(webhook_wire(hook))


async def delete_webhook(request: web.Request) -> web.Response:
    """Remove a webhook with its deliveries."""
    webhook_id = request.match_info["webhook_id"]
    await _write(request, lambda w, **by: webhooks.delete_webhook(w, webhook_id, **by))
    return _json({"deleted": webhook_id})


async def list_deliveries(request: web.Request) -> web.Response:
    """Answer the deliveries of a webhook, the latest first."""
    webhook_id = request.match_info["webhook_id"]
    state, below, limit = parse_deliveries_query(request.rel_url.raw_query_string)
    found = await _read(
        request,
        lambda r: deliveries.list_deliveries(
            r, webhook_id, state=state, below=below, limit=limit
        ),
    )
    body = deliveries_body(found, limit=limit)
    return json_answer(body)


async def retry_delivery(request: web.Request) -> web.Response:
    """Have one delivery tried again, from the first attempt on."""
    webhook_id, place = request.match_info["webhook_id"], request.match_info["position"]
    if not (place.isascii() and place.isdigit() and len(place) < 19):  # noqa: PLR2004
        raise NotFound(f"Delivery '{webhook_id}:{place}' not found")
    found = await _write(
        request,
        lambda w, author, now: deliveries.retry(w, webhook_id, int(place), now=now),  # noqa: ARG005
    )
    return _json(delivery_wire(found))


async def retry_dead_deliveries(request: web.Request) -> web.Response:
    """Have every dead delivery of a webhook tried again."""
    webhook_id = request.match_info["webhook_id"]
    retried = await _write(
        request,
        lambda w, author, now: deliveries.retry_dead(w, webhook_id, now=now),  # noqa: ARG005
    )
    return _json({"retried": retried})


async def refuse_inside(request: web.Request, url: str, *, active: bool) -> None:
    """Refuse an address that is not public, unless the settings allow such.

    One that is switched off asks nobody, so its host is not looked up yet.
    """
    if request.app[CONFIG].webhook_private or not active:
        return
    if await asyncio.to_thread(leads_inside, url):
        raise leads_inside_problem()


def leads_inside_problem() -> Problem:
    """Return the 400 for an address that is not public."""
    problem = (
        "'url' leads to an address that is not public; the operator can allow such "
        "with CASELEDGER_WEBHOOK_PRIVATE=on"
    )
    return at_fault("url", problem)


def _add(
    w: Writer, *, wish: Webhook, after: Cursor | None, author: Author, now: int
) -> Webhook:
    place = None
    if after is not None:
        check_cursor(after, w.domain, digest_at(w, after.position))
        place = after.position
    return webhooks.add_webhook(w, wish, after=place, author=author, now=now)


async def _read(request: web.Request, fn: Any) -> Any:
    return await request.app[STORE].read(request[PRINCIPAL].domain, fn)


async def _write(request: web.Request, fn: Any) -> Any:
    principal = request[PRINCIPAL]
    errand = partial(fn, author=author_of(request), now=now_micros())
    result = await request.app[WRITER].run(principal.domain, errand)
    request.app[WEBHOOK_DELIVERY].wake()
    return result


def _json(value: Any, *, status: int = 200) -> web.Response:
    return json_answer(orjson.dumps(value), status=status)
