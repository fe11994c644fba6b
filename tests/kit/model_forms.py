"""How a naive ledger judges submissions and what it lets be done to forms.

``rules/case-xml.md`` 13 to 15, without any of the product's code. A form is a
dict: the id it stands under (``None`` until the test has seen the random one), its
state, its key in the fold, the version with its newest bytes, the last version that
was processed (``good``) and whether that is in force (``on``).
"""

from __future__ import annotations

from typing import Any

from tests.kit.model_corrections import (
    BESIDE,
    OUTDATED,
    Corrections,
    corrects,
    too_late,
    was_moved,
)
from tests.kit.model_fold import Refused, blocks_for, named_in, needed_by, text_of

SUBMISSION_ERROR = {"kind": "submission_error", "form_id": None}
IMPOSSIBLE = "Conflict"
DONE_ALREADY = "done already"
STEPS = {
    "archive": ({"normal"}, {"archived"}),
    "unarchive": ({"archived"}, {"normal"}),
    "reprocess": ({"error"}, {"normal"}),
}
"""The states from which an act goes, and those in which it is done already."""


class Forms(Corrections):
    """What is known of the forms of one domain. ``Model`` adds the cases."""

    marks: dict[str, dict[str, Any]]

    def __init__(self) -> None:
        """Start empty."""
        self.forms: list[dict[str, Any]] = []
        self.held: dict[str, dict[str, Any]] = {}  # form id -> what holds it now

    def take(self, kind: str, touched: int = 0) -> tuple[int, int]:
        """Use up a position and the microseconds of an entry."""
        raise NotImplementedError

    def put(
        self, kind: str, form: dict[str, Any], version: Any, *, on: bool
    ) -> tuple[int, int, set[str]]:
        """Change what is in force of a form; returns when, and the cases touched."""
        raise NotImplementedError

    def arrive(self, form: dict[str, Any], *, submit_time: int | None) -> int:
        """Fold a new form; returns when."""
        raise NotImplementedError

    def cascade(
        self, touched: set[str], cause: dict[str, Any], appended_on: int
    ) -> None:
        """Close the extensions of what is closed."""
        raise NotImplementedError

    def new_form(
        self, form_id: str | None, version: dict[str, Any], **fields: Any
    ) -> dict[str, Any]:
        """Take a form in; whoever held its id must have been moved."""
        form = {
            "form_id": form_id,
            "version": version,
            "good": None,
            "on": False,
            "orig": None,
            "before": None,
            "replaced_by": None,
            "completions": [],
            "older": None,
            "taken": [],
            "born": fields["state"],
            **fields,
        }
        self.forms.append(form)
        if form_id is not None:
            self.held[form_id] = form
        return form

    def name(self, form: dict[str, Any], form_id: str) -> None:
        """Learn the random id of a form."""
        form["form_id"] = form_id
        self.held[form_id] = form
        for other in self.forms:
            if other["replaced_by"] is form:
                other["orig"] = form_id

    def rows(self) -> list[tuple[Any, ...]]:
        """Return what the table of forms must say, the ids of forms left out."""
        return [
            (
                form["version"]["position"],
                form["position"],
                form["key"][1],
                form["state"],
                form["orig"],
            )
            for form in self.forms
        ]

    # Judging (rule 13)

    def submit(self, sent: dict[str, Any]) -> dict[str, Any]:
        """Decide about a submission; returns what the receipt must say.

        ``sent`` has body (comparable), blocks, user_id, xmlns, form_id, files,
        submit_time. Fresh random ids are returned as ``None``.
        """
        when = sent["submit_time"]
        version = {
            name: sent[name] for name in ("body", "blocks", "xmlns", "user_id", "files")
        }
        version["corrects"] = sent.get("corrects")
        if sent["blocks"] is None:
            self.beside("submission_error", version, when)
            return SUBMISSION_ERROR
        form_id = sent["form_id"]
        held = self.held.get(form_id)
        if held is None:
            return self.accept(version, form_id, when)
        old, is_beside = held["version"], held["born"] in BESIDE or was_moved(held)
        if old["body"] == version["body"] and not is_beside:
            return self.again(held, version, when)
        if old["xmlns"] != version["xmlns"] or is_beside:
            return self.accept(version, None, when)
        return self.other_bytes(held, version, when)

    def other_bytes(
        self, held: dict[str, Any], version: dict[str, Any], when: int | None
    ) -> dict[str, Any]:
        """Judge other bytes under the same id, of the same type."""
        form_id = held["form_id"]
        if held["replaced_by"] is not None:
            form = self.beside("error", version, when, orig=form_id, born=OUTDATED)
            problem = too_late(form_id)
            answer = {"kind": "error", "form_id": None, "problem": problem}
            return {**answer, "form": form}
        if held["good"] is None:
            return self.instead(held, version, when)
        return self.edit(held, version)

    def beside(
        self, state: str, version: dict[str, Any], when: int | None, **fields: Any
    ) -> dict[str, Any]:
        """Keep bytes that touch no case."""
        position, appended_on = self.take(state)
        version["position"] = position
        key = (appended_on if when is None else when, position)
        fields = {"form_id": None, **fields, "position": position, "key": key}
        return self.new_form(fields.pop("form_id"), version, state=state, **fields)

    def again(
        self, held: dict[str, Any], version: dict[str, Any], when: int | None
    ) -> dict[str, Any]:
        """Judge the same bytes under the same id: an error is run again first.

        One that was deleted stays so: its bytes are a duplicate like any others.
        """
        form_id = held["form_id"]
        new = [
            name for name in version["files"] if name not in held["version"]["files"]
        ]
        if new and held["state"] in {"normal", "archived", "error"}:
            return self.complete(held, new)
        if held["state"] == "error":
            problem = self.run(held)
            if problem is not None:
                return {
                    "kind": "error",
                    "form_id": form_id,
                    "problem": problem,
                    "resubmitted": True,
                }
        text = f"Form is a duplicate of another! ({form_id}){self.fate_of(held)}"
        form = self.beside("duplicate", version, when, orig=form_id)
        return {"kind": "duplicate", "form_id": None, "problem": text, "form": form}

    def complete(self, held: dict[str, Any], new: list[str]) -> dict[str, Any]:
        """Add the files that a form lacks; an error is run again with them."""
        old = held["version"]
        older = held["good"] if held["on"] else None
        version = {**old, "files": (*old["files"], *new)}
        answer = {"kind": "complete", "form_id": held["form_id"], "form": held}
        problem = None
        if held["state"] == "error" and self.may_take_place(held):
            whole, problem = self.whole(version, held["form_id"])
            if problem is None:
                self.take_place(held, whole)
                return {**answer, "kind": "edit"}
        elif held["state"] == "error":
            problem = self.fault_of(version, held["form_id"])
        if held["state"] == "error" and problem is None:
            position, appended_on, touched = self.put(
                "complete", held, version, on=True
            )
            held.update(version=version, state="normal", position=position)
            version["position"] = position
            held["completions"].append((position, set(new)))
            held["older"] = older
            self.cascade(touched, held, appended_on)
            return answer
        position, _ = self.take("complete")
        version["position"] = position
        held["completions"].append((position, set(new)))
        if held["good"] is old:
            held["good"] = version
        held.update(version=version, position=position)
        return {**answer, "kind": "error", "problem": problem} if problem else answer

    def change_files(
        self, kind: str, form_id: str, position: int
    ) -> tuple[bool, str | None]:
        """Undo one completion of a form, or the undoing; returns (changed, state)."""
        form = self.held.get(form_id)
        if form is None or was_moved(form):
            return False, None
        if form["state"] not in {"normal", "archived", "error"}:
            return False, form["state"]
        changed = self.put_back if kind == "complete" else self.take_back
        return changed(form, position), form["state"]

    def take_back(self, form: dict[str, Any], position: int) -> bool:
        """Take the files of a completion away; an error may be one again."""
        found = [c for c in form["completions"] if c[0] == position]
        if not found:
            return False
        ((_, names),) = found
        form["completions"].remove(found[0])
        old, was_on = form["version"], form["on"]
        files = tuple(name for name in old["files"] if name not in names)
        version = {**old, "files": files}
        lost = needed_by(old) & names
        if form["state"] == "error" or not lost:
            place, _ = self.take("uncomplete")
            if form["good"] is old:
                form["good"] = version
        else:
            older = form["older"] if was_on else None
            place, *_ = self.put("uncomplete", form, older, on=older is not None)
            form["state"] = "error"
        version["position"] = place
        form.update(version=version, position=place)
        form["taken"].append((place, [n for n in old["files"] if n in names]))
        return True

    def put_back(self, form: dict[str, Any], position: int) -> bool:
        """Add the files again that an undoing took away."""
        there = form["version"]["files"]
        names = [n for place, some in form["taken"] if place == position for n in some]
        new = [name for name in names if name not in there]
        if new:
            self.complete(form, new)
        return bool(new)

    def may_take_place(self, form: dict[str, Any]) -> bool:
        """Tell whether an error would take the place of another form."""
        return form["good"] is None and corrects(form["form_id"], form["version"])

    def fate_of(self, held: dict[str, Any]) -> str:
        """Return what the sender of a form that was withdrawn is told."""
        if held["state"] == "archived":
            return " It was archived and does not count until somebody unarchives it."
        if held["state"] != "deleted":
            return ""
        return (
            f" It was deleted on {text_of(held['deleted_on'])} and stays deleted until "
            "somebody restores it."
        )

    def accept(
        self, version: dict[str, Any], form_id: str | None, when: int | None
    ) -> dict[str, Any]:
        """Process a form; an error is kept and changes no case."""
        answer: dict[str, Any] = {"kind": "normal", "form_id": form_id}
        takes_place = corrects(form_id, version)
        if takes_place:
            whole, problem = self.whole(version, form_id)
        else:
            problem = self.fault_of(version, form_id)
        if problem is None and takes_place:
            form = self.new_form(form_id, whole, state="normal")
            self.take_place(form, whole)
            version["position"] = whole["position"]
            answer["kind"] = "edit"
        elif problem is None:
            form = self.new_form(form_id, version, state="normal", good=version)
            appended_on = self.arrive(form, submit_time=when)
            self.cascade(named_in(version), form, appended_on)
        else:
            form = self.beside("error", version, when, form_id=form_id)
            answer = {"kind": "error", "form_id": form_id, "problem": problem}
        return {**answer, "form": form}

    def instead(
        self, held: dict[str, Any], version: dict[str, Any], when: int | None
    ) -> dict[str, Any]:
        """Let a form take the id of an error that was never processed."""
        form_id = held["form_id"]
        answer = self.accept(version, form_id, when)
        held.update(
            form_id=None,
            state="error",
            orig=form_id,
            position=version["position"],
            key=(held["key"][0], held["version"]["position"]),
        )
        return answer

    def edit(self, held: dict[str, Any], version: dict[str, Any]) -> dict[str, Any]:
        """Put another version in the place of a form that was processed."""
        form_id, old = held["form_id"], held["version"]
        version["files"] = (*version["files"], *old["files"])
        problem = self.fault_of(version, form_id)
        kind, state = ("error", "error") if problem else ("edit", "normal")
        touched: set[str] = set()
        if problem is None:
            position, appended_on, touched = self.put(kind, held, version, on=True)
        else:
            position, appended_on = self.take(kind)
        version["position"] = position
        self.new_form(
            None,
            old,
            state="deprecated",
            orig=form_id,
            position=position,
            key=(held["key"][0], old["position"]),
        )
        held.update(version=version, state=state, position=position)
        held.update(completions=[], taken=[])
        self.cascade(touched, held, appended_on)
        answer = {"kind": kind, "form_id": form_id, "form": held}
        return {**answer, "problem": problem} if problem else answer

    # The one fault a described form may have (rules 10 to 12)

    def fault_of(self, version: dict[str, Any], form_id: str | None) -> str | None:
        """Return the problem for which a form is an error, if any."""
        try:
            self.check(version, form_id)
        except Refused as refused:
            return str(refused)
        return None

    def check(self, version: dict[str, Any], form_id: str | None) -> None:
        """Raise ``Refused`` for the one fault a described form may have."""
        for block in version["blocks"]:
            if block.get("fault"):
                raise Refused(block["fault"])
        named = named_in(version)
        for case_id in sorted(named):
            for block in blocks_for(version, case_id):
                for src, _ in block.get("attach", {}).values():
                    if src and src not in version["files"]:
                        raise Refused(f"AttachmentNotFound: {form_id}: '{src}'")
        for case_id in sorted(named):
            self.check_targets(version, case_id, named)

    def check_targets(
        self, version: dict[str, Any], case_id: str, named: set[str]
    ) -> None:
        """Raise ``Refused`` for an index to nobody that the form leaves (rule 10.5)."""
        net = {
            name: index[0]
            for block in blocks_for(version, case_id)
            for name, index in block.get("index", {}).items()
        }
        for target in net.values():
            if target and target not in named and target not in self.marks:
                raise Refused(
                    f"InvalidCaseIndex: Case '{case_id}' references "
                    f"non-existent case '{target}'"
                )

    # Acts on forms (rules 14 and 15)

    def act(self, kind: str, form_ids: list[str], *, strict: bool) -> Any:
        """Do something to forms; returns (id, changed, state, problem?) of each.

        When strict, an unknown form or an impossible act prevents all: the names of
        the refusals that may be answered are returned instead.
        """
        hindrances = {self.hindrance(kind, form_id) for form_id in form_ids}
        if strict and hindrances != {None}:
            return hindrances - {None}
        return [self.act_on(kind, form_id) for form_id in form_ids]

    def hindrance(self, kind: str, form_id: str) -> str | None:
        """Return why an act on a form is out of the question."""
        form = self.held.get(form_id)
        if form is None:
            return "NotFound"
        return IMPOSSIBLE if self.verdict(kind, form) == IMPOSSIBLE else None

    def verdict(self, kind: str, form: dict[str, Any]) -> str | None:
        """Return nothing when the act can be done now."""
        state = form["state"]
        gone = was_moved(form) or form["replaced_by"] is not None
        if kind != "form_restore" and gone:
            return IMPOSSIBLE
        if kind == "form_delete":
            return DONE_ALREADY if state == "deleted" else None
        if kind == "form_restore":
            return None if state == "deleted" else DONE_ALREADY
        before, after = STEPS[kind]
        if state in before:
            return None
        return DONE_ALREADY if state in after else IMPOSSIBLE

    def act_on(self, kind: str, form_id: str) -> tuple[str, bool, str | None, bool]:
        """Do something to one form."""
        form = self.held.get(form_id)
        if form is None:
            return form_id, False, None, True
        verdict = self.verdict(kind, form)
        if verdict is not None:
            return form_id, False, form["state"], verdict == IMPOSSIBLE
        if kind == "reprocess":
            failed = self.run(form) is not None
            return form_id, not failed, form["state"], failed
        state, on = {
            "archive": ("archived", False),
            "unarchive": ("normal", True),
            "form_delete": ("deleted", False),
            "form_restore": form["before"],
        }[kind]
        if kind == "form_delete":
            form["before"] = (form["state"], form["on"])
        _, form["deleted_on"], _ = self.put(kind, form, form["good"], on=on)
        form["state"] = state
        return form_id, True, state, False

    def run(self, form: dict[str, Any]) -> str | None:
        """Run an error form again; returns the problem when it fails again."""
        version = form["version"]
        if form["born"] == OUTDATED:
            return too_late(form["orig"])
        if self.may_take_place(form):
            whole, problem = self.whole(version, form["form_id"])
            if problem is None:
                self.take_place(form, whole)
            return problem
        problem = self.fault_of(version, form["form_id"])
        if problem is not None:
            return problem
        form["older"] = form["good"] if form["on"] else None
        _, appended_on, touched = self.put("reprocess", form, version, on=True)
        form["state"] = "normal"
        self.cascade(touched, form, appended_on)
        return None
