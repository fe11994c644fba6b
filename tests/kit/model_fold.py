"""How a naive ledger folds a case: dicts, from nothing, straight from the rules.

It knows nothing of the product's code. What it is told are plain descriptions of
blocks (``strategies.py``), never XML; rules are those of ``rules/case-xml.md``.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
API = "http://commcarehq.org/case_api"
SPECIAL = ("case_type", "case_name", "owner_id", "external_id")
IGNORED = ("case_id", "date_modified", "supply_point_location_id", "user_id")


class Refused(Exception):
    """The form is an error; the text is what must be stored."""


def text_of(micros: int) -> str:
    """Return a log time as the text that cases hold."""
    when = EPOCH + timedelta(microseconds=micros)
    return when.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def rank(block: dict[str, Any]) -> int:
    """Return the rank of the best action (rule 7.3)."""
    if block.get("create"):
        return 0
    if block.get("update"):
        return 1
    if block.get("index"):
        return 2
    if block.get("close"):
        return 3
    return 4 if block.get("attach") else 1


def blocks_for(form: dict[str, Any], case_id: str) -> list[dict[str, Any]]:
    """Return a form's blocks for one case in order of application (rule 7.3)."""
    mine = [block for block in form["blocks"] if block["case_id"] == case_id]
    return sorted(mine, key=rank)


def named_in(form: dict[str, Any] | None) -> set[str]:
    """Return the cases that the blocks of a form name."""
    return {block["case_id"] for block in form["blocks"]} if form else set()


def needed_by(form: dict[str, Any]) -> set[str]:
    """Return the files that the cases of a form take from it (rule 11.2)."""
    attached = [block.get("attach", {}).values() for block in form["blocks"]]
    return {src for files in attached for src, _ in files if src}


def blank() -> dict[str, Any]:
    """Return an empty case (rule 8.1)."""
    return {
        "case_type": "",
        "case_name": "",
        "owner_id": "",
        "external_id": None,
        "opened_on": "",
        "opened_by": "",
        "modified_on": "",
        "modified_by": "",
        "closed": False,
        "closed_on": None,
        "closed_by": "",
        "location_id": None,
        "properties": {},
        "indices": {},
        "cleared": {},
        "attachments": {},
    }


def apply_block(
    case: dict[str, Any], block: dict[str, Any], form: dict[str, Any]
) -> None:
    """Apply one block (rule 8)."""
    uid = block.get("user_id") or form["user_id"] or ""
    dm = block.get("date_modified") or text_of(form["received_on"])
    for name, value in (block.get("create") or {}).items():
        if name in SPECIAL:
            case[name] = value
        elif name == "date_opened":
            case["opened_on"] = value
    plain = form.get("xmlns") == API
    for name, value in (block.get("update") or {}).items():
        (apply_plain if plain else apply_value)(case, name, value)
    if block.get("close"):
        case.update(closed=True, closed_on=dm, closed_by=uid)
    apply_references(case, block, form)
    if uid:
        case["modified_by"] = uid
    case["modified_on"] = max(case["modified_on"], dm)
    case["opened_on"] = case["opened_on"] or dm
    case["opened_by"] = case["opened_by"] or uid
    case["owner_id"] = case["owner_id"] or uid


def apply_references(
    case: dict[str, Any], block: dict[str, Any], form: dict[str, Any]
) -> None:
    """Apply the indices and attachments of a block (rules 10 and 11)."""
    for name, (target, case_type, relationship) in block.get("index", {}).items():
        apply_index(case, name, (target, case_type, relationship or "child"))
    for name, (src, origin) in block.get("attach", {}).items():
        if src:
            case["attachments"][name] = (form["form_id"], src)
        elif not origin:
            case["attachments"].pop(name, None)


def apply_value(case: dict[str, Any], name: str, value: str) -> None:
    """Apply one element of an update (rule 6)."""
    if name == "name":
        case["case_name"] = value
    elif name == "location_id":
        case["location_id"] = value
    elif name not in IGNORED:
        apply_plain(case, name, value)
        if name == "hq_user_id":
            case["external_id"] = value


def apply_plain(case: dict[str, Any], name: str, value: str) -> None:
    """Apply one element of an update that the Case Data API wrote."""
    if name in SPECIAL:
        case[name] = value
    elif name == "date_opened":
        case["opened_on"] = value
    else:
        case["properties"][name] = value


def apply_index(case: dict[str, Any], name: str, index: tuple[str, str, str]) -> None:
    """Set or clear an index, leaving a tombstone (rule 10)."""
    if index[0]:
        case["indices"][name] = index
        case["cleared"].pop(name, None)
    elif name in case["indices"]:
        case["cleared"][name] = case["indices"].pop(name)[1:]


def chain_below(cases: dict[str, dict[str, Any]], touched: set[str]) -> list[str]:
    """Return the open extensions that close with the touched cases (rule 17.2)."""
    live = {i: case for i, case in cases.items() if case["deleted_on"] is None}
    closing = {i for i in touched if i in live and live[i]["closed"]}
    found: set[str] = set()
    while True:
        more = {
            case_id
            for case_id, case in live.items()
            if not case["closed"]
            and case_id not in found
            and any(
                relationship == "extension" and target in closing | found
                for target, _, relationship in case["indices"].values()
            )
        }
        if not more:
            return sorted(found)
        found |= more
