"""The sample programme: what ``make run`` loads, and what its page says about it."""

from __future__ import annotations

import re
from collections import Counter
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

import pytest

from api.sample import BROKEN, RESENT, SampleForm, forms, people
from ledger.forms.case_block import CaseBlock
from ledger.forms.check import check_form
from ledger.forms.form import Form
from ledger.forms.form_xml import parse_form

PAGE = Path(__file__).parents[4] / "docs" / "sample.md"
NIMA, SOREL = people.NIMA.user_id, people.SOREL.user_id
SPECIAL = {"case_type", "case_name", "owner_id", "external_id"}


@lru_cache
def sent() -> tuple[SampleForm, ...]:
    return tuple(forms())


@lru_cache
def parsed() -> tuple[Form, ...]:
    return tuple(parse_form(form.xml) for form in sent())


def good() -> list[Form]:
    """Return the forms that change cases, each once."""
    once = {form.form_id: form for form in parsed()}
    return [form for form in once.values() if form.form_id != BROKEN]


def created(form: Form) -> set[str]:
    return {block.case_id for block in form.blocks if block.create is not None}


def targets(form: Form) -> set[str]:
    return {index.case_id for block in form.blocks for index in block.indices}


def values_of(block: CaseBlock) -> dict[str, str]:
    return {**(block.create or {}), **(block.update or {})}


@lru_cache
def cases() -> dict[str, dict]:
    """Add the good forms up in sending order, without any rule that they do not need.

    The rules themselves are tested elsewhere; here every case is created once, first.
    """
    found: dict[str, dict] = {}
    for block in (block for form in good() for block in form.blocks):
        fresh = {"properties": {}, "indices": {}, "closed": False}
        case = found.setdefault(block.case_id, fresh)
        for name, value in values_of(block).items():
            (case if name in SPECIAL else case["properties"])[name] = value
        case["indices"] |= {index.name: index.case_id for index in block.indices}
        case["closed"] |= block.close
    return found


def of_type(case_type: str) -> list[dict]:
    return [case for case in cases().values() if case["case_type"] == case_type]


def test_about_three_hundred_forms_are_sent():
    assert 290 <= len(sent()) <= 320
    assert len({form.name for form in sent()}) == len(sent())


def test_every_run_makes_the_same_bytes():
    assert tuple(forms()) == sent()


def test_every_form_is_read_without_a_complaint():
    """rules/case-xml.md 2 to 5."""
    assert [form.name for form in parsed() if form.rejection is not None] == []
    assert all(form.blocks for form in parsed())


def test_every_form_carries_a_full_meta_block():
    """rules/case-xml.md 3."""
    for form in parsed():
        meta = form.meta
        assert meta.instance_id == form.form_id
        assert meta.user_id in {NIMA, SOREL}
        assert meta.username in {"nima", "sorel"}
        assert meta.device_id
        assert meta.device_id.startswith("commcare_")
        assert meta.time_start < meta.time_end
        assert re.search(r'"2\.53\.1".* App v1[12]\.', meta.app_version)


def test_every_form_names_itself_its_version_and_its_kind():
    names = {form.xmlns: form.name for form in parsed()}
    assert len(names) == len(set(names.values())) == 8
    assert {form.version for form in parsed()} == {"11", "12"}


def test_times_rise_in_sending_order_within_half_a_year():
    ends = [form.meta.time_end for form in parsed()]
    for form, following in pairwise(parsed()):
        if form.form_id != following.form_id:
            assert form.meta.time_end < following.meta.time_start
    assert ends[0].startswith("2026-03")
    assert ends[-1].startswith("2026-08")


def test_each_block_bears_the_time_and_the_user_of_its_form():
    for form in parsed():
        for block in form.blocks:
            assert block.date_modified == form.meta.time_end
            assert block.user_id == form.meta.user_id


def test_a_case_is_created_once_and_before_anything_else_is_said_about_it():
    known: set[str] = set()
    for form in good():
        assert not created(form) & known
        known |= created(form)
        assert {block.case_id for block in form.blocks} <= known


def test_only_the_broken_form_refers_to_a_case_that_does_not_exist():
    """rules/case-xml.md 10.5: ``InvalidCaseIndex``."""
    known: set[str] = set()
    dangling = []
    for form in parsed():
        if not targets(form) <= known | created(form):
            dangling.append(form.form_id)
            continue
        known |= created(form)
    assert dangling == [BROKEN]


def test_nothing_is_said_later_about_the_case_of_the_broken_form():
    broken = next(form for form in parsed() if form.form_id == BROKEN)
    assert not created(broken) & set(cases())
    assert not targets(broken) & set(cases())


def test_exactly_one_form_is_sent_again_byte_for_byte():
    """rules/case-xml.md 13.3: a duplicate."""
    again = {form_id: n for form_id, n in _times_sent().items() if n > 1}
    assert again == {RESENT: 2}
    first, second = (
        form.xml
        for form, read in zip(sent(), parsed(), strict=True)
        if read.form_id == RESENT
    )
    assert first == second


def _times_sent() -> Counter:
    return Counter(form.form_id for form in parsed())


def test_a_closed_case_is_left_alone():
    closed: set[str] = set()
    for form in good():
        assert not closed & {block.case_id for block in form.blocks}
        closed |= {block.case_id for block in form.blocks if block.close}
    assert len(closed) > 150


def test_no_open_case_hangs_below_a_closed_one():
    """A child is its mother's, not its pregnancy's, so a birth leaves no orphan."""
    for case in cases().values():
        if not case["closed"]:
            assert not any(cases()[to]["closed"] for to in case["indices"].values())


def test_a_household_and_its_people_come_in_one_form_with_repeats():
    registrations = [f for f in good() if f.xmlns.endswith("/register-household")]
    assert len(registrations) == 36
    for form in registrations:
        types = Counter(block.create["case_type"] for block in form.blocks)
        assert types["household"] == 1
        assert types["mother"] in {1, 2}
        assert types["member"] >= 1


def test_mothers_have_external_ids_of_their_own():
    ids = [mother["external_id"] for mother in of_type("mother")]
    assert len(set(ids)) == len(ids) == 39
    assert all(re.fullmatch(r"MH-\d{4}", external_id) for external_id in ids)


def test_pregnancies_are_extensions_without_an_owner_of_their_own():
    links = [
        index
        for form in good()
        for block in form.blocks
        if values_of(block).get("case_type") == "pregnancy"
        for index in block.indices
    ]
    assert len(links) == 35
    assert {(link.name, link.relationship) for link in links} == {("host", "extension")}
    assert {case["owner_id"] for case in of_type("pregnancy")} == {"-"}


def test_a_birth_closes_the_pregnancy_and_makes_a_child_of_the_mother():
    births = [form for form in good() if form.xmlns.endswith("/birth")]
    assert len(births) > 10
    for form in births:
        (pregnancy,) = (b for b in form.blocks if "delivered_on" in values_of(b))
        babies = [block for block in form.blocks if block.create is not None]
        mother = cases()[pregnancy.case_id]["indices"]["host"]
        assert pregnancy.close
        assert {index.case_id for b in babies for index in b.indices} == {mother}
    assert len(of_type("baby")) > len(births)


def test_cases_change_hands_when_a_worker_takes_over():
    moves = [form for form in good() if form.xmlns.endswith("/take-over-household")]
    assert len(moves) == 4
    before = {}
    for form in good():
        for block in form.blocks:
            owner = values_of(block).get("owner_id")
            if form in moves:
                assert (before[block.case_id], owner) == (NIMA, SOREL)
            elif owner:
                before[block.case_id] = owner


def test_after_the_handover_no_open_case_of_a_family_stays_behind():
    for case in cases().values():
        if not case["closed"] and case["owner_id"] == NIMA:
            above = [cases()[to]["owner_id"] for to in case["indices"].values()]
            assert set(above) <= {NIMA, "-"}


def test_a_household_that_leaves_takes_everyone_along():
    gone = [cid for cid, case in cases().items() if case["properties"].get("left_on")]
    assert len(gone) == 2
    below = set(gone)
    for case_id, case in cases().items():
        if below & set(case["indices"].values()):
            below.add(case_id)
    assert all(cases()[case_id]["closed"] for case_id in below)


def test_histories_are_worth_reading():
    touches = Counter(
        case_id for f in good() for case_id in {b.case_id for b in f.blocks}
    )
    per_mother = [
        touches[case_id] for case_id, c in cases().items() if c["case_type"] == "mother"
    ]
    assert sorted(per_mother)[len(per_mother) // 2] >= 7


def _mothers_at_high_risk(case: dict) -> bool:
    risk = case["properties"].get("risk")
    return case["case_type"] == "mother" and risk == "high" and not case["closed"]


def _hadrel_household(case: dict) -> bool:
    return case["indices"].get("parent") == "03d453e5-47cb-5948-bbce-6f5e7edd2217"


def _due_before_mid_september(case: dict) -> bool:
    is_open = case["case_type"] == "pregnancy" and not case["closed"]
    return is_open and case["properties"]["edd"] < "2026-09-15"


def _overdue_visit(case: dict) -> bool:
    is_open = case["case_type"] == "visit" and not case["closed"]
    return is_open and case["properties"]["planned_on"] < "2026-08-29"


def _high_blood_pressure(case: dict) -> bool:
    factors = case["properties"].get("risk_factors", "").split()
    return case["case_type"] == "mother" and "high_blood_pressure" in factors


@pytest.mark.parametrize(
    ("question", "belongs"),
    [
        ("properties.risk=high", _mothers_at_high_risk),
        ("indices.parent=03d453e5-47cb-5948-bbce-6f5e7edd2217", _hadrel_household),
        ("query=edd < '2026-09-15'", _due_before_mid_september),
        ("query=planned_on < '2026-08-29'", _overdue_visit),
        ("selected(risk_factors, 'high_blood_pressure')", _high_blood_pressure),
    ],
)
def test_the_page_gives_the_true_number_of_answers(question, belongs):
    """The page states below each question how many cases answer it."""
    stated = PAGE.read_text("utf-8").partition(question)[2]
    number = re.search(r'"matching_records": (\d+)', stated)
    assert int(number[1]) == sum(map(belongs, cases().values()))


def test_the_page_counts_cases_as_the_forms_make_them():
    rows = re.findall(
        r"^\| `(\w+)` \| (\d+) \| (\d+) \|", PAGE.read_text("utf-8"), re.MULTILINE
    )
    counted = {
        name: (len(of_type(name)), sum(not case["closed"] for case in of_type(name)))
        for name in {case["case_type"] for case in cases().values()}
    }
    assert {name: (int(n), int(still)) for name, n, still in rows} == counted


def test_the_page_counts_forms_as_they_are_sent():
    page = PAGE.read_text("utf-8")
    rows = re.findall(r"^\| `([a-z-]+)` \| (\d+) \| [a-z]", page, re.MULTILINE)
    kinds = Counter(form.xmlns.rpartition("/")[2] for form in parsed())
    assert {name: int(number) for name, number in rows} == kinds
    assert f"{len(sent())} forms" in page


def test_the_page_names_the_broken_and_the_resent_form():
    assert BROKEN in PAGE.read_text("utf-8")
    assert RESENT in PAGE.read_text("utf-8")


def test_no_form_says_anything_in_vain():
    """A check that warns of forms like these would not be listened to."""
    told = {form.name: check_form(form.xml).findings for form in sent()[:60]}
    assert {name: found for name, found in told.items() if found} == {}
