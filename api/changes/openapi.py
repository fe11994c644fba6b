"""The shapes of the change feed and of webhooks in the description of the API."""

from __future__ import annotations

from api.openapi.shapes import (
    FLAG,
    NUMBER,
    NUMBER_OR_NULL,
    POSITION,
    TEXT,
    TEXT_OR_NULL,
    TEXTS,
    TIME,
    TIME_OR_NULL,
    Object,
    as_json,
    closed,
    json_of,
    limit,
    list_of,
    query,
    ref,
    wish,
)

_SETTINGS: Object = {
    "url": {"type": "string", "format": "uri", "maxLength": 2000},
    "case_types": {"type": ["array", "null"], "items": TEXT, "maxItems": 100},
    "xmlns": {"type": ["array", "null"], "items": TEXT, "maxItems": 100},
    "active": {"type": ["boolean", "null"]},
    "secret": {"type": ["string", "null"], "minLength": 16, "maxLength": 255},
}
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

SCHEMAS: Object = {
    "LoggedChange": closed(
        {
            "position": POSITION,
            "kind": TEXT,
            "form_id": TEXT_OR_NULL,
            "orig_form_id": TEXT_OR_NULL,
            "xmlns": TEXT,
            "user_id": TEXT,
            "received_on": TIME,
            "appended_on": TIME,
            "problem": TEXT_OR_NULL,
            "case_ids": TEXTS,
            "cursor": TEXT,
        }
    ),
    "Webhook": closed(_SHOWN),
    "WebhookMade": closed({**_SHOWN, "secret": TEXT}, optional=("secret",)),
    "WebhookDelivery": closed(
        {
            "delivery_id": TEXT,
            "webhook_id": TEXT,
            "position": POSITION,
            "state": {"enum": ["pending", "delivered", "dead"]},
            "attempts": NUMBER,
            "created_on": TIME,
            "attempted_on": TIME_OR_NULL,
            "next_attempt_on": TIME_OR_NULL,
            "delivered_on": TIME_OR_NULL,
            "status": NUMBER_OR_NULL,
            "error": TEXT_OR_NULL,
        }
    ),
}

BODIES: Object = {
    "new_webhook": as_json(
        wish({**_SETTINGS, "after": TEXT_OR_NULL}, required=["url"])
    ),
    "webhook_change": as_json(wish(_SETTINGS)),
}

RESULTS: Object = {
    "changes": as_json(
        closed(
            {
                "changes": list_of(ref("LoggedChange")),
                "cursor": TEXT,
                "more": FLAG,
            }
        )
    ),
    "event_stream": {"text/event-stream": {"schema": TEXT}},
    "webhooks": as_json(closed({"webhooks": list_of(ref("Webhook"))})),
    "webhook": json_of("Webhook"),
    "webhook_made": json_of("WebhookMade"),
    "webhook_deleted": as_json(closed({"deleted": TEXT})),
    "deliveries": as_json(
        closed(
            {
                "deliveries": list_of(ref("WebhookDelivery")),
                "next": NUMBER_OR_NULL,
            }
        )
    ),
    "delivery": json_of("WebhookDelivery"),
    "retried": as_json(closed({"retried": NUMBER})),
}

PARAMETERS: Object = {
    "after": query(
        "after",
        "The cursor behind which to begin; `now` begins at the present, nothing at "
        "the first entry.",
    ),
    "changes_limit": limit("How many entries to answer at most.", default=100),
    "wait": query(
        "wait",
        "How many seconds to wait for an entry when there is none yet.",
        {"type": "integer", "minimum": 0, "maximum": 60, "default": 0},
    ),
    "last_event_id": {
        "name": "Last-Event-ID",
        "in": "header",
        "required": False,
        "description": "The id of the last event that was received; it goes before "
        "`after`.",
        "schema": TEXT,
    },
    "delivery_state": query(
        "state",
        "Only deliveries in this state.",
        {"enum": ["pending", "delivered", "dead"]},
    ),
    "below": query(
        "below",
        "Only deliveries below this position: the `next` of the page before.",
        POSITION,
    ),
    "deliveries_limit": limit("How many deliveries to answer at most.", default=100),
}
