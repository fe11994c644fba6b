"""The forms that an import has stored."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ledger import log
from ledger.forms.form_xml import parse_form
from ledger.store import Reader

_AT_ONCE = 50


def in_parts(form_ids: Sequence[str]) -> Iterator[Sequence[str]]:
    """Yield the ids of forms in parts that one read takes."""
    for start in range(0, len(form_ids), _AT_ONCE):
        yield form_ids[start : start + _AT_ONCE]


def case_ids_of_forms(r: Reader, *, form_ids: Sequence[str]) -> list[str]:
    """Return the case ids of the blocks of forms, in order, also more than once."""
    entries = log.entries_of_forms(r, form_ids)
    places = [entries[i][0].position for i in form_ids if entries.get(i)]
    bodies = log.bodies_at(r, places)
    forms = [parse_form(bodies[place]) for place in places if place in bodies]
    return [block.case_id for form in forms for block in form.blocks]
