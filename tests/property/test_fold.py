"""Laws of the fold that hold for any forms."""

from __future__ import annotations

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ledger.cases.case import FoldKey
from ledger.entry import Attachment
from ledger.errors import Rejected
from ledger.forms.form_xml import parse_form
from ledger.times import format_micros
from projections.rule.fold import FORM, Stamp, apply_form, blocks_by_case
from projections.rule.refold import fold_steps
from projections.rule.steps import Step
from tests.kit import build, strategies
from tests.kit.model_fold import apply_block, blank, blocks_for

PREFIX = "t"
FILES = {
    name: Attachment(name=name, content_type="image/jpeg", sha256="0", length=1)
    for name in (*strategies.FILES, "lost.jpg")
}


def sound_forms(case_ids=strategies.CASES):
    """Describe forms without a fault about some of the cases."""
    some = strategies.blocks().filter(lambda block: block["case_id"] in case_ids)
    return st.lists(some, max_size=3).map(
        lambda blocks: {
            "form_id": "f",
            "xmlns": build.XMLNS,
            "user_id": build.USER,
            "blocks": blocks,
            "files": strategies.FILES,
        }
    )


def steps_of(described):
    """Return (form, stamp) for each description, one microsecond apart."""
    return [
        (parse_form(strategies.body_of(form, PREFIX)), stamp(place))
        for place, form in enumerate(described, 1)
    ]


def stamp(place):
    """Return the stamp of the form that arrived at a place."""
    received = build.NOW + place * 10
    return Stamp(
        domain=build.DOMAIN,
        form_id=f"f{place}",
        position=place,
        appended_on=received,
        key=FoldKey(received_on=received, position=place),
        received_on=format_micros(received),
        attachments=FILES,
    )


def one_by_one(case_id, steps):
    """Apply forms as they arrive."""
    case = None
    for form, stamped in steps:
        blocks = blocks_by_case(form).get(case_id)
        if blocks:
            case, _ = apply_form(case, blocks, form, stamped)
    return case


@given(st.lists(sound_forms(), max_size=5), st.sampled_from(strategies.CASES))
@settings(max_examples=150)
def test_fold_is_incremental(described, name):
    """Applied one by one, forms make the case that a rebuild makes of its history."""
    case_id = strategies.named(name, PREFIX)
    steps = [
        (form, stamped)
        for form, stamped in steps_of(described)
        if case_id in blocks_by_case(form)
    ]
    rows = [a_step(case_id, stamped) for _, stamped in steps]
    versions = {version[1].position: version for version in steps}
    assert one_by_one(case_id, steps) == fold_steps(case_id, rows, versions)


def a_step(case_id, stamped):
    """Return the row of a form in force."""
    return Step(
        case_id=case_id,
        key=stamped.key,
        position=stamped.position,
        actions=FORM,
        place=0,
    )


@given(st.lists(sound_forms(), max_size=5), st.sampled_from(strategies.CASES))
@settings(max_examples=150)
def test_the_fold_is_what_the_spec_says_in_plain_words(described, name):
    """The pure fold and the naive model agree on every field."""
    case_id = strategies.named(name, PREFIX)
    case = one_by_one(case_id, steps_of(described))
    told = blank()
    for place, form in enumerate(described, 1):
        plain = strategies.told(form, PREFIX)
        plain.update(form_id=f"f{place}", received_on=build.NOW + place * 10)
        for block in blocks_for(plain, case_id):
            apply_block(told, block, plain)
    assume(case is not None)
    fields = set(told) - {"indices", "cleared", "attachments"}
    assert {field: getattr(case, field) for field in fields} == {
        field: told[field] for field in fields
    }
    live = {n: (i.case_id, i.case_type, i.relationship) for n, i in _live(case)}
    assert live == told["indices"]
    assert set(case.indices) - set(live) == set(told["cleared"])
    files = {n: (a.form_id, a.source) for n, a in case.attachments.items()}
    assert files == told["attachments"]


@given(sound_forms(("a", "b")), sound_forms(("c",)))
@settings(max_examples=100)
def test_disjoint_forms_commute(first, second):
    """Forms about different cases make the same cases in either order."""
    steps = steps_of([first, second])
    for name in strategies.CASES:
        case_id = strategies.named(name, PREFIX)
        forwards, backwards = (
            one_by_one(case_id, order) for order in (steps, steps[::-1])
        )
        assert forwards == backwards


@given(st.lists(sound_forms(), min_size=1, max_size=3), strategies.blocks())
@settings(max_examples=100)
def test_a_refused_block_leaves_the_case_it_was_given_alone(described, block):
    """States go in and come out; nothing that goes in is ever altered."""
    case_id = strategies.named("a", PREFIX)
    case = one_by_one(case_id, steps_of(described))
    assume(case is not None)
    before = case._replace(
        properties=dict(case.properties),
        indices=dict(case.indices),
        attachments=dict(case.attachments),
    )
    bad = {**block, "case_id": "a", "update": {"p": "new", "owner_id": "x" * 256}}
    form, stamped = steps_of([{**described[0], "blocks": [bad]}])[0]
    try:
        apply_form(case, blocks_by_case(form)[case_id], form, stamped)
    except Rejected:
        assert case == before
    else:
        raise AssertionError


def _live(case):
    return case.live_indices.items()
