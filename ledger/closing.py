"""The form that closes what extends a case that was closed (``rules/case-xml.md`` 17).

The session appends it right behind the form that is its cause.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ledger.entry import Author, Entry
from ledger.forms.case_block import CaseBlock
from ledger.forms.form_xml import build_form
from ledger.ids import new_form_id
from ledger.times import format_micros

_SYSTEM = "system"
_XMLNS = "http://commcarehq.org/case"


def closing_form(cause: Entry, case_ids: Sequence[str]) -> bytes:
    """Return the form that closes cases because ``cause`` closed what they extend."""
    when = format_micros(cause.appended_on)
    return build_form(
        [
            CaseBlock(case_id=i, user_id=_SYSTEM, date_modified=when, close=True)
            for i in case_ids
        ],
        form_id=new_form_id(),
        author=Author(
            user_id=_SYSTEM,
            username=_SYSTEM,
            device_id=f"SubmissionPost-{cause.form_id}-close_extensions",
        ),
        now=when,
        xmlns=_XMLNS,
    )


def caused_by(cause: Entry) -> dict[str, Any]:
    """Return what the entry of such a form says: its cause, whose token it shares."""
    token = cause.details.get("last_sync_token")
    return {
        "cause": cause.form_id,
        **({"last_sync_token": token} if token else {}),
    }
