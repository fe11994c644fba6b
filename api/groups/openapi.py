"""The shapes of groups in the description of the API. Pure."""

from __future__ import annotations

from api.openapi.hq import FORMAT, OFFSET, limit_of, page_of
from api.openapi.shapes import (
    FLAG,
    TEXT,
    TEXTS,
    Object,
    any_of,
    as_json,
    closed,
    list_of,
    schema,
)
from api.openapi.shared import PROBLEM
from api.wire.list_v0_5 import MOST_LIMIT

_SAID: Object = {
    "name": {**TEXT, "minLength": 1},
    "users": TEXTS,
    "case_sharing": FLAG,
    "reporting": FLAG,
    "metadata": {"type": "object"},
}
GROUP = schema(
    "HqGroup",
    closed({"id": TEXT, "domain": TEXT, **_SAID, "resource_uri": TEXT}),
)
GROUPS = schema("HqGroups", page_of(GROUP))
NEW_GROUP = schema(
    "HqNewGroup",
    closed(_SAID, optional=("users", "case_sharing", "reporting", "metadata")),
)
GROUP_CHANGE = schema(
    "HqGroupChange",
    {
        "type": "object",
        "properties": _SAID,
        "description": "What is absent stays; other keys may only be as they are.",
    },
)
MANY_GROUPS = schema(
    "HqManyGroups",
    closed(
        {
            "objects": list_of(
                {
                    **GROUP_CHANGE.definition,
                    "description": "With an `id` it changes that group.",
                }
            )
        }
    ),
)
GROUP_IDS = schema("HqGroupIds", TEXTS)
NAME_TAKEN = as_json(
    schema(
        "HqGroupRefused",
        {
            "type": "object",
            "properties": {"error": TEXT, "error_message": TEXT},
            "required": ["error"],
        },
    )
)
SOME_FAILED = as_json(any_of(PROBLEM, TEXTS))
LIST_QUERY = (limit_of("hq_group_limit", most=MOST_LIMIT), OFFSET, FORMAT)
