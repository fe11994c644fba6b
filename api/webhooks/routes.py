"""The rows of webhooks in the table of routes."""

from __future__ import annotations

from functools import partial

from api.openapi.shapes import as_json
from api.webhooks import handlers as webhooks
from api.webhooks.openapi import (
    DELIVERIES,
    DELIVERY,
    NEW_WEBHOOK,
    RETRIED,
    WEBHOOK,
    WEBHOOK_CHANGE,
    WEBHOOK_DELETED,
    WEBHOOK_MADE,
    WEBHOOKS,
    WHICH_DELIVERIES,
)
from api.wire.permissions import Permission
from api.wire.route import LEDGER, Route, json_route

_TAG = "Webhooks"
_ALL = f"{LEDGER}/webhooks"
_ONE = f"{_ALL}/{{webhook_id}}"
_DELIVERIES = f"{_ONE}/deliveries"


_row = partial(json_route, permission=Permission.MANAGE, tag=_TAG)

ROUTES: tuple[Route, ...] = (
    _row(
        "GET",
        _ALL,
        webhooks.list_webhooks,
        "List the webhooks of the domain",
        result=as_json(WEBHOOKS),
    ),
    _row(
        "POST",
        _ALL,
        webhooks.create_webhook,
        "Make a webhook",
        answers=(201, 400, 413),
        body=as_json(NEW_WEBHOOK),
        result=as_json(WEBHOOK_MADE),
    ),
    _row(
        "GET",
        _ONE,
        webhooks.get_webhook,
        "Get a webhook",
        answers=(200, 404),
        result=as_json(WEBHOOK),
    ),
    _row(
        "PUT",
        _ONE,
        webhooks.change_webhook,
        "Change a webhook",
        answers=(200, 400, 404, 413),
        body=as_json(WEBHOOK_CHANGE),
        result=as_json(WEBHOOK),
    ),
    _row(
        "DELETE",
        _ONE,
        webhooks.delete_webhook,
        "Remove a webhook with its deliveries",
        answers=(200, 404),
        result=as_json(WEBHOOK_DELETED),
    ),
    _row(
        "GET",
        _DELIVERIES,
        webhooks.list_deliveries,
        "List what a webhook was told, the latest first",
        answers=(200, 400, 404),
        parameters=WHICH_DELIVERIES,
        result=as_json(DELIVERIES),
    ),
    _row(
        "POST",
        f"{_DELIVERIES}/{{position}}/retry",
        webhooks.retry_delivery,
        "Have a delivery tried again",
        answers=(200, 404),
        result=as_json(DELIVERY),
    ),
    _row(
        "POST",
        f"{_ONE}/retry",
        webhooks.retry_dead_deliveries,
        "Have every dead delivery tried again",
        answers=(200, 404),
        result=as_json(RETRIED),
    ),
)
