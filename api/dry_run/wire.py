"""What a write would do, as JSON: verdict, entries, and each case before and after."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from api.cases.answers import decode_case
from api.wire.case_changes import changes_to_wire
from ledger.commands.values import CaseOutcome, Prediction
from ledger.entry import Receipt
from projections.rule.case_changes import Change, changes
from projections.rule.case_row import SeenCase

_INDEX = "indices."


def render_prediction(
    predicted: Prediction, *, form_ids: Sequence[str | None] = ()
) -> dict[str, Any]:
    """Return what would become of a submission, or of changes of cases.

    ``form_ids`` are those that the client chose. Ids that the server would make are not
    known before: a form's is null, and a new case is called ``new:ROW``.
    """
    receipt: Receipt = predicted.outcome
    made = _new_names(predicted)
    return {
        "dry_run": True,
        "verdict": receipt.kind.value,
        "problem": _renamed(receipt.problem, made),
        "form_id": receipt.form_id if receipt.form_id in form_ids else None,
        "entries": [entry.kind.value for entry in predicted.entries],
        "cases": [_case(case, predicted, made) for case in predicted.cases],
        "closed_by_cascade": [
            case.after.case_id for case in predicted.cases if case.cascaded
        ],
    }


def _new_names(predicted: Prediction) -> dict[str, str]:
    """Return what the cases are called that rows of a request would create."""
    known = {c.after.case_id for c in predicted.cases if c.before is not None}
    names: dict[str, str] = {}
    for row, case_id in enumerate(predicted.resolved, 1):
        if case_id not in known:
            names.setdefault(case_id, f"new:{row}")
    return names


def _case(
    case: CaseOutcome, predicted: Prediction, made: Mapping[str, str]
) -> dict[str, Any]:
    case_id = case.after.case_id
    found = [_change(change, made) for change in changes(case.before, case.after)]
    return {
        "case_id": made.get(case_id, case_id),
        "new": case.before is None,
        "rows": [r for r, i in enumerate(predicted.resolved, 1) if i == case_id],
        "before": None if case.before is None else _wire(case.row_before, made),
        "after": _wire(case.row, made),
        "changes": changes_to_wire(found),
    }


def _wire(row: SeenCase, made: Mapping[str, str]) -> dict[str, Any]:
    """Return a case as the case API has it; a deleted one says so."""
    case: dict[str, Any] = dict(decode_case(row))
    case["case_id"] = made.get(row.case_id, row.case_id)
    for index in case["indices"].values():
        index["case_id"] = made.get(index["case_id"], index["case_id"])
    return case if row.deleted_on is None else {**case, "deleted": row.deleted_on}


def _change(change: Change, made: Mapping[str, str]) -> Change:
    """Return a change whose index points at a new case by the name of that."""
    new = change.new
    if isinstance(new, Mapping) and change.name.startswith(_INDEX):
        target = str(new["case_id"])
        new = {**new, "case_id": made.get(target, target)}
    return replace(change, new=new)


def _renamed(problem: str | None, made: Mapping[str, str]) -> str | None:
    """Return a problem with the names of new cases in the place of their ids."""
    if problem is not None:
        for case_id, name in made.items():
            problem = problem.replace(case_id, name)
    return problem
