"""A few properties of the cases of a type are read in the order of their changes."""

from __future__ import annotations

import pytest

from projections.cases.type_values import values_since
from tests.kit import build
from tests.kit.plans import plans, sorts, walks

NAMES = ("email", "phone")


@pytest.fixture(autouse=True)
def domain(store):
    return build.a_domain(store)


def user(store, case_id, **properties):
    """Make or change a user."""
    special = {"case_type": "user", "case_name": case_id}
    block = build.a_create(case_id, create=special, update=properties)
    build.submit(store, build.a_form([block]))


def read(store, *, after=0, most=100):
    with store.snapshot(build.DOMAIN) as reader:
        return values_since(reader, "user", NAMES, after=after, most=most)


def test_what_a_case_does_not_have_is_nothing(store):
    """An empty property and none are told apart; other types are left out."""
    user(store, "u1", email="a@x.org", phone="")
    user(store, "u2")
    build.submit(store, build.a_form([build.a_create("p1", update={"email": "b"})]))
    found = [(row.case_id, row.texts) for row in read(store)]
    assert found == [("u1", ("a@x.org", "")), ("u2", (None, None))]


def test_pages_go_on_behind_the_last_change(store):
    """Each case once, and again when it has changed."""
    for n in range(5):
        user(store, f"u{n}", email=f"{n}@x.org")
    first = read(store, most=3)
    rest = read(store, after=first[-1].indexed_on, most=3)
    assert [row.case_id for row in (*first, *rest)] == ["u0", "u1", "u2", "u3", "u4"]
    user(store, "u1", email="new@x.org")
    [again] = read(store, after=rest[-1].indexed_on)
    assert (again.case_id, again.texts[0]) == ("u1", "new@x.org")


@pytest.mark.parametrize("how", ["closed", "deleted", "restored"])
def test_closed_and_deleted_cases_are_told_too(store, how):
    """Whoever keeps what was read hears of every change."""
    user(store, "u1", email="a@x.org")
    last = read(store)[-1].indexed_on
    if how == "closed":
        build.submit(store, build.a_form([build.a_block("u1", close=True)]))
    else:
        build.write(store, build.a_flag("u1"))
    if how == "restored":
        last = read(store)[-1].indexed_on
        build.write(store, build.a_flag("u1", kind=build.Kind.CASE_RESTORE))
    [row] = read(store, after=last)
    assert row.case_id == "u1"


def test_the_question_walks_its_index(store):
    """Nothing is read whole, and nothing is sorted."""
    user(store, "u1", email="a@x.org")
    with store.reading(build.DOMAIN) as reader:
        [plan] = plans(
            reader.conn, lambda: values_since(reader, "user", NAMES, after=0, most=9)
        )
    assert "_type" in plan, plan
    assert not walks(plan)
    assert not sorts(plan)
