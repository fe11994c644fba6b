"""A naive ledger: what was decided, and what the cases then must be.

It knows nothing of the product's code; rules are those of ``rules/case-xml.md``.
Every case is folded from nothing each time somebody looks.
"""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from tests.kit.model_fold import (
    apply_block,
    blank,
    blocks_for,
    chain_below,
    named_in,
    text_of,
)
from tests.kit.model_forms import Forms

NO_KEY = (0, 0)
CASE = "http://commcarehq.org/case"


class Model(Forms):
    """One domain: its log, its forms and its cases."""

    def __init__(self, *, last: int) -> None:
        """Start empty, behind the domain's own entry."""
        super().__init__()
        self.position = 1
        self.last = last
        self.now = last
        self.closes_extensions = False
        self.kinds: list[str] = ["directory"]
        self.causes: dict[int, dict[str, Any]] = {}  # position -> the form behind it
        self.marks: dict[str, dict[str, Any]] = {}  # case id -> what is not folded
        self.changed: dict[int, tuple[str, ...]] = {1: ()}  # position -> its cases

    def scratch(self) -> Model:
        """Return a copy on which something can be tried."""
        return deepcopy(self)

    # Time and place

    def take(self, kind: str, touched: int = 0) -> tuple[int, int]:
        """Use up a position and the microseconds of an entry."""
        self.position += 1
        appended_on = max(self.now, self.last + 1)
        self.last = appended_on + max(touched, 1) - 1
        self.kinds.append(kind)
        self.changed[self.position] = ()
        return self.position, appended_on

    # Folding

    def versions_of(self, case_id: str) -> list[dict[str, Any]]:
        """Return what is in force of a case, in the order of the fold (rule D-2)."""
        found = [form for form in self.forms if form["on"]]
        found = [form for form in found if case_id in named_in(form["good"])]
        return sorted(found, key=lambda form: form["key"])

    def key_of(self, case_id: str) -> tuple[int, int]:
        """Return the key of the last form in force of a case."""
        versions = self.versions_of(case_id)
        key: tuple[int, int] = versions[-1]["key"] if versions else NO_KEY
        return key

    def case(self, case_id: str) -> dict[str, Any]:
        """Fold a case from nothing, by key (rules 16.3 and D-2)."""
        case, mark = blank(), dict(self.marks[case_id])
        emptied_on = mark.pop("emptied_on")
        forms = self.versions_of(case_id)
        for form in forms:
            version = {
                **form["good"],
                "form_id": form["form_id"],
                "received_on": form["key"][0],
            }
            for block in blocks_for(version, case_id):
                apply_block(case, block, version)
        if not forms:
            case["modified_on"] = emptied_on
        return {**case, **mark, "key": self.key_of(case_id)}

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

    # What entries do to cases

    def put(
        self, kind: str, form: dict[str, Any], version: Any, *, on: bool
    ) -> tuple[int, int, set[str]]:
        """Change what is in force of a form, and rebuild its cases (rule 15)."""
        touched = named_in(version) if on else set()
        if form["on"]:
            touched = touched | named_in(form["good"])
        position, appended_on = self.take(kind, len(touched))
        form.update(good=version, on=on, position=position)
        for place, case_id in enumerate(sorted(touched)):
            self.rebuild(case_id, position, appended_on, place=place)
        return position, appended_on, touched

    def arrive(self, form: dict[str, Any], *, submit_time: int | None) -> int:
        """Fold a new form; only one that comes late makes a rebuild (rule D-2)."""
        touched = sorted(named_in(form["good"]))
        position, appended_on = self.take("normal", len(touched))
        received_on = appended_on if submit_time is None else submit_time
        key = (received_on, position)
        late = {case_id for case_id in touched if key <= self.key_of(case_id)}
        form.update(key=key, position=position, on=True)
        form["version"]["position"] = position
        for place, case_id in enumerate(touched):
            self.rebuild(case_id, position, appended_on, place=place)
            if case_id not in late:
                self.marks[case_id]["server_modified_on"] = text_of(received_on)
        return appended_on

    def rebuild(
        self, case_id: str, position: int, appended_on: int, *, place: int
    ) -> None:
        """Stamp a case that an entry touched; without forms it is void (rule D-9)."""
        new = {"deleted_on": None, "flagged": False, "emptied_on": ""}
        mark = self.marks.setdefault(case_id, new)
        when = text_of(appended_on)
        mark.update(
            position=position, indexed_on=appended_on + place, server_modified_on=when
        )
        self.changed[position] += (case_id,)
        if not self.versions_of(case_id):
            mark["emptied_on"] = when
            mark["deleted_on"] = mark["deleted_on"] or when
        elif not mark["flagged"]:
            mark["deleted_on"] = None

    def cascade(
        self, touched: set[str], cause: dict[str, Any], appended_on: int
    ) -> None:
        """Close the extensions of what is closed, with one more form (rule 17)."""
        found = chain_below(self.cases(), touched) if self.closes_extensions else []
        if not found:
            return
        when = text_of(appended_on)
        block = {"close": True, "user_id": "system", "date_modified": when}
        version = {
            "body": None,
            "blocks": [{"case_id": case_id, **block} for case_id in found],
            "xmlns": CASE,
            "user_id": "system",
            "files": (),
        }
        form = self.new_form(None, version, state="normal", good=version)
        self.arrive(form, submit_time=None)
        self.causes[form["position"]] = cause

    # Acts on cases

    def flag(self, case_ids: list[str], *, deleted: bool) -> bool | None:
        """Delete or restore cases; ``None`` if one is unknown, else whether done."""
        if any(case_id not in self.marks for case_id in case_ids):
            return None
        changing = [
            case_id
            for case_id in sorted(set(case_ids))
            if self.marks[case_id]["flagged"] != deleted
        ]
        if not changing:
            return False
        kind = "case_delete" if deleted else "case_restore"
        position, appended_on = self.take(kind, len(changing))
        for place, case_id in enumerate(changing):
            mark = self.marks[case_id]
            mark.update(
                flagged=deleted, indexed_on=appended_on + place, position=position
            )
            self.changed[position] += (case_id,)
            if deleted:
                mark["deleted_on"] = text_of(appended_on)
            elif self.versions_of(case_id):
                mark["deleted_on"] = None
        return True

    def refold(self, case_ids: list[str]) -> bool | None:
        """Rebuild cases because somebody asked; ``None`` when one is unknown."""
        if any(case_id not in self.marks for case_id in case_ids):
            return None
        touched = sorted(set(case_ids))
        position, appended_on = self.take("case_rebuild", len(touched))
        for place, case_id in enumerate(touched):
            self.rebuild(case_id, position, appended_on, place=place)
        return True
