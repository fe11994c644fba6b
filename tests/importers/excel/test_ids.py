"""Ids that look alike, and ids that are no case's (``rules/excel-import.md`` 8)."""

from __future__ import annotations

import pytest

from importers.excel.job import import_excel
from importers.excel.rules.decide import INVISIBLE
from importers.excel.rules.options import SearchField
from importers.jobs.turns import EXCEL
from tests.kit import build
from tests.kit.jobs import dying, job_of, working
from tests.kit.spreadsheets import (
    a_csv,
    counts,
    enqueue,
    errors,
    imported_rows,
    made,
    wanted,
)

EXTERNAL = {"search_field": SearchField.EXTERNAL_ID}
NFC, NFD = "Zo\u00eb-1", "Zoe\u0308-1"
COMPOSED = "ID in another Unicode form"


@pytest.fixture(autouse=True)
def domain(store):
    return build.a_domain(store)


def warnings(job):
    found = job.progress["report"]["warnings"]
    return [(w["title"], w["column"], w["rows"]) for w in found]


@pytest.mark.parametrize(("stored", "given"), [(NFC, NFD), (NFD, NFC)])
async def test_an_id_of_another_form_finds_its_case(store, stored, given):
    """Rule 8.1a: used and told; the stored id stays as it is."""
    made(store, "c1", external_id=stored)
    job = await imported_rows(store, ["external_id", "a"], [given, "1"], **EXTERNAL)
    assert counts(job)[:2] == (0, 1)
    assert build.case_of(store).external_id == stored
    assert warnings(job) == [(COMPOSED, "external_id", [[2, 2]])]
    assert job.progress["report"]["cases"] == 1


async def test_a_row_sees_the_case_of_a_row_before_in_another_form(store):
    """Rules 8.1a and 7, step 7: also in the same chunk, and in a dry run."""
    rows = [["external_id", "a"], [NFC, "1"], [NFD, "2"]]
    for dry_run in (True, False):
        job = await imported_rows(store, *rows, dry_run=dry_run, **EXTERNAL)
        assert counts(job)[:2] == (1, 1)
        assert job.progress["report"]["cases"] == 1
    (case,) = build.cases_of(store).values()
    assert (case.external_id, case.properties["a"]) == (NFC, "2")


async def test_the_very_id_goes_before_another_form(store):
    """Rule 8.1a: two cases whose ids differ in form alone can both be reached."""
    made(store, "c1", external_id=NFC)
    made(store, "c2", external_id=NFD)
    job = await imported_rows(
        store, ["external_id", "a"], [NFC, "1"], [NFD, "2"], **EXTERNAL
    )
    assert counts(job)[:2] == (0, 2)
    found = {c.external_id: c.properties["a"] for c in build.cases_of(store).values()}
    assert found == {NFC: "1", NFD: "2"}


async def test_parents_are_found_in_another_form(store):
    """Rules 8.1a and 11.1: by either column."""
    made(store, NFC, external_id=NFD)
    rows = [["", NFD, ""], ["", "", NFC]]
    head = ["case_id", "parent_id", "parent_external_id"]
    job = await imported_rows(store, head, *rows)
    assert counts(job)[0] == 2
    assert warnings(job) == [
        (COMPOSED, "parent_id", [[2, 2]]),
        (COMPOSED, "parent_external_id", [[3, 3]]),
    ]


@pytest.mark.parametrize("given", ["y2 ", "y2\u200b", "\u00a0y2", "y2\ufeff"])
@pytest.mark.parametrize("field", list(SearchField))
async def test_an_id_that_means_a_case_but_for_what_nobody_sees(store, field, given):
    """Rule 8.1b: the row fails and says why, instead of making a second case."""
    made(store, "y2", external_id="y2")
    rows = [[field.value, "a"], [given, "1"]]
    for create in (True, False):
        job = await imported_rows(store, *rows, search_field=field, create=create)
        assert errors(job) == [(INVISIBLE, field.value, [2])]
        (error,) = job.progress["report"]["errors"]
        assert error["candidates"] == ["y2"]
        assert "remove them" in error["description"]
    assert list(build.cases_of(store)) == ["y2"]


async def test_an_id_with_blanks_that_means_no_case_stays_as_it_is(store):
    """Rule 8.1b: text is text, and the report says so."""
    job = await imported_rows(store, ["external_id", "a"], ["y2 ", "1"], **EXTERNAL)
    assert counts(job)[0] == 1
    (case,) = build.cases_of(store).values()
    assert case.external_id == "y2 "
    assert warnings(job) == [(INVISIBLE, "external_id", [[2, 2]])]


async def test_the_advice_about_an_unseen_character_can_be_followed(store):
    """Rule 8.1b: without what nobody sees, the row changes the case."""
    made(store, "c1", external_id="y2")
    rows = ["external_id", "a"], ["y2\u200b", "1"]
    assert errors(await imported_rows(store, *rows, **EXTERNAL))
    job = await imported_rows(store, rows[0], ["y2", "1"], **EXTERNAL)
    assert counts(job)[1] == 1


async def test_a_parent_with_an_unseen_character_is_explained(store):
    """Rules 8.1b and 11.2: it is unknown as before, and the text says more."""
    made(store, "p1")
    job = await imported_rows(store, ["case_id", "parent_id"], ["", "p1\u200b"])
    assert errors(job) == [("Invalid Parent ID", "parent_id", [2])]
    (error,) = job.progress["report"]["errors"]
    assert "characters that nobody sees" in error["description"]


async def test_whole_numbers_mean_one_id_in_every_column(store):
    """Rule 8.1: an owner, a parent and an external id that say 12.0 mean 12."""
    made(store, "12", external_id="12")
    head = ["case_id", "parent_id", "external_id", "owner_name"]
    rows = [["12.0", "", "12.0", ""], ["", "12.0", "", ""]]
    job = await imported_rows(store, head, *rows)
    assert counts(job)[:3] == (1, 1, 0)
    assert build.cases_of(store)["12"].external_id == "12"


async def test_ids_of_the_file_that_are_no_cases_are_told(store):
    """Rule 7.1: the new case has another id, and the advice can be followed."""
    rows = [["case_id", "a"], ["OFF-1", "x"]]
    job = await imported_rows(store, *rows)
    assert warnings(job) == [("Unknown case id", "case_id", [[2, 2]])]
    (warning,) = job.progress["report"]["warnings"]
    assert "search by external_id" in warning["description"]
    for expected in ((1, 0), (0, 1)):
        job = await imported_rows(store, *rows, search_column="case_id", **EXTERNAL)
        assert counts(job)[:2] == expected
        assert warnings(job) == []


async def test_whoever_goes_on_counts_cases_and_repeats_as_before(store):
    """Rules 7.2c and 14.2c: what the rows before did is found again."""
    made(store, "c1")
    made(store, "c2")
    rows = [["c2", 0], *(["c1", n] for n in range(320)), ["c2", 1]]
    job = enqueue(store, a_csv(["case_id", "a"], *rows), wanted())
    async with working(store, {EXCEL: dying(import_excel, 1)}) as worker:
        await worker.drain()
    job = job_of(store, job)
    assert (counts(job)[1], job.progress["report"]["cases"]) == (322, 2)
    assert job.result["cases"] == 2
    alike = [w for w in warnings(job) if w[0] == "Same ID in several rows"]
    assert alike == [("Same ID in several rows", "case_id", [[2, 323]])]
