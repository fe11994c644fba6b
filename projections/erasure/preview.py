"""What an erasure would take away, before it is asked for."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from ledger import log
from ledger.entry import Entry
from ledger.erasure.erase import only_changed, redactions
from ledger.erasure.imports import import_files_of
from ledger.erasure.traces import files_of
from ledger.erasure.values import Search
from ledger.store import Reader
from projections.cases.by_id import case_any
from projections.erasure.values import ErasurePreview, FormMeant
from projections.forms.by_id import form_rows_of

MOST_TOLD = 1_000
"""Forms that a preview lists; all are counted."""


def preview_erasure(
    r: Reader, case_ids: Collection[str], found: Search
) -> ErasurePreview:
    """Return what an erasure of cases would do, by a search of all of the log."""
    changed = only_changed(redactions(r, found.positions, case_ids))
    return ErasurePreview(
        forms=tuple(_meant(r, list(changed)[:MOST_TOLD])),
        form_count=len(changed),
        files=tuple({**import_files_of(r, changed), **files_of(r, changed)}.values()),
        mentioned=tuple(_meant(r, found.mentioned[:MOST_TOLD])),
        mentioned_count=len(found.mentioned),
    )


def unknown_among(r: Reader, case_ids: Sequence[str], found: Search) -> list[str]:
    """Return those of the ids that no case has and of which no form says anything."""
    never_made = [case_id for case_id in case_ids if case_any(r, case_id) is None]
    if not never_made:
        return []
    left = redactions(r, found.positions, never_made)
    named = {case_id for _, form in left.values() for case_id in form.named}
    return [case_id for case_id in never_made if case_id not in named]


def _meant(r: Reader, positions: Sequence[int]) -> Iterator[FormMeant]:
    """Yield the forms whose bytes stand at these positions."""
    entries = log.entries_at(r, positions)
    moved = _moved(r, entries.values())
    ids = {p: moved.get(p) or entry.form_id for p, entry in entries.items()}
    rows = form_rows_of(r, [form_id for form_id in ids.values() if form_id])
    for position in positions:
        row = rows.get(ids[position] or "")
        kind = entries[position].kind.value
        yield FormMeant(
            form_id=ids[position],
            state=kind if row is None else row.state,
            position=position,
        )


def _moved(r: Reader, entries: Collection[Entry]) -> dict[int, str]:
    """Return the ids of versions that made way for others, by position."""
    known = [entry.form_id for entry in entries if entry.form_id is not None]
    return {
        int(moved["version"]): str(moved["form_id"])
        for family in log.entries_of_forms(r, known).values()
        for entry in family
        for name, moved in entry.details.items()
        if name in {"deprecates", "replaces"}
    }
