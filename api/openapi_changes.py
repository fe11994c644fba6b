"""The shapes of the change feed and of webhooks in the description of the API."""

from __future__ import annotations

from typing import Any

Object = dict[str, Any]

_TEXT: Object = {"type": "string"}
_TEXT_OR_NULL: Object = {"type": ["string", "null"]}
_TEXTS: Object = {"type": "array", "items": _TEXT}
_FLAG: Object = {"type": "boolean"}
_POSITION: Object = {"type": "integer", "minimum": 1}
_TIME: Object = {
    "type": "string",
    "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$",
}
_TIME_OR_NULL: Object = {"oneOf": [_TIME, {"type": "null"}]}


def _json(schema: Object) -> Object:
    return {"application/json": {"schema": schema}}


def _ref(name: str) -> Object:
    return {"$ref": f"#/components/schemas/{name}"}


def _closed(properties: Object, *, optional: tuple[str, ...] = ()) -> Object:
    return {
        "type": "object",
        "properties": properties,
        "required": [name for name in properties if name not in optional],
        "additionalProperties": False,
    }


def _query(name: str, description: str, schema: Object) -> Object:
    return {
        "name": name,
        "in": "query",
        "required": False,
        "description": description,
        "schema": schema,
    }


_SETTINGS: Object = {
    "url": {"type": "string", "format": "uri", "maxLength": 2000},
    "case_types": {"type": ["array", "null"], "items": _TEXT, "maxItems": 100},
    "xmlns": {"type": ["array", "null"], "items": _TEXT, "maxItems": 100},
    "active": {"type": ["boolean", "null"]},
    "secret": {"type": ["string", "null"], "minLength": 16, "maxLength": 255},
}
_SHOWN: Object = {
    "webhook_id": _TEXT,
    "url": _TEXT,
    "case_types": _TEXTS,
    "xmlns": _TEXTS,
    "active": _FLAG,
    "stopped": _TEXT_OR_NULL,
    "created_by": _TEXT,
    "created_on": _TIME,
    "changed_on": _TIME,
    "position": {"type": "integer", "minimum": 0},
    "next_attempt_on": _TIME_OR_NULL,
}

SCHEMAS: Object = {
    "LoggedChange": _closed(
        {
            "position": _POSITION,
            "kind": _TEXT,
            "form_id": _TEXT_OR_NULL,
            "orig_form_id": _TEXT_OR_NULL,
            "xmlns": _TEXT,
            "user_id": _TEXT,
            "received_on": _TIME,
            "appended_on": _TIME,
            "problem": _TEXT_OR_NULL,
            "case_ids": _TEXTS,
            "cursor": _TEXT,
        }
    ),
    "Webhook": _closed(_SHOWN),
    "WebhookMade": _closed({**_SHOWN, "secret": _TEXT}, optional=("secret",)),
    "WebhookDelivery": _closed(
        {
            "delivery_id": _TEXT,
            "webhook_id": _TEXT,
            "position": _POSITION,
            "state": {"enum": ["pending", "delivered", "dead"]},
            "attempts": {"type": "integer", "minimum": 0},
            "created_on": _TIME,
            "attempted_on": _TIME_OR_NULL,
            "next_attempt_on": _TIME_OR_NULL,
            "delivered_on": _TIME_OR_NULL,
            "status": {"type": ["integer", "null"]},
            "error": _TEXT_OR_NULL,
        }
    ),
}

BODIES: Object = {
    "new_webhook": _json(
        {
            "type": "object",
            "properties": {**_SETTINGS, "after": _TEXT_OR_NULL},
            "required": ["url"],
            "additionalProperties": False,
        }
    ),
    "webhook_change": _json(
        {"type": "object", "properties": _SETTINGS, "additionalProperties": False}
    ),
}

RESULTS: Object = {
    "changes": _json(
        _closed(
            {
                "changes": {"type": "array", "items": _ref("LoggedChange")},
                "cursor": _TEXT,
                "more": _FLAG,
            }
        )
    ),
    "event_stream": {"text/event-stream": {"schema": _TEXT}},
    "webhooks": _json(
        _closed({"webhooks": {"type": "array", "items": _ref("Webhook")}})
    ),
    "webhook": _json(_ref("Webhook")),
    "webhook_made": _json(_ref("WebhookMade")),
    "webhook_deleted": _json(_closed({"deleted": _TEXT})),
    "deliveries": _json(
        _closed(
            {
                "deliveries": {"type": "array", "items": _ref("WebhookDelivery")},
                "next": {"type": ["integer", "null"]},
            }
        )
    ),
    "delivery": _json(_ref("WebhookDelivery")),
    "retried": _json(_closed({"retried": {"type": "integer", "minimum": 0}})),
}

PARAMETERS: Object = {
    "after": _query(
        "after",
        "The cursor behind which to begin; `now` begins at the present, nothing at "
        "the first entry.",
        _TEXT,
    ),
    "changes_limit": _query(
        "limit",
        "How many entries to answer at most.",
        {"type": "integer", "minimum": 1, "maximum": 1000, "default": 100},
    ),
    "wait": _query(
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
        "schema": _TEXT,
    },
    "delivery_state": _query(
        "state",
        "Only deliveries in this state.",
        {"enum": ["pending", "delivered", "dead"]},
    ),
    "below": _query(
        "below",
        "Only deliveries below this position: the `next` of the page before.",
        _POSITION,
    ),
    "deliveries_limit": _query(
        "limit",
        "How many deliveries to answer at most.",
        {"type": "integer", "minimum": 1, "maximum": 1000, "default": 100},
    ),
}
