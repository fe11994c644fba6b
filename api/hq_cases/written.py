"""Cases as they are written, with what stands around them (``rules/hq-cases.md``)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import orjson

from api.hq_cases.query import Extras
from api.wire.device_case import CaseWriter
from api.wire.formats import Format
from api.wire.hq_case import as_sent, case_object, case_text
from api.wire.hq_form import form_object
from ledger.store import Reader
from projections.cases.by_id import chunks
from projections.cases.related import Related, children_of, parents_of
from projections.cases.touching import touching_forms
from projections.cases.values import NOBODY, Touching
from projections.forms.stored import forms_of, with_edits
from projections.rule.case_row import WholeCase

Object = dict[str, Any]

_PLAIN = Extras()


class Manner(NamedTuple):
    """How cases are written: in which format, with what beside their own keys.

    ``base`` is the address of the server, ``attachments`` the one before the id of a
    case and the name of its file.
    """

    format: Format
    extras: Extras
    base: str
    attachments: str


def write_cases(r: Reader, cases: Sequence[WholeCase], manner: Manner) -> list[str]:
    """Return cases as texts, in their order; let the reads see one moment."""
    if manner.format is Format.XML:
        writer = CaseWriter(attachments=manner.attachments)
        return [writer.element(as_sent(case)) for case in cases]
    if manner.extras == _PLAIN:
        touching = touching_forms(r, [case.seen.case_id for case in cases])
        return [case_text(c, touching.get(c.seen.case_id, NOBODY)) for c in cases]
    return [orjson.dumps(found).decode() for found in _whole(r, cases, manner)]


def _whole(r: Reader, cases: Sequence[WholeCase], manner: Manner) -> Iterator[Object]:
    """Yield cases with what stands around them (rules 3.1 and 3.2)."""
    around: dict[str, Related] = {}
    if manner.extras.parents:
        around["parent_cases"] = parents_of(r, cases)
    if manner.extras.children:
        around["child_cases"] = children_of(r, cases)
    met = {case.seen.case_id: case for case in cases}
    for related in around.values():
        for named in related.values():
            met |= {case.seen.case_id: case for case in named.values()}
    touching = touching_forms(r, list(met))
    objects = {
        case_id: case_object(case, touching.get(case_id, NOBODY))
        for case_id, case in met.items()
    }
    ids = [case.seen.case_id for case in cases]
    forms = _forms(r, [touching.get(case_id, NOBODY) for case_id in ids], manner)
    for case_id in ids:
        more = {
            key: {
                name: objects[other.seen.case_id]
                for name, other in related.get(case_id, {}).items()
            }
            for key, related in around.items()
        }
        own = touching.get(case_id, NOBODY).form_ids
        more |= _grouped([forms[i] for i in own if i in forms], manner.extras)
        yield objects[case_id] | more


def _forms(
    r: Reader, touching: Sequence[Touching], manner: Manner
) -> dict[str, Object]:
    """Return the forms that touch cases by id, where they are asked for."""
    if not (manner.extras.forms_by_name or manner.extras.forms_by_xmlns):
        return {}
    ids = {form_id for forms in touching for form_id in forms.form_ids}
    found = [form for part in chunks(sorted(ids)) for form in forms_of(r, part)]
    return {
        form.form_id: form_object(form, base=manner.base)
        for form in with_edits(r, found)
    }


def _grouped(forms: Sequence[Object], extras: Extras) -> Object:
    """Return forms by their name and by their xmlns, as they are asked for."""
    asked = {
        "xforms_by_name": (extras.forms_by_name, "@name"),
        "xforms_by_xmlns": (extras.forms_by_xmlns, "@xmlns"),
    }
    more: dict[str, dict[str, list[Object]]] = {}
    for key, (is_on, attribute) in asked.items():
        if is_on:
            grouped = more.setdefault(key, {})
            for form in forms:
                grouped.setdefault(form["form"].get(attribute, ""), []).append(form)
    return more
