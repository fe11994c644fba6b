"""The shapes of mobile workers in the description of the API. Pure."""

from __future__ import annotations

from api.openapi.hq import FORMAT, OFFSET, limit_of, page_of
from api.openapi.shapes import (
    FLAG,
    TEXT,
    TEXT_OR_NULL,
    TEXTS,
    Object,
    closed,
    parameter,
    query,
    schema,
    wish,
)
from api.users.wire import BULK_KEYS
from api.wire.list_v0_5 import MOST_LIMIT

_DATA: Object = {"type": "object", "additionalProperties": TEXT}
_SAID: Object = {
    "first_name": TEXT,
    "last_name": TEXT,
    "email": TEXT,
    "language": TEXT_OR_NULL,
    "default_phone_number": TEXT_OR_NULL,
    "phone_numbers": TEXTS,
    "groups": TEXTS,
    "primary_location": TEXT_OR_NULL,
    "locations": TEXTS,
    "role": TEXT_OR_NULL,
    "user_data": _DATA,
}
_ADDED: Object = {
    "password": TEXT,
    "connect_username": TEXT,
    "require_account_confirmation": FLAG,
    "send_confirmation_email_now": FLAG,
}
WORKER = schema(
    "HqMobileWorker",
    closed(
        {
            "id": TEXT,
            "username": TEXT,
            **_SAID,
            "eulas": {"const": "[]"},
            "resource_uri": TEXT,
        }
    ),
)
WORKERS = schema("HqMobileWorkers", page_of(WORKER))
NEW_WORKER = schema(
    "HqNewMobileWorker",
    {
        "type": "object",
        "properties": {"username": TEXT, **_SAID, **_ADDED},
        "required": ["username"],
        "additionalProperties": False,
    },
)
WORKER_CHANGE = schema(
    "HqMobileWorkerChange",
    {
        "type": "object",
        "properties": {**_SAID, **_ADDED},
        "description": "What is absent stays; other keys may only be as they are.",
    },
)
WORKERS_IN_BULK = schema(
    "HqMobileWorkersInBulk",
    page_of(
        closed(
            {key: TEXTS if key == "phone_numbers" else TEXT for key in BULK_KEYS},
            optional=BULK_KEYS,
        )
    ),
)
DONE = schema("HqDone", closed({}))
NOTHING = wish({})

_LIMIT = limit_of("hq_user_limit", most=MOST_LIMIT)
LIST_QUERY = (
    _LIMIT,
    OFFSET,
    FORMAT,
    parameter("hq_user_group", query("group", "The id of a group: its members.")),
    parameter(
        "hq_user_archived",
        query("archived", "`true` lists those alone whose account is closed."),
    ),
    parameter(
        "hq_user_username",
        query("username", "A name, in full or the part before the `@`."),
    ),
)
BULK_QUERY = (
    _LIMIT,
    OFFSET,
    FORMAT,
    parameter(
        "hq_bulk_user_q",
        query("q", "Words that stand in names, addresses or telephones."),
    ),
    parameter(
        "hq_bulk_user_fields",
        query("fields", f"A key to show, of {', '.join(BULK_KEYS)}; may be repeated."),
    ),
)
