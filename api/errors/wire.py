"""Forms in error on the wire: which are asked for, and what is told of each."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from api.wire.json_body import JsonBody
from api.wire.list_query import ListQuery
from ledger.times import format_micros
from projections.forms.states import ERROR_STATES
from projections.forms.values import ErrorFilter, ErrorForm

NAMES = ("problem", "xmlns", "user_id", "form_id", "received_from", "received_to")


def parse_filter(query: ListQuery) -> ErrorFilter:
    """Return what a list asks for; raises a 400 ``Problem``."""
    return ErrorFilter(state=query.choice("state", ERROR_STATES), **_conditions(query))


def parse_reprocess(body: bytes) -> tuple[ErrorFilter, str]:
    """Return which forms to try again, and why; raises a 400 ``Problem``."""
    given = JsonBody(body, (*NAMES, "reason"))
    return ErrorFilter(**_conditions(given)), given.text("reason") or ""


def to_wire(error: ErrorForm, *, base: str) -> dict[str, Any]:
    """Return a form in error as a list shows it; ``base`` is the domain's address."""
    place = f"{base}/errors/{quote(error.form_id, safe='')}"
    entry = error.entry
    return {
        "form_id": error.form_id,
        "state": error.state,
        "problem": entry.problem,
        "xmlns": entry.xmlns,
        "user_id": entry.user_id or None,
        "received_on": format_micros(entry.received_on),
        "orig_form_id": error.orig_form_id,
        "position": error.position,
        "size": entry.body_length,
        "attachments": len(entry.attachments),
        "url": f"{place}/",
        "xml": f"{place}/xml/",
    }


def _conditions(given: ListQuery | JsonBody) -> dict[str, Any]:
    return {
        "problem": given.text("problem"),
        "xmlns": given.text("xmlns"),
        "user_id": given.text("user_id"),
        "form_id": given.text("form_id"),
        "received_from": given.time("received_from"),
        "received_to": given.time("received_to"),
    }
