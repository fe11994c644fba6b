"""The data set of the bench is the one of docs/bench.md (rules/design.md 6.4)."""

from __future__ import annotations

import uuid
from collections import Counter

import pytest
from lxml import etree

from bench import dataset, xforms
from bench.figures import Figure, medians
from bench.http import Target
from bench.sources import bulk_creates, forms

N = 100_000
CASE = f"{{{xforms.CASE_NS}}}case"


@pytest.fixture(scope="module")
def properties():
    return [dataset.properties(i, N) for i in range(N)]


@pytest.mark.parametrize(
    ("name", "value", "share"),
    [
        ("state", "bihar", 0.10),
        ("state", "", 0.20),
        ("is_testing", "true", 0.001),
        ("village", "village_17", 0.0002),
        ("batch", "b97", 0.01),
        ("phone", "+910000031415", 1 / N),
    ],
)
def test_each_filter_matches_its_share(properties, name, value, share):
    """Missing and empty are the same to a filter (rule 6.4)."""
    found = sum(values.get(name, "") == value for values in properties)
    assert found == round(share * N)


def test_the_hostile_batch_lies_together_near_the_end(properties):
    """``batch=b97`` stands at 97 to 98 % of the list order (rule 6.4)."""
    places = [i for i, values in enumerate(properties) if values["batch"] == "b97"]
    assert places == list(range(97 * N // 100, 98 * N // 100))


def test_case_ids_are_distinct_uuids_that_end_in_their_number():
    """The last twelve digits of a case id are its number (rule 6.4)."""
    ids = [dataset.case_id(i) for i in range(N)]
    assert len(set(ids)) == N
    assert all(int(one[-12:], 16) == i for i, one in enumerate(ids))
    assert str(uuid.UUID(ids[7])) == ids[7]


def test_no_form_id_is_a_case_id():
    """Forms and cases of one number have different ids."""
    cases = {dataset.case_id(i) for i in range(1000)}
    assert cases.isdisjoint(dataset.form_id(i) for i in range(1000))


def test_three_patients_point_to_each_household():
    """A quarter are households, the others their children (rule 6.4)."""
    parents = Counter(dataset.parent(i) for i in range(N))
    assert parents.pop(None) == N // 4
    assert set(parents.values()) == {3}
    assert {dataset.case_type(i) for i in parents} == {"household"}


def test_every_case_has_ten_properties_and_nine_in_ten_a_state(properties):
    """``state`` is absent for one case in ten, the other ten never (rule 6.4)."""
    assert Counter(map(len, properties)) == {11: 9 * N // 10, 10: N // 10}


def test_even_forms_of_the_log_create_and_odd_ones_change_what_exists():
    """An update never names a case that no earlier form created (rule 6.4)."""
    created = 0
    for i in range(10_000):
        target = dataset.log_target(i)
        if i % 2 == 0:
            assert target == created
            created += 1
        else:
            assert 0 <= target < created
    assert created == dataset.log_cases(10_000)


def test_one_case_forms_have_the_size_the_goals_were_measured_with():
    """About 1.1 KB for one case, about 67 KB for a hundred (rule 6.4)."""
    assert 1000 <= len(xforms.create_form(1234, N)) <= 1250
    assert 63_000 <= len(xforms.bulk_form(range(100), N)) <= 72_000


def test_the_xml_says_what_the_formula_says():
    """A form read back gives the values of its case."""
    block = etree.fromstring(xforms.create_form(21, N)).find(CASE)
    update = {etree.QName(e).localname: e.text or "" for e in block[1]}
    assert block.get("case_id") == dataset.case_id(21)
    assert update == dataset.properties(21, N)
    assert block[2][0].text == dataset.case_id(20)


def test_closed_cases_are_closed_by_their_form():
    """Every twentieth case is closed (rule 6.4)."""
    closed = [
        etree.fromstring(xforms.create_form(i, N)).find(f"{CASE}/{{*}}close")
        is not None
        for i in range(100)
    ]
    assert closed == [i % 20 == 0 for i in range(100)]


def test_a_bulk_request_points_75_rows_to_the_other_25():
    """75 of a hundred rows name one of the other 25 by temporary id (W2)."""
    rows = [dataset.create_change(i, N) for i in range(100)]
    named = {row["temporary_id"] for row in rows if "temporary_id" in row}
    pointing = [
        row["indices"]["parent"]["temporary_id"] for row in rows if "indices" in row
    ]
    assert len(named) == 25
    assert len(pointing) == 75
    assert set(pointing) == named
    assert all(len(row["properties"]) == 10 for row in rows)


def test_a_parent_is_sent_before_its_children_on_the_same_connection():
    """One connection sends a household and its patients in order (W1)."""
    group = next(forms(Target("127.0.0.1", 1), start=40))
    assert group.first == 40
    assert all(
        dataset.case_id(number).encode() in request
        for number, request in enumerate(group.requests, 40)
    )
    assert dataset.parent(41) == 40


def test_a_finite_source_ends():
    """The stated number of bulk requests is sent, no more (W2)."""
    assert len(list(bulk_creates(Target("h", 1), start=0, requests=3))) == 3


def test_the_median_ratio_counts_not_the_ratio_of_medians():
    """The median of the per-round ratios is judged (rule 6.1)."""
    rounds = [
        [Figure(workload="W", case="c", measure="m", value=v, floor=f, goal=0.6)]
        for v, f in ((10, 10), (5, 10), (30, 100))
    ]
    (line,) = medians(rounds)
    assert (line.value, line.ratio, line.verdict) == (10, 0.5, "miss")
