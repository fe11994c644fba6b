"""One form as a person looks at it: its bytes, its versions and its whole life."""

from __future__ import annotations

from collections.abc import Sequence

from ledger import log
from ledger.bodies import get_blob
from ledger.entry import Attachment, Entry, Kind
from ledger.errors import Malformed, NotFound
from ledger.forms.form import Form
from ledger.forms.form_xml import parse_form
from ledger.forms.lineage import lineage_of
from ledger.store import Reader
from projections.forms.by_id import body_of, form_rows_of
from projections.forms.values import FormView
from projections.rule.form_row import FormRow


def look_at_form(r: Reader, form_id: str) -> FormView:
    """Return a form; raises ``NotFound``."""
    row = _row(r, form_id)
    # A version that made way for another has no entries of its own id.
    family = _entries(r, form_id) or _entries(r, row.orig_form_id or "")
    life = [entry for entry in family if entry.position <= row.position]
    then = lineage_of(life[:-1] if row.form_id != life[-1].form_id else life)
    good = None if then is None else then.good
    return FormView(
        row=row,
        version=log.entries_at(r, [row.version])[row.version],
        entries=tuple(life),
        form=_parsed(body_of(r, row)),
        in_force=_in_force(family),
        processed=good is not None and good.position == row.version,
    )


def form_bytes(r: Reader, form_id: str) -> bytes:
    """Return the bytes of a form as they came; raises ``NotFound`` and ``Damaged``."""
    return body_of(r, _row(r, form_id))


def attachment_of(r: Reader, form_id: str, name: str) -> tuple[Attachment, bytes]:
    """Return an attachment of a form with its bytes.

    Raises ``NotFound`` and ``Damaged``.
    """
    row = _row(r, form_id)
    version = log.entries_at(r, [row.version])[row.version]
    for attachment in version.attachments:
        content = get_blob(r, attachment.sha256) if attachment.name == name else None
        if content is not None:
            return attachment, content
    raise NotFound(f"Form '{form_id}' has no attachment '{name}'")


def _row(r: Reader, form_id: str) -> FormRow:
    row = form_rows_of(r, [form_id]).get(form_id)
    if row is None:
        raise NotFound(f"Form '{form_id}' not found")
    return row


def _entries(r: Reader, form_id: str) -> list[Entry]:
    return log.entries_of_forms(r, [form_id]).get(form_id, [])


def _in_force(family: Sequence[Entry]) -> str | None:
    """Return the id under which the version in force lives."""
    now = lineage_of(family)
    if family and family[-1].kind is Kind.DEPRECATE:
        return family[-1].orig_form_id
    if now is None or now.in_force is None:
        return None
    place = now.in_force.position
    for entry in family:
        moved = entry.details.get("deprecates")
        if moved is not None and moved["version"] == place:
            return str(moved["form_id"])
    return now.form_id


def _parsed(body: bytes) -> Form | None:
    try:
        return parse_form(body)
    except Malformed:
        return None
