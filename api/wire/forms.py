"""Forms and what became of them, as JSON: one object a form, times as texts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from ledger.commands.values import FormOutcome
from ledger.entry import Attachment, Entry, Kind
from ledger.forms.form import Form
from ledger.forms.lineage import DELETED
from ledger.times import format_micros
from projections.forms.values import FormView, last_edit, moved_to

_INTERNAL = frozenset(
    (
        "deprecates",
        "replaces",
        "from",
        "to",
        "version",
        "state",
        "folded",
        "undone",
        "outdated",
    )
)
"""What an entry notes for the fold."""

_TOLD = frozenset(("reason", "job", "cause", "case_ids"))
"""What is told under a key of its own."""


def render_form(view: FormView, *, base: str) -> dict[str, Any]:
    """Return a form with its whole life and links to what belongs to it.

    ``base`` is how the client reaches the server.
    """
    row, version, decided = view.row, view.version, view.decided
    domain = f"{base}/a/{quote(row.domain)}/api"
    place = f"{domain}/ledger/v1/forms/{quote(row.form_id, safe='')}"
    return {
        "domain": row.domain,
        "form_id": row.form_id,
        "state": row.state,
        "xmlns": version.xmlns,
        "user_id": version.user_id or None,
        "meta": _meta(view.form),
        "received_on": format_micros(version.received_on),
        "edited_on": _edited_on(view),
        "deleted_on": _deleted_on(view),
        "server_modified_on": format_micros(decided.appended_on),
        "problem": None if view.processed else version.problem,
        "orig_form_id": row.orig_form_id,
        "deprecated_form_id": moved_to(version),
        "in_force_form_id": view.in_force,
        "caused_by_form_id": version.details.get("cause"),
        "form_position": row.form_position,
        "version": row.version,
        "xml": f"{place}/xml/",
        "attachments": [_attachment(a, place) for a in version.attachments],
        "details": _kept(version.details),
        "cases": [
            {
                "case_id": case_id,
                "url": f"{domain}/case/v2/{quote(case_id, safe='')}/",
            }
            for case_id in view.case_ids
        ],
        "history": [_step(entry) for entry in view.entries],
    }


def render_outcome(outcome: FormOutcome) -> dict[str, Any]:
    """Return what became of a form that was asked to change."""
    return {
        "form_id": outcome.form_id,
        "changed": outcome.changed,
        "state": outcome.state,
        "position": outcome.position,
        "problem": outcome.problem,
    }


def _meta(form: Form | None) -> dict[str, Any] | None:
    """Return what a form says of itself, nothing for bytes that are none."""
    if form is None:
        return None
    meta = form.meta
    return {
        "user_id": meta.user_id,
        "username": meta.username,
        "device_id": meta.device_id,
        "time_start": meta.time_start,
        "time_end": meta.time_end,
        "app_version": meta.app_version,
    }


def _edited_on(view: FormView) -> str | None:
    """Return when the form was last given other bytes, or gave way to others."""
    edit = last_edit(view.entries)
    return None if edit is None else format_micros(edit.appended_on)


def _deleted_on(view: FormView) -> str | None:
    gone = view.row.state == DELETED
    return format_micros(view.decided.appended_on) if gone else None


def _kept(details: Mapping[str, Any]) -> dict[str, Any]:
    hidden = _INTERNAL | _TOLD
    return {name: value for name, value in details.items() if name not in hidden}


def _attachment(attachment: Attachment, place: str) -> dict[str, Any]:
    return {
        "name": attachment.name,
        "content_type": attachment.content_type,
        "length": attachment.length,
        "sha256": attachment.sha256,
        "url": f"{place}/attachments/{quote(attachment.name, safe='')}",
    }


def _step(entry: Entry) -> dict[str, Any]:
    return {
        "kind": entry.kind.value,
        "position": entry.position,
        "when": format_micros(entry.appended_on),
        "user_id": entry.user_id or None,
        "reason": entry.details.get("reason") or None,
        "job_id": entry.details.get("job"),
        "problem": entry.problem if entry.kind is Kind.ERROR else None,
        "deprecated_form_id": moved_to(entry),
    }
