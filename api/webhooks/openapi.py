"""The shapes of webhooks in the description of the API."""

from __future__ import annotations

from api.openapi.shapes import (
    FLAG,
    FLAG_OR_NULL,
    NUMBER,
    NUMBER_OR_NULL,
    POSITION,
    TEXT,
    TEXT_OR_NULL,
    TEXTS,
    TIME,
    TIME_OR_NULL,
    Object,
    closed,
    limit,
    list_of,
    parameter,
    query,
    schema,
)

_URL: Object = {"type": "string", "format": "uri", "maxLength": 2000}
_SETTINGS: Object = {
    "case_types": {"type": ["array", "null"], "items": TEXT, "maxItems": 100},
    "xmlns": {"type": ["array", "null"], "items": TEXT, "maxItems": 100},
    "active": FLAG_OR_NULL,
    "secret": {"type": ["string", "null"], "minLength": 16, "maxLength": 255},
}
_OF_A_NEW_ONE: Object = {"url": _URL, **_SETTINGS, "after": TEXT_OR_NULL}
NEW_WEBHOOK = closed(_OF_A_NEW_ONE, optional=(*_SETTINGS, "after"))
_CHANGED: Object = {"url": {**_URL, "type": ["string", "null"]}, **_SETTINGS}
WEBHOOK_CHANGE = closed(_CHANGED, optional=tuple(_CHANGED))

_SHOWN: Object = {
    "webhook_id": TEXT,
    "url": TEXT,
    "case_types": TEXTS,
    "xmlns": TEXTS,
    "active": FLAG,
    "stopped": TEXT_OR_NULL,
    "created_by": TEXT,
    "created_on": TIME,
    "changed_on": TIME,
    "position": NUMBER,
    "next_attempt_on": TIME_OR_NULL,
}
WEBHOOK = schema("Webhook", closed(_SHOWN))
WEBHOOKS = closed({"webhooks": list_of(WEBHOOK)})
WEBHOOK_MADE = schema(
    "WebhookMade", closed({**_SHOWN, "secret": TEXT}, optional=("secret",))
)
WEBHOOK_DELETED = closed({"deleted": TEXT})

_DELIVERY_STATE: Object = {"enum": ["pending", "delivered", "dead"]}
DELIVERY = schema(
    "WebhookDelivery",
    closed(
        {
            "delivery_id": TEXT,
            "webhook_id": TEXT,
            "position": POSITION,
            "state": _DELIVERY_STATE,
            "attempts": NUMBER,
            "created_on": TIME,
            "attempted_on": TIME_OR_NULL,
            "next_attempt_on": TIME_OR_NULL,
            "delivered_on": TIME_OR_NULL,
            "status": NUMBER_OR_NULL,
            "error": TEXT_OR_NULL,
        }
    ),
)
DELIVERIES = closed({"deliveries": list_of(DELIVERY), "next": NUMBER_OR_NULL})
RETRIED = closed({"retried": NUMBER})

WHICH_DELIVERIES = (
    parameter(
        "delivery_state",
        query("state", "Only deliveries in this state.", _DELIVERY_STATE),
    ),
    parameter(
        "below",
        query(
            "below",
            "Only deliveries below this position: the `next` of the page before.",
            POSITION,
        ),
    ),
    parameter(
        "deliveries_limit",
        limit("How many deliveries to answer at most.", default=100),
    ),
)
