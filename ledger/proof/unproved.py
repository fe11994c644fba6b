"""The columns of kept tables that no verification proves, each with its reason.

Everything else is compared with the log, or with something that the log names. A test
alters every column of every table and holds this list.
"""

from __future__ import annotations

from collections.abc import Mapping

from ledger.stated import STATED
from ledger.tables import metadata

_TOLD = "what people are told of a row; its form and its cases are proved"
_ANSWER = "answers kept for a day, to be given again to a client that repeats itself"
_DELIVERY = "what a receiver was told, and how it took it"
_BOOKS = "bookkeeping of replays, which is made anew by each"
_GUESSES = (
    "wrong passwords of the last quarter of an hour, and calls where these are limited"
)
_CLOCK = "what this machine's clock was believed to be"
_SENT = "what a device was sent: where it is wrong, the hash of the device differs"
_UNUSED = "a dictionary that no body was compressed with has nothing to prove"

_WHOLE = {
    "idempotency": _ANSWER,
    "webhook_deliveries": _DELIVERY,
    "checkpoints": _BOOKS,
    "failed_tries": _GUESSES,
    "clocks": _CLOCK,
    "sync_logs": _SENT,
    "sync_log_forms": _SENT,
}

UNPROVED: Mapping[str, Mapping[str, str]] = {
    **{
        name: {str(column.name): reason for column in metadata.tables[name].columns}
        for name, reason in _WHOLE.items()
    },
    "generations": {"changed_on": _BOOKS},
    "dictionaries": {"content": _UNUSED},
    "import_rows": dict.fromkeys(("file", "row_number", "messages", "shown"), _TOLD),
    **{name: STATED[name].left_out for name in ("jobs", "webhooks")},
}
"""Reasons by table and column."""
