"""Rows that speak of each other (``rules/case-api-v2.md`` 5.3 to 5.5)."""

from __future__ import annotations

import pytest

from ledger.cases.change import Intent
from tests.kit.resolving import (
    BODY,
    change,
    create,
    existing,
    refusal,
    resolved,
    to,
    update,
    upsert,
)


def targets(resolution):
    return [[index.case_id for index in block.indices] for block in resolution.blocks]


# References: rules 5.3 and 5.5


@pytest.mark.parametrize("ref", [to(temporary_id="t"), to(external_id="x")])
def test_a_row_points_at_an_earlier_and_at_a_later_row(ref):
    """Rule 5.3.5: by temporary_id or external_id, in either direction."""
    mother = create(temporary_id="t", external_id="x")
    made = resolved(create(indices={"p": ref}), mother, create(indices={"p": ref}))
    assert targets(made) == [["new2"], [], ["new2"]]


def test_a_row_points_at_a_later_upsert():
    """Rules 5.3.5 and D10: upsert rows may carry a temporary_id."""
    wishes = {"a": to(external_id="x"), "b": to(temporary_id="t")}
    made = resolved(create(indices=wishes), upsert("x", temporary_id="t"))
    assert targets(made) == [["new2", "new2"], []]
    wishes = {"b": to(temporary_id="t")}
    made = resolved(
        create(indices=wishes),
        upsert("x", temporary_id="t"),
        cases=[existing("c", "x")],
    )
    assert targets(made) == [["c"], []]


def test_a_case_may_point_at_itself():
    """Rule 5.5.2: on a single create only its own is known."""
    made = resolved(create(temporary_id="t", indices={"p": to(temporary_id="t")}))
    assert targets(made) == [["new1"]]


def test_an_index_finds_an_existing_case_by_external_id():
    """Rule 5.5.2: works in a single update too."""
    cases = [existing("c"), existing("p", "x")]
    asked = update(case_id="c", indices={"p": to(external_id="x")})
    assert targets(resolved(asked, cases=cases)) == [["p"]]


def test_an_index_prefers_the_rows_of_its_request():
    """Rule 5.3.6: first the rows of this request, then the cases of the domain."""
    asked = [create(indices={"p": to(external_id="x")}), create(external_id="x")]
    assert targets(resolved(*asked, cases=[existing("c", "x")])) == [["new2"], []]


@pytest.mark.parametrize(
    ("ref", "text", "field"),
    [
        (
            to(temporary_id="t"),
            "Could not find a case with temporary_id 't'",
            "indices.p.temporary_id",
        ),
        (
            to(external_id="y"),
            "Could not find a case with external_id 'y'",
            "indices.p.external_id",
        ),
        (
            to(external_id="x"),
            "There are multiple cases with external_id x",
            "indices.p.external_id",
        ),
    ],
)
def test_an_index_to_no_single_case_is_refused(ref, text, field):
    """Rules 5.4.1 and 5.2.5: either id is unknown, or external_id ambiguous."""
    cases = [existing("a", "x"), existing("b", "x")]
    asked = [create(), create(indices={"p": ref})]
    assert refusal(*asked, cases=cases) == (text, 2, field)


def test_an_index_to_two_later_rows_is_ambiguous():
    """Rule 5.2.5: inside the request."""
    rows = [create(indices={"p": to(external_id="x")})] + [create(external_id="x")] * 2
    assert refusal(*rows)[0] == "There are multiple cases with external_id x"


# Several rows, one case: rule 5.3


def test_upserts_of_one_new_external_id_make_one_case():
    """Rule 5.3.7: the first row creates, later rows update, in order."""
    made = resolved(
        upsert("x", properties={"a": "1"}),
        change(Intent.UPSERT, external_id="x", properties={"a": "2"}),
        update(external_id="x", close=True),
    )
    assert made.case_ids == ("new1", "new1", "new1")
    assert made.created == (True, False, False)
    assert [block.create is None for block in made.blocks] == [False, True, True]
    assert made.blocks[1].update == {"external_id": "x", "a": "2"}


def test_the_first_of_equal_upserts_decides():
    """Rules 5.2.4 and 5.3.7: so an incomplete first row is refused in any case."""
    asked = [change(Intent.UPSERT, external_id="x"), upsert("x")]
    assert refusal(*asked)[1] == 1


def test_creates_of_one_external_id_stay_separate():
    """Rule 5.3.7: rows with ``create:true`` are explicit."""
    made = resolved(create(external_id="x"), create(external_id="x"))
    assert made.case_ids == ("new1", "new2")
    assert made.created == (True, True)


def test_an_upsert_between_the_creates_means_the_one_before():
    """Rule 5.3.5: a row sees earlier ones first."""
    rows = [create(external_id="x"), upsert("x"), create(external_id="x")]
    assert resolved(*rows).case_ids == ("new1", "new1", "new2")


def test_an_upsert_after_two_creates_is_ambiguous():
    """Rule 5.2.5: inside the request."""
    rows = [create(external_id="x"), create(external_id="x"), upsert("x")]
    text = "There are multiple cases with external_id x"
    assert refusal(*rows) == (text, 3, "external_id")


def test_an_upsert_means_a_case_that_a_later_row_creates():
    """Rule 5.3.6: the rows of this request that get a case id, wherever they stand.

    The first block carries the create element: the fold applies creates first, and
    the values of the later row must win.
    """
    asked = [
        upsert("x", case_name="Early", properties={"a": "1"}),
        create(external_id="x", case_name="Late", properties={"a": "2"}),
    ]
    made = resolved(*asked)
    assert made.case_ids == ("new1", "new1")
    assert made.created == (False, True)
    early, late = made.blocks
    assert early.create == BODY | {"case_name": "Late"}
    assert (early.update or {})["case_name"] == "Early"
    assert late.create is None
    assert late.update == BODY | {"case_name": "Late", "external_id": "x", "a": "2"}


def test_an_upsert_means_a_case_that_a_later_row_renames():
    """Rule 5.3.6: ``create:false`` rows with a case_id count as well."""
    rows = [upsert("y"), update(case_id="c", external_id="y")]
    assert resolved(*rows, cases=[existing("c", "x")]).case_ids == ("c", "c")


def test_a_renamed_case_is_found_under_its_new_id_only():
    """Rule 5.3.5: later rows see what earlier rows changed."""
    rows = [update(case_id="c", external_id="y"), upsert("y"), upsert("x")]
    made = resolved(*rows, cases=[existing("c", "x")])
    assert made.case_ids == ("c", "c", "new1")


def test_a_case_is_found_under_its_old_id_until_it_is_renamed():
    """Rule 5.3.5."""
    rows = [upsert("x"), update(case_id="c", external_id="y"), upsert("x")]
    made = resolved(*rows, cases=[existing("c", "x")])
    assert made.case_ids == ("c", "c", "new1")


def test_a_cleared_external_id_is_free():
    """Rule 5.3.5: a cleared id no longer finds the case."""
    rows = [update(case_id="c", external_id=""), upsert("x"), upsert("x")]
    made = resolved(*rows, cases=[existing("c", "x")])
    assert made.case_ids == ("c", "new1", "new1")


def test_an_id_renamed_twice_is_free_in_between():
    """Rule 5.3.5: every step counts, also for indices."""
    rows = [
        update(case_id="c", external_id="y", indices={"p": to(external_id="y")}),
        update(case_id="c", external_id="z"),
        upsert("y"),
        create(indices={"p": to(external_id="y")}),
    ]
    made = resolved(*rows, cases=[existing("c", "x")])
    assert made.case_ids == ("c", "c", "new2", "new1")
    assert targets(made) == [["c"], [], [], ["new2"]]


def test_the_last_row_that_sets_an_index_writes_it():
    """Rule 8.3: the fold applies mere index changes late, the row order wins."""
    rows = [
        update(case_id="c", indices={"p": to(case_id="1"), "q": to(case_id="2")}),
        update(case_id="c", properties={"a": "1"}, indices={"p": to(case_id="3")}),
    ]
    assert targets(resolved(*rows, cases=[existing("c")])) == [["2"], ["3"]]


def test_the_same_case_by_id_and_external_id_is_one():
    """Rule 8.3: two rows may hit one case; one block per row, in row order."""
    rows = [update(case_id="c", case_name="1"), update(external_id="x", case_name="2")]
    made = resolved(*rows, cases=[existing("c", "x")])
    assert made.case_ids == ("c", "c")
    assert [(block.update or {})["case_name"] for block in made.blocks] == ["1", "2"]


def test_an_unknown_case_of_a_later_row_is_refused():
    """Rule 5.3.4: nothing is saved, the row is named beside the text."""
    rows = [upsert("x"), update(case_id="c", external_id="x")]
    assert refusal(*rows) == ("No case found with ID 'c'", 2, "case_id")


def test_an_error_text_is_encodable():
    """Rule 5.7: also when a caller did not look at the characters."""
    assert refusal(update(case_id="a\ud800"))[0] == "No case found with ID 'a\\ud800'"
