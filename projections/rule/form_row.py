"""The ``forms`` projection: what each entry means for the table of forms. Pure.

A row names the entry that decided the form's state, the form's place in the fold and
the entry that holds its bytes, and has what lists of forms are ordered and narrowed by;
everything else about a form stands in the log.
"""

from __future__ import annotations

from typing import NamedTuple

from ledger.entry import Entry, Kind
from ledger.forms.lineage import (
    ARCHIVED,
    DELETED,
    DEPRECATED,
    DUPLICATE,
    ERROR,
    NORMAL,
    SUBMISSION_ERROR,
)
from ledger.times import Micros
from projections.rule.hashing import value_hash


class FormRow(NamedTuple):
    """One row of the ``forms`` read table, columns in the table's order.

    ``position`` is the entry that decided the state, ``version`` the one with the
    bytes, ``form_position`` the form's place in the fold. ``received_on`` is when its
    first version came, and ``xmlns_key`` the hash of its xmlns.
    """

    domain: str
    form_id: str
    position: int
    form_position: int
    version: int
    state: str
    orig_form_id: str | None
    received_on: Micros
    xmlns_key: int


_STATES = {
    Kind.NORMAL: NORMAL,
    Kind.EDIT: NORMAL,
    Kind.DEPRECATE: DEPRECATED,
    Kind.COMPLETE: NORMAL,
    Kind.UNCOMPLETE: NORMAL,
    Kind.REPROCESS: NORMAL,
    Kind.ARCHIVE: ARCHIVED,
    Kind.UNARCHIVE: NORMAL,
    Kind.FORM_DELETE: DELETED,
    Kind.FORM_RESTORE: NORMAL,
    Kind.DUPLICATE: DUPLICATE,
    Kind.ERROR: ERROR,
    Kind.SUBMISSION_ERROR: SUBMISSION_ERROR,
}


def form_rows(entry: Entry) -> list[FormRow]:
    """Return the rows of ``forms`` that an entry sets, in the table's column order.

    A version that makes way for another goes on under the id that the entry decided
    for it: an error that was never processed stays one, what an edit replaces is
    deprecated (``rules/case-xml.md`` 13).
    """
    state = _STATES.get(entry.kind)
    if state is None or entry.form_id is None:
        return []
    details = entry.details
    rows: list[FormRow] = []
    if "replaces" in details:
        rows.append(_moved(entry, details["replaces"], ERROR))
    if "deprecates" in details:
        rows.append(_moved(entry, details["deprecates"], DEPRECATED))
    version = _version(entry)
    deprecated = entry.kind is Kind.DEPRECATE
    rows.append(
        FormRow(
            entry.domain,
            entry.form_id,
            entry.position,
            # Its place in the fold is that of the form that took it.
            version if deprecated else entry.form_position,
            version,
            details.get("state", state),
            entry.orig_form_id,
            entry.received_on,
            value_hash(entry.xmlns),
        )
    )
    return rows


def _moved(entry: Entry, moved: dict[str, str | int], state: str) -> FormRow:
    version = int(moved["version"])
    return FormRow(
        entry.domain,
        str(moved["form_id"]),
        entry.position,
        version,
        version,
        state,
        entry.form_id,
        entry.received_on,
        value_hash(entry.xmlns),
    )


def _version(entry: Entry) -> int:
    """Return the entry that holds the bytes of a form."""
    if entry.body_sha256 is not None:
        return entry.position
    version: int = entry.details.get("version", entry.form_position)
    return version
