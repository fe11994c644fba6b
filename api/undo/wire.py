"""Undo on the wire: what is asked for, and what a preview tells."""

from __future__ import annotations

from typing import Any

from api.wire.case_changes import changes_to_wire, wire_name
from api.wire.json_body import JsonBody
from api.wire.problems import at_fault, invalid
from importers.jobs.values import UndoRequest
from ledger.commands.values import FormOutcome
from ledger.times import Micros
from projections.undo.values import CasePreview, UndoPreview

_WHOSE = ("form_id", "job_id", "user_id")
_HOW = ("reason", "dry_run")


def parse_undo(body: bytes) -> tuple[UndoRequest, bool]:
    """Return what is to be undone, and whether it is only to be tried.

    Raises a 400 ``Problem``.
    """
    given = JsonBody(body, (*_WHOSE, "from", "to", *_HOW))
    whose = [name for name in _WHOSE if given.text(name) is not None]
    if len(whose) != 1:
        raise invalid("Give one of 'form_id', 'job_id' and 'user_id'")
    since, until = given.time("from"), given.time("to")
    if {since is None, until is None} != {whose != ["user_id"]}:
        raise invalid("Give 'from' and 'to' with 'user_id', and only then")
    wish = UndoRequest(
        form_id=given.text("form_id"),
        job_id=given.text("job_id"),
        user=given.text("user_id"),
        since=since or 0,
        until=_after(since or 0, until or 0),
        reason=given.text("reason") or "",
    )
    return wish, given.flag("dry_run")


def parse_job_undo(body: bytes, job_id: str) -> tuple[UndoRequest, bool]:
    """Return the wish to undo the job that the path names; raises a 400."""
    given = JsonBody(body, _HOW)
    wish = UndoRequest(job_id=job_id, reason=given.text("reason") or "")
    return wish, given.flag("dry_run")


def preview_to_wire(found: UndoPreview) -> dict[str, Any]:
    """Return what an undo would do."""
    return {
        "forms": {kind.value: count for kind, count in found.forms.items()},
        "skipped": {
            "count": found.skipped_count,
            "forms": list(map(_skipped, found.skipped)),
        },
        "left": dict(found.left),
        "cases": {
            **found.cases,
            "overlapping": found.overlapping,
            "detailed": list(map(_case, found.detailed)),
        },
        "truncated": found.truncated,
    }


def _skipped(outcome: FormOutcome) -> dict[str, Any]:
    return {
        "form_id": outcome.form_id,
        "state": outcome.state,
        "problem": outcome.problem,
    }


def _case(case: CasePreview) -> dict[str, Any]:
    return {
        "case_id": case.case_id,
        "case_type": case.case_type,
        "case_name": case.case_name,
        "becomes": case.becomes,
        "changes": changes_to_wire(case.changes),
        "overlaps": [
            {"form_id": overlap.form_id, "names": list(map(wire_name, overlap.names))}
            for overlap in case.overlaps
        ],
    }


def _after(since: Micros, until: Micros) -> Micros:
    if until < since:
        raise at_fault("to", "'to' must not be before 'from'")
    return until
