"""Point reads of cases on both databases."""

from __future__ import annotations

from ledger.entry import Kind
from projections.cases.by_id import case_any, find_external, get_cases
from tests.kit.build import (
    a_create,
    a_domain,
    a_flag,
    a_form,
    a_submission,
    submit,
    write,
)


def test_cases_are_found_by_id_and_unknown_ids_are_left_out(store):
    """A list of ids gives the live cases among them (rules/case-api-v2.md 4.2)."""
    domain = a_domain(store)
    submit(store, a_form([a_create("c1"), a_create("c2")]))
    with store.reading(domain) as reader:
        found = get_cases(reader, ["c2", "nobody", "c1", "c2", ""])
    assert sorted(found) == ["c1", "c2"]
    assert found["c1"].case_name == "Idris"


def test_a_case_of_another_domain_is_not_found(store):
    """Domains do not see each other (rules/design.md 1.1)."""
    a_domain(store)
    other = a_domain(store, "other")
    submit(store, a_form([a_create("c1", update={"external_id": "x"})]))
    with store.reading(other) as reader:
        assert get_cases(reader, ["c1"]) == {}
        assert find_external(reader, ["x"]) == {}
        assert case_any(reader, "c1") is None


def test_a_deleted_case_is_found_only_by_who_asks_for_any(store):
    """A deleted case answers 404 until it is restored (rules/case-api-v2.md 4.1)."""
    domain = a_domain(store)
    submit(store, a_form([a_create("c1", update={"external_id": "x"})]))
    write(store, a_flag("c1"))
    with store.reading(domain) as reader:
        assert get_cases(reader, ["c1"]) == {}
        assert find_external(reader, ["x"]) == {}
        assert case_any(reader, "c1").deleted_on is not None
    write(store, a_flag("c1", kind=Kind.CASE_RESTORE))
    with store.reading(domain) as reader:
        assert list(get_cases(reader, ["c1"])) == ["c1"]


def test_cases_that_share_an_external_id_come_oldest_first(store):
    """The one opened first, then the lowest case id (rules/case-api-v2.md 4.2)."""
    domain = a_domain(store)
    shared = {"external_id": "x"}
    late = a_create("a", update=shared, date_modified="2024-03-06")
    early = [a_create(case_id, update=shared) for case_id in ("c", "b")]
    submit(store, a_form([late, *early]))
    with store.reading(domain) as reader:
        found = find_external(reader, ["x", "y"])
    assert {n: [row.case_id for row in rows] for n, rows in found.items()} == {
        "x": ["b", "c", "a"]
    }


def test_five_thousand_ids_are_looked_up(store):
    """5,000 ids in one fetch work (rules/case-api-v2.md 5.7)."""
    domain = a_domain(store)
    blocks = [a_create(f"c{n}", update={"external_id": f"x{n}"}) for n in range(50)]
    write(store, a_submission(a_form(blocks)))
    with store.reading(domain) as reader:
        cases = get_cases(reader, [f"c{n * 37}" for n in range(5000)])
        external = find_external(reader, [f"x{n}" for n in range(5000)])
    assert sorted(cases) == ["c0", "c37"]
    assert len(external) == 50


def test_an_id_that_no_case_can_have_is_not_found(store):
    """Control characters and surrogates are no error (rules/case-api-v2.md 5.7)."""
    domain = a_domain(store)
    with store.reading(domain) as reader:
        for hostile in ("\x00", "\ud800", "a\x00b"):
            assert get_cases(reader, [hostile]) == {}
            assert find_external(reader, [hostile]) == {}
            assert case_any(reader, hostile) is None
