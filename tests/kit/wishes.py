"""Rows of a JSON request: as the product's changes, and as blocks for the model."""

from __future__ import annotations

from typing import Any

from ledger.cases.change import IndexRef, Intent
from tests.kit import build, strategies
from tests.kit.model import Model
from tests.kit.model_fold import text_of


def change_of(row: dict[str, Any], prefix: str, *, place: int) -> Any:
    """Return a described row as the product's own change."""
    refs = {
        name: IndexRef(case_id=strategies.named(target, prefix), case_type="t")
        for name, target in row["index"].items()
    }
    case_id = row["case_id"] and strategies.named(row["case_id"], prefix)
    return build.a_change(
        Intent(row["intent"]),
        row=place,
        case_id=case_id,
        external_id=row["external_id"],
        properties=row["properties"],
        indices=refs,
        close=row["close"],
        **row["special"],
    )


def resolved(rows: list[dict[str, Any]], model: Model, prefix: str) -> list[str] | None:
    """Return the case of each row, ``new N`` for new ones; None for a conflict."""
    given: dict[str, str] = {}
    found = []
    for place, row in enumerate(rows):
        if row["intent"] == "create":
            found.append(f"new {place}")
        elif row["intent"] == "update":
            case_id = strategies.named(row["case_id"], prefix)
            mark = model.marks.get(case_id)
            if mark is None or mark["deleted_on"] is not None:
                return None
            found.append(case_id)
        else:
            external_id = row["external_id"]
            holders = model.holders(external_id)
            if external_id not in given and len(holders) > 1:
                return None
            own = holders[0] if holders else f"new {place}"
            found.append(given.setdefault(external_id, own))
    return found


def blocks_of(
    rows: list[dict[str, Any]],
    cases: list[str],
    made: dict[str, Any],
    prefix: str,
    *,
    now: int,
) -> list[dict[str, Any]]:
    """Return one block per case: of what several rows say, the last wins.

    ``cases`` names the case of each row and ``made`` the new cases by that name.
    """
    merged: dict[str, dict[str, Any]] = {}
    for row, wanted in zip(rows, cases, strict=True):
        case_id = made[wanted].case_id if wanted in made else wanted
        block = merged.setdefault(case_id, _empty(case_id, now))
        full = {"case_type": "patient", "case_name": "Idris", "owner_id": build.USER}
        if row["intent"] == "update":
            full = {}
        block["update"] |= {**full, **row["special"], **row["properties"]}
        if row["external_id"] is not None:
            block["update"]["external_id"] = row["external_id"]
        block["index"] |= {
            name: (strategies.named(target, prefix), "t", None)
            for name, target in row["index"].items()
        }
        block["close"] = block["close"] or row["close"]
    return list(merged.values())


def _empty(case_id: str, now: int) -> dict[str, Any]:
    return {
        "case_id": case_id,
        "user_id": build.USER,
        "date_modified": text_of(now),
        "create": {},
        "update": {},
        "index": {},
        "close": False,
    }
