"""Forms with an id that edits can name, and what became of them and of their cases."""

from __future__ import annotations

from tests.kit import build


def form(*blocks, form_id="f", **options):
    """Return a form, by default under the id ``f``."""
    return build.a_form(blocks, form_id=form_id, **options)


def state_of(store, form_id="f"):
    """Return the state of a form."""
    return build.forms_of(store)[form_id].state


def actions_of(store, case_id="c1"):
    """Return the bits of a case's transactions, those that count or not."""
    rows = build.dump(store)["case_forms"]
    return [row[5] for row in sorted(rows) if row[1] == case_id]
