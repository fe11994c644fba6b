"""A form that the server writes for rows: built, parsed back, appended or tried."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from ledger.entry import Kind
from ledger.errors import Malformed
from ledger.forms.form import Form
from ledger.forms.form_xml import parse_written
from ledger.submit import Draft, Session

ROW_BYTES = 2048
"""About how many bytes a form has for each of its rows, beside what these hold."""

Append = Callable[[Draft, Form], str | None]
"""Appends a form or tries it; returns the problem of one that is not in force."""


@dataclass(frozen=True, slots=True)
class NotInForce:
    """Why a form is not in force, and its id where it was kept as an XFormError."""

    problem: str
    form_id: str | None = None


def append_built(
    build: Callable[[], bytes], draft: Draft, *, append: Append
) -> NotInForce | None:
    """Append the form that ``build`` writes; return why it is not in force, if so.

    One that cannot be built is no form, and nothing of it is kept.
    """
    try:
        body = build()
        # The fold sees only what was parsed from the bytes (law 1).
        form = parse_written(body)
    except (ValueError, Malformed) as error:
        return NotInForce(str(error))
    problem = append(replace(draft, body=body), form)
    return None if problem is None else NotInForce(problem, draft.form_id)


def append_to(session: Session) -> Append:
    """Return what appends to a session, or tries it in one that is never saved."""

    def append(draft: Draft, form: Form) -> str | None:
        # Ids of what rows make derive from the job, so no table has them; one that the
        # command has looked up all the same stays as it was found.
        made = (block.case_id for block in form.blocks if block.create is not None)
        session.cases.expect_new(made)
        entry = session.append_form(draft, form)
        return None if entry.kind is Kind.NORMAL else entry.problem or ""

    return append


def judge(_draft: Draft, form: Form) -> str | None:
    """Return what is wrong with a form by itself, and append nothing."""
    return None if form.rejection is None else form.rejection.problem
