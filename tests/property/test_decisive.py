"""A fold of the forms that decide a case gives what a fold of all its forms gives."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.cases.case import FoldKey
from ledger.entry import Attachment
from ledger.forms.form import CASE_API_XMLNS
from ledger.forms.form_xml import parse_form
from ledger.times import format_micros
from projections.rule.decisive import traits_of
from projections.rule.fold import FORM, Stamp, blocks_by_case
from projections.rule.refold import fold_steps
from projections.rule.roll import Roll
from projections.rule.steps import Step
from tests.kit import build, strategies

PREFIX = "t"
CASE = strategies.named("a", PREFIX)
FILES = {
    name: Attachment(name=name, content_type="image/jpeg", sha256="0", length=1)
    for name in (*strategies.FILES, "lost.jpg")
}
BLOCKS = strategies.blocks().map(
    lambda block: block if block["case_id"] == "b" else {**block, "case_id": "a"}
)


@st.composite
def a_form(draw):
    """Describe a form without a fault, mostly about the case."""
    return {
        "form_id": "f",
        "xmlns": draw(st.sampled_from((build.XMLNS, build.XMLNS, CASE_API_XMLNS))),
        "user_id": draw(st.sampled_from((build.USER, "other", None))),
        "blocks": draw(st.lists(BLOCKS, max_size=3)),
        "received": draw(st.integers(0, 3)),
    }


def version_of(position, described):
    """Return a described form as the one that stands at a position."""
    received = build.NOW + described["received"]
    return parse_form(strategies.body_of(described, PREFIX)), Stamp(
        domain=build.DOMAIN,
        form_id=f"f{position}",
        position=position,
        appended_on=build.NOW + 10 * position,
        key=FoldKey(received_on=received, position=position),
        received_on=format_micros(received),
        attachments=FILES,
    )


def step_of(version):
    """Return the row of a form in force."""
    key, position = version[1].key, version[1].position
    return Step(case_id=CASE, key=key, position=position, actions=FORM, place=0)


@given(st.lists(a_form(), min_size=1, max_size=9), st.lists(st.integers(0, 8)))
@settings(max_examples=100)
def test_the_decisive_forms_make_what_all_of_them_make(described, exchanged):
    """Whichever forms come into force or go out of it, in whatever order."""
    versions = {p: version_of(p, form) for p, form in enumerate(described, 1)}
    roll, held = Roll(), {}
    for number in [*range(len(described)), *exchanged]:
        position = number % len(described) + 1
        version = versions[position]
        step = step_of(version)
        if held.pop(position, None) is None:
            held[position] = step
            blocks = blocks_by_case(version[0]).get(CASE, ())
            roll.put(step, traits_of(blocks, *version))
        else:
            roll.set_aside(step)
        every = sorted(held.values(), key=lambda step: step.key)
        made = fold_steps(CASE, every, versions)
        assert fold_steps(CASE, roll.decisive(), versions) == made
        assert fold_steps(CASE, roll.copy().decisive(), versions) == made


@given(a_form())
@settings(max_examples=15)
def test_of_forms_that_say_the_same_few_decide(described):
    """What thirty forms say that are alike, a handful of them says."""
    versions = {p: version_of(p, described) for p in range(1, 31)}
    roll = Roll()
    for version in versions.values():
        blocks = blocks_by_case(version[0]).get(CASE, ())
        roll.put(step_of(version), traits_of(blocks, *version))
    assert len(roll.decisive()) <= 3
