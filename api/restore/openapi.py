"""The shapes of restores in the description of the API."""

from __future__ import annotations

from api.openapi.shapes import TEXT, content, parameter, query

RESTORE_DOCUMENT = content("text/xml", TEXT)

_DESCRIPTIONS = {
    "since": "The restore id of the last restore: only what is new since is sent.",
    "state": "The hash of the cases on the device, as ccsh:HASH; goes with since.",
    "as": "The name of the user to restore as.",
    "user_id": "The id that the device believes its user has.",
    "device_id": "What the device calls itself.",
}

RESTORE_PARAMETERS = (
    parameter(
        "restore_version",
        query(
            "version",
            "The version of case XML, 2.0 or 3.0; others are answered 412.",
        ),
    ),
    *(
        parameter(f"restore_{name}", query(name, text))
        for name, text in _DESCRIPTIONS.items()
    ),
    parameter(
        "restore_items",
        query("items", "With true the root says how many children it has."),
    ),
    parameter(
        "restore_skip_fixtures",
        query("skip_fixtures", "With true and since, no fixture is sent."),
    ),
)
