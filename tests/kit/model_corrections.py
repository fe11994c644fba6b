"""How a naive ledger takes forms that name another one (rules/case-xml.md 13.16)."""

from __future__ import annotations

from typing import Any

BESIDE = ("duplicate", "submission_error")
"""The states of what is stored under an id of its own, whatever the form said."""
OUTDATED = "outdated"
"""The birth of an edit of what another form had replaced."""


def was_moved(form: dict[str, Any]) -> bool:
    """Tell whether another form took a form's id, and the log gave it a new one."""
    if form["replaced_by"] is not None or form["born"] == OUTDATED:
        return False
    return form["orig"] is not None and form["state"] in {"error", "deprecated"}


def corrects(form_id: str | None, version: dict[str, Any]) -> bool:
    """Tell whether a version wants to take the place of another form."""
    return version["corrects"] not in {None, form_id}


def too_late(form_id: str) -> str:
    return f"DeprecatedIdError: Form '{form_id}' was replaced already"


class Corrections:
    """What is known of forms that took the place of others."""

    held: dict[str, dict[str, Any]]

    def put(
        self, kind: str, form: dict[str, Any], version: Any, *, on: bool
    ) -> tuple[int, int, set[str]]:
        """Change what is in force of a form."""
        raise NotImplementedError

    def take(self, kind: str, touched: int = 0) -> tuple[int, int]:
        """Use up a position."""
        raise NotImplementedError

    def cascade(
        self, touched: set[str], cause: dict[str, Any], appended_on: int
    ) -> None:
        """Close the extensions of what is closed."""
        raise NotImplementedError

    def fault_of(self, version: dict[str, Any], form_id: str | None) -> str | None:
        """Return what is wrong with a form by itself."""
        raise NotImplementedError

    def hindered(self, version: dict[str, Any]) -> str | None:
        """Return why a form cannot take the place of the one it names."""
        form_id = version["corrects"]
        old = self.held.get(form_id)
        if old is not None and (was_moved(old) or old["replaced_by"] is not None):
            return too_late(form_id)
        if old is None or old["born"] in BESIDE:
            return f"DeprecatedIdError: Form '{form_id}' is not known here"
        xmlns = old["version"]["xmlns"]
        if xmlns != version["xmlns"]:
            return f"DeprecatedIdError: Form '{form_id}' is of another type: {xmlns}"
        return None

    def whole(
        self, version: dict[str, Any], form_id: str | None
    ) -> tuple[dict[str, Any], str | None]:
        """Return a version with the files it takes over, and what is wrong with it."""
        problem = self.hindered(version)
        if problem is not None:
            return version, problem
        old = self.held[version["corrects"]]["version"]
        found = {**version, "files": (*version["files"], *old["files"])}
        return found, self.fault_of(found, form_id)

    def take_place(self, form: dict[str, Any], version: dict[str, Any]) -> None:
        """Put a form in the place of the one that it names."""
        old = self.held[version["corrects"]]
        form.update(key=old["key"], good=old["good"], on=old["on"])
        old["on"] = False
        position, appended_on, touched = self.put("edit", form, version, on=True)
        version["position"] = position
        form.update(version=version, state="normal", completions=[], taken=[])
        self.cascade(touched, form, appended_on)
        place, _ = self.take("deprecate")
        old.update(
            state="deprecated",
            replaced_by=form,
            position=place,
            orig=form["form_id"],
            key=(old["key"][0], old["version"]["position"]),
        )
