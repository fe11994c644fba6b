"""A naive ledger: dicts, folded from nothing each time, straight from the spec.

It knows nothing of the product's code. What it is told are plain descriptions of
blocks (``strategies.py``), never XML; section numbers are those of ``case-xml.md``.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SPECIAL = ("case_type", "case_name", "owner_id", "external_id")
IGNORED = ("case_id", "date_modified", "supply_point_location_id", "user_id")
LABELS = {"case_type": "type", "case_name": "name"}


class Refused(Exception):
    """The form is an error; the text is what must be stored."""


def text_of(micros: int) -> str:
    """Return a log time as the text that cases hold."""
    when = EPOCH + timedelta(microseconds=micros)
    return when.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def rank(block: dict[str, Any]) -> int:
    """Return the rank of the best action (section 7, rule 3)."""
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
    """Return a form's blocks for one case in order of application (section 7)."""
    mine = [block for block in form["blocks"] if block["case_id"] == case_id]
    return sorted(mine, key=rank)


def blank() -> dict[str, Any]:
    """Return an empty case (section 8, rule 1)."""
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
    """Apply one block (section 8)."""
    uid = block.get("user_id") or form["user_id"] or ""
    dm = block.get("date_modified") or text_of(form["received_on"])
    for name, value in block.get("create", {}).items():
        if name in SPECIAL:
            case[name] = value
        elif name == "date_opened":
            case["opened_on"] = value
    for name, value in block.get("update", {}).items():
        apply_value(case, name, value)
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
    """Apply the indices and attachments of a block (sections 10 and 11)."""
    for name, (target, case_type, relationship) in block.get("index", {}).items():
        apply_index(case, name, (target, case_type, relationship or "child"))
    for name, (src, origin) in block.get("attach", {}).items():
        if src:
            case["attachments"][name] = (form["form_id"], src)
        elif not origin:
            case["attachments"].pop(name, None)


def apply_value(case: dict[str, Any], name: str, value: str) -> None:
    """Apply one element of an update (section 6)."""
    if name in SPECIAL:
        case[name] = value
    elif name == "date_opened":
        case["opened_on"] = value
    elif name == "name":
        case["case_name"] = value
    elif name == "location_id":
        case["location_id"] = value
    elif name not in IGNORED:
        case["properties"][name] = value
        if name == "hq_user_id":
            case["external_id"] = value


def apply_index(case: dict[str, Any], name: str, index: tuple[str, str, str]) -> None:
    """Set or clear an index, leaving a tombstone (section 10)."""
    if index[0]:
        case["indices"][name] = index
        case["cleared"].pop(name, None)
    elif name in case["indices"]:
        case["cleared"][name] = case["indices"].pop(name)[1:]


class Model:
    """One domain: what was decided, and what the cases then must be."""

    def __init__(self, *, foreign: set[str], last: int) -> None:
        """Start empty; ``foreign`` are case ids of another domain."""
        self.foreign = foreign
        self.position = 1  # the domain's own entry
        self.last = last
        self.now = last
        self.first: dict[str, dict[str, Any]] = {}  # form id -> what holds the id now
        self.forms: dict[str, str] = {}  # form id -> state
        self.effective: list[dict[str, Any]] = []
        self.kinds: list[str] = ["directory"]
        self.marks: dict[str, dict[str, Any]] = {}  # case id -> log-dependent fields

    # Time and place

    def take(self, kind: str, touched: int = 0) -> tuple[int, int]:
        """Use up a position and the microseconds of an entry."""
        self.position += 1
        appended_on = max(self.now, self.last + 1)
        self.last = appended_on + max(touched, 1) - 1
        self.kinds.append(kind)
        return self.position, appended_on

    # Folding

    def case(self, case_id: str) -> dict[str, Any]:
        """Fold a case from nothing, by key (section 16, D-2)."""
        case = blank()
        for form in self.ordered():
            for block in blocks_for(form, case_id):
                apply_block(case, block, form)
        return {**case, **self.marks[case_id]}

    def ordered(self) -> list[dict[str, Any]]:
        """Return the effective forms in fold order."""
        return sorted(self.effective, key=lambda form: form["key"])

    def cases(self) -> dict[str, dict[str, Any]]:
        """Return every case."""
        return {case_id: self.case(case_id) for case_id in sorted(self.marks)}

    def holders(self, external_id: str) -> list[str]:
        """Return the live cases with an external id, the one opened first first."""
        live = [
            (case["opened_on"], case_id)
            for case_id, case in self.cases().items()
            if case["external_id"] == external_id and case["deleted_on"] is None
        ]
        return [case_id for _, case_id in sorted(live)]

    # Judging

    def submit(self, form: dict[str, Any]) -> dict[str, Any]:
        """Decide about a submission (section 13); returns what the receipt must say.

        ``form`` has body (comparable), blocks, user_id, xmlns, form_id or None,
        files, submit_time. Fresh random ids are returned as ``None``.
        """
        if form["blocks"] is None:
            self.take("submission_error")
            return {"kind": "submission_error", "form_id": None}
        held = self.first.get(form["form_id"] or "")
        if held is None:
            return self.accept(form, form["form_id"])
        if held["body"] == form["body"]:
            return self.again(form, held)
        if held["xmlns"] != form["xmlns"]:
            return self.accept(form, None)
        if held["state"] == "error":
            return self.accept(form, form["form_id"])
        self.take("error")
        return {"kind": "error", "form_id": None, "problem": "EditNotSupported: "}

    def again(self, form: dict[str, Any], held: dict[str, Any]) -> dict[str, Any]:
        """Judge the same bytes under the same id."""
        form_id = form["form_id"]
        if held["state"] == "error":
            retried = {**held, "form_id": form_id}
            try:
                self.check(retried)
            except Refused as refused:
                return {
                    "kind": "error",
                    "form_id": form_id,
                    "problem": str(refused),
                    "resubmitted": True,
                }
            touched = sorted({block["case_id"] for block in held["blocks"]})
            position, appended_on = self.take("reprocess", len(touched))
            self.fold(retried, touched, position, appended_on, again=True)
            held["state"] = "normal"
        self.take("duplicate")
        text = f"Form is a duplicate of another! ({form_id})"
        return {"kind": "duplicate", "form_id": None, "problem": text}

    def accept(self, form: dict[str, Any], form_id: str | None) -> dict[str, Any]:
        """Process a form; an error is kept and changes no case."""
        form = {**form, "form_id": form_id}
        answer: dict[str, Any] = {"kind": "normal", "form_id": form_id}
        touched = sorted({block["case_id"] for block in form["blocks"]})
        try:
            self.check(form)
        except Refused as refused:
            answer = {"kind": "error", "form_id": form_id, "problem": str(refused)}
            touched = []
        position, appended_on = self.take(answer["kind"], len(touched))
        submitted = form["submit_time"]
        form["received_on"] = appended_on if submitted is None else submitted
        form["key"] = (form["received_on"], position)
        form["state"] = answer["kind"]
        if form_id is not None:
            self.first[form_id] = form
        if answer["kind"] == "normal":
            self.fold(form, touched, position, appended_on)
        answer["form"] = form
        return answer

    def check(self, form: dict[str, Any]) -> None:
        """Raise ``Refused`` for the one fault a described form may have."""
        for block in form["blocks"]:
            if block.get("fault"):
                raise Refused(block["fault"])
        named = {block["case_id"] for block in form["blocks"]}
        if named & self.foreign:
            raise Refused("IllegalCaseId: Bad case id")
        for case_id in sorted(named):
            self.check_files(form, case_id)
        for case_id in sorted(named):
            self.check_targets(form, case_id, named)

    def check_files(self, form: dict[str, Any], case_id: str) -> None:
        """Raise ``Refused`` for a file that did not come (section 11)."""
        for block in blocks_for(form, case_id):
            for src, _ in block.get("attach", {}).values():
                if src and src not in form["files"]:
                    raise Refused(f"AttachmentNotFound: {form['form_id']}: '{src}'")

    def check_targets(
        self, form: dict[str, Any], case_id: str, named: set[str]
    ) -> None:
        """Raise ``Refused`` for an index to nobody that the form leaves set (10)."""
        net = {
            name: index[0]
            for block in blocks_for(form, case_id)
            for name, index in block.get("index", {}).items()
        }
        for target in net.values():
            if target and target not in named and target not in self.marks:
                raise Refused(
                    f"InvalidCaseIndex: Case '{case_id}' references "
                    f"non-existent case '{target}'"
                )

    def fold(
        self,
        form: dict[str, Any],
        touched: list[str],
        position: int,
        appended_on: int,
        *,
        again: bool = False,
    ) -> None:
        """Make a form effective and stamp the cases it touches."""
        self.effective.append(form)
        for place, case_id in enumerate(touched):
            mark = self.marks.setdefault(case_id, {"deleted_on": None, "key": (0, 0)})
            rebuilt = again or form["key"] < mark["key"]
            mark["key"] = max(mark["key"], form["key"])
            mark["position"] = position
            mark["indexed_on"] = appended_on + place
            mark["server_modified_on"] = text_of(
                appended_on if rebuilt else form["received_on"]
            )

    def flag(self, case_ids: list[str], *, deleted: bool) -> bool:
        """Delete or restore cases; false when one is unknown and nothing happens."""
        if any(case_id not in self.marks for case_id in case_ids):
            return False
        known = sorted(set(case_ids))
        kind = "case_delete" if deleted else "case_restore"
        position, appended_on = self.take(kind, len(known))
        for place, case_id in enumerate(known):
            self.marks[case_id].update(
                deleted_on=text_of(appended_on) if deleted else None,
                indexed_on=appended_on + place,
                position=position,
            )
        return True
