"""Forms that say which other form they correct, as ODK clients edit.

Such a form has an id of its own and names the one before in ``deprecatedID``
(``rules/case-xml.md`` 13.16). It is an edit all the same: it takes that form's place in
the fold, and a second entry notes under the old id that it is out of force.
"""

from __future__ import annotations

from dataclasses import replace

from ledger.entry import Entry, Kind
from ledger.errors import Rejected
from ledger.forms.form import Form
from ledger.forms.lineage import DEPRECATED, Lineage
from ledger.submit import Draft, Needs, Session

_NO_VERSIONS = (Kind.DUPLICATE, Kind.SUBMISSION_ERROR)
OUTDATED = "outdated"
"""Marks the entry of an edit of what another form had replaced."""


def names_another(form: Form, form_id: str) -> bool:
    """Tell whether a form wants to take the place of one with another id."""
    return form.meta.deprecated_id not in {None, form_id}


def append_replacement(session: Session, draft: Draft, form: Form) -> Entry:
    """Fold a form in the place of the one that it names, and append both entries.

    ``draft`` is that of a new form; its kind, place and details are completed here.
    Raises ``Rejected`` and then appends nothing.
    """
    old = _named(session, form)
    uploaded = {a.name for a in draft.uploads} | {a.name for a in draft.carried}
    carried = [a for a in old.current.attachments if a.name not in uploaded]
    version = old.current.position
    edit = replace(
        draft,
        kind=Kind.EDIT,
        first=old.first,
        carried=(*draft.carried, *session.held(carried)),
        details={
            **draft.details,
            "deprecates": {"form_id": old.form_id, "version": version},
            **leaving(old),
        },
    )
    entry = session.append_revision(edit, old, form=form)
    session.append(
        Draft(
            Kind.DEPRECATE,
            old.form_id,
            orig_form_id=entry.form_id,
            xmlns=old.current.xmlns,
            user_id=draft.user_id,
            first=old.first,
            details={"version": version},
        )
    )
    return entry


def replaced_already(form_id: str) -> Rejected:
    """Return why a form cannot take the place of one with this id."""
    return Rejected("DeprecatedIdError", f"Form '{form_id}' was replaced already")


def _named(session: Session, form: Form) -> Lineage:
    """Return the form whose place another takes; raises ``Rejected``."""
    form_id = form.meta.deprecated_id or ""
    if form_id not in session.known:
        session.load([Needs(form_ids=(form_id,))])
    known = session.lineage(form_id)
    if session.is_moved(form_id) or (known is not None and known.state == DEPRECATED):
        raise replaced_already(form_id)
    if known is None or known.first.kind in _NO_VERSIONS:
        raise Rejected("DeprecatedIdError", f"Form '{form_id}' is not known here")
    if known.current.xmlns != form.xmlns:
        raise Rejected(
            "DeprecatedIdError",
            f"Form '{form_id}' is of another type: {known.current.xmlns}",
        )
    return known


def leaving(known: Lineage) -> dict[str, int]:
    """Name the version that an entry takes out of force, if one is in force."""
    return {} if known.in_force is None else {"from": known.in_force.position}
