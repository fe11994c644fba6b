"""The columns of kept tables that no verification proves, each with its reason.

Everything else is compared with the log, or with something that the log names. A test
alters every column of every table and holds this list.
"""

from __future__ import annotations

from collections.abc import Mapping

from ledger.stated import STATED
from ledger.tables import metadata

_WORK = (
    "work in the background and how it stands: what it did to records is in their "
    "entries, which name the job"
)
_TOLD = "what people are told of the rows of an import; the forms are in the log"
_BATCH = "what waits to be imported; what was imported is in the log"
_ANSWER = "answers kept for a day, to be given again to a client that repeats itself"
_DELIVERY = "what a receiver was told, and how it took it"
_BOOKS = "bookkeeping of replays, which is made anew by each"
_GUESSES = "wrong passwords of the last quarter of an hour"
_CLOCK = "what this machine's clock was believed to be"
_UNUSED = "a dictionary that no body was compressed with has nothing to prove"

_WHOLE = {
    "jobs": _WORK,
    "import_rows": _TOLD,
    "batch_controls": _BATCH,
    "batches": _BATCH,
    "batch_files": _BATCH,
    "idempotency": _ANSWER,
    "webhook_deliveries": _DELIVERY,
    "checkpoints": _BOOKS,
    "failed_tries": _GUESSES,
    "clocks": _CLOCK,
}

UNPROVED: Mapping[str, Mapping[str, str]] = {
    **{
        name: {str(column.name): reason for column in metadata.tables[name].columns}
        for name, reason in _WHOLE.items()
    },
    "generations": {"changed_on": _BOOKS},
    "dictionaries": {"content": _UNUSED},
    "webhooks": STATED["webhooks"].left_out,
}
"""Reasons by table and column."""
