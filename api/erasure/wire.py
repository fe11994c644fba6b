"""An erasure on the wire: what is asked for, what would go, what went."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from api.wire.json_body import JsonBody
from api.wire.problems import at_fault
from importers.jobs.values import Erasure
from ledger.entry import Attachment
from projections.erasure.values import ErasurePreview, FormMeant


@dataclass(frozen=True, slots=True, kw_only=True)
class ErasureWish:
    """Why a case is to be erased; ``dry_run`` asks only what that would do."""

    reason: str
    dry_run: bool


def parse_erasure(body: bytes) -> ErasureWish:
    """Return the wish that a body holds; raises a 400 naming the field at fault."""
    given = JsonBody(body, ("reason", "dry_run"))
    wish = ErasureWish(
        reason=(given.text("reason") or "").strip(), dry_run=given.flag("dry_run")
    )
    if not wish.reason and not wish.dry_run:
        raise at_fault("reason", "An erasure needs a 'reason'")
    return wish


def preview_to_wire(case_id: str, found: ErasurePreview) -> dict[str, Any]:
    """Return what an erasure would do."""
    return {
        "case_id": case_id,
        "forms": _forms(found.form_count, found.forms),
        "files": list(map(_file, found.files)),
        "mentioned": _forms(found.mentioned_count, found.mentioned),
    }


def erasure_to_wire(case_id: str, done: Erasure) -> dict[str, Any]:
    """Return what an erasure did, and which job does the rest."""
    return {
        "case_id": case_id,
        "position": done.erased.receipt.position,
        "forms": done.erased.bodies,
        "files": done.erased.blobs,
        "job_id": done.job_id,
    }


def _forms(count: int, listed: Iterable[FormMeant]) -> dict[str, Any]:
    return {
        "count": count,
        "listed": [
            {"form_id": form.form_id, "state": form.state, "position": form.position}
            for form in listed
        ],
    }


def _file(file: Attachment) -> dict[str, Any]:
    return {"name": file.name, "sha256": file.sha256, "length": file.length}
