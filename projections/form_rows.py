"""The ``forms`` projection: what each entry means for the table of forms. Pure.

A row names the entry that decides the form's state and the entry that holds its bytes;
everything else about a form stands in the log.
"""

from __future__ import annotations

from ledger.entry import Entry, Kind

FormRow = tuple[str, str, int, int, str, str | None]

_STATES = {
    Kind.NORMAL: "normal",
    Kind.REPROCESS: "normal",
    Kind.DUPLICATE: "duplicate",
    Kind.ERROR: "error",
    Kind.SUBMISSION_ERROR: "submission_error",
}


def form_rows(entry: Entry) -> list[FormRow]:
    """Return the rows of ``forms`` that an entry sets, in the table's column order.

    A form that takes the place of an earlier error moves that error to the id that
    the entry decided for it (``case-xml.md`` section 13).
    """
    state = _STATES.get(entry.kind)
    if state is None or entry.form_id is None:
        return []
    rows: list[FormRow] = []
    moved = entry.details.get("replaces")
    if moved:
        position = moved["position"]
        rows.append(
            (
                entry.domain,
                moved["form_id"],
                position,
                position,
                "error",
                entry.form_id,
            )
        )
    rows.append(
        (
            entry.domain,
            entry.form_id,
            entry.position,
            entry.form_position,
            state,
            entry.orig_form_id,
        )
    )
    return rows
