"""The pure fold for tests: forms as bytes in, a case or a refusal out."""

from __future__ import annotations

import pytest

from ledger.cases.case import CaseIndex, FoldKey
from ledger.entry import Attachment
from ledger.errors import Rejected
from ledger.forms.form_xml import parse_form
from ledger.times import format_micros
from projections.rule.fold import Stamp, apply_form, blocks_by_case
from tests.kit import build

RECEIVED = format_micros(build.NOW)


def stamp(position=1, **fields):
    """Return the stamp of a form that arrived as the ``position``th."""
    received = build.NOW + position - 1
    defaults = {
        "domain": build.DOMAIN,
        "form_id": f"f{position}",
        "position": position,
        "appended_on": received,
        "key": FoldKey(received_on=received, position=position),
        "received_on": format_micros(received),
        "attachments": {},
    }
    return Stamp(**{**defaults, **fields})


def folded(*forms, case_id="c1", attachments=()):
    """Fold forms that arrive one after the other."""
    files = {name: a_file(name) for name in attachments}
    case = None
    for place, body in enumerate(forms, 1):
        form = parse_form(body)
        blocks = blocks_by_case(form).get(case_id, [])
        if blocks or case is not None:
            case, _ = apply_form(case, blocks, form, stamp(place, attachments=files))
    return case


def of_blocks(*blocks, user_id=build.USER, **options):
    """Fold one form with these blocks."""
    return folded(build.a_form(blocks, user_id=user_id), **options)


def actions_of(*blocks, inside=""):
    """Return the bits of what a form does to the case ``c1``."""
    form = parse_form(build.a_form(blocks, inside=inside))
    mine = blocks_by_case(form).get("c1", [])
    return apply_form(None, mine, form, stamp())[1]


def a_file(name):
    """Return an attachment as the log describes it."""
    return Attachment(name=name, content_type="image/jpeg", sha256="00", length=3)


def problem(*blocks, **options):
    """Return why a form with these blocks is refused."""
    with pytest.raises(Rejected) as refused:
        of_blocks(*blocks, **options)
    return refused.value.problem


def index(case_id, case_type="patient", relationship="child"):
    """Return an index as a case holds it."""
    return CaseIndex(case_id=case_id, case_type=case_type, relationship=relationship)
