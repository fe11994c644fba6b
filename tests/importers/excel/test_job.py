"""The job of the Excel import: rows become cases, each exactly once.

Examples are those of rules/excel-import.md 20.
"""

from __future__ import annotations

import pytest

from importers.excel.job import import_excel
from importers.excel.rules.options import SearchField
from importers.jobs.turns import EXCEL
from importers.jobs.undo import UNDO, enqueue_undo, undo
from importers.jobs.values import UndoRequest
from ledger.entry import Author, Kind
from ledger.jobs.values import JobState
from tests.kit import build
from tests.kit.jobs import dying, job_of, working
from tests.kit.spreadsheets import (
    a_csv,
    an_xlsx,
    counts,
    enqueue,
    errors,
    imported,
    imported_rows,
    made,
    wanted,
)

DEPRECATED = (
    'Error: Field name "parent_ref" is deprecated. '
    'Please use "parent_identifier" instead.'
)
EXTERNAL = {"search_field": SearchField.EXTERNAL_ID}


@pytest.fixture(autouse=True)
def domain(store):
    return build.a_domain(store)


async def test_unknown_ids_make_cases(store):
    """Example 1: five new cases in one form, owned by whoever imports."""
    rows = [[f"id{n}", n, "m"] for n in range(5)]
    job = await imported_rows(store, ["case_id", "age", "sex"], *rows)
    assert job.state is JobState.DONE, job.problem
    assert counts(job) == (5, 0, 0, 0, 1)
    assert errors(job) == []
    cases = build.cases_of(store).values()
    assert {case.owner_id for case in cases} == {build.USER}
    assert {case.opened_by for case in cases} == {build.USER}
    assert sorted(case.properties["age"] for case in cases) == list("01234")


async def test_one_known_id_three_times_is_three_matches(store):
    """Example 2: the last row wins, other properties stay."""
    made(store, "c1")
    build.submit(store, build.a_form([build.an_update("c1", village="Kano")]))
    job = await imported_rows(
        store, ["case_id", "age"], *[["c1", n] for n in (1, 2, 3)]
    )
    assert counts(job) == (0, 3, 0, 0, 1)
    assert dict(build.case_of(store).properties) == {"age": "3", "village": "Kano"}


async def test_a_case_of_another_type_is_not_found(store):
    """Example 3."""
    made(store, "c1", case_type="household")
    job = await imported_rows(
        store, ["case_id", "age"], *[["c1", n] for n in (1, 2, 3)]
    )
    assert counts(job)[:2] == (3, 0)
    assert len(build.cases_of(store)) == 4


async def test_a_case_of_another_domain_is_not_found(store):
    """Example 4."""
    build.a_domain(store, "other")
    body = build.a_form([build.a_create("c1")])
    build.submit(store, body, domain="other")
    job = await imported_rows(
        store, ["case_id", "age"], *[["c1", n] for n in (1, 2, 3)]
    )
    assert counts(job)[:2] == (3, 0)
    assert "c1" not in build.cases_of(store)


async def test_a_known_external_id_matches(store):
    """Example 5, and an update never changes the external id (rule 7.2a)."""
    made(store, "c1", external_id="x")
    job = await imported_rows(
        store, ["external_id", "age"], *[["x", n] for n in (1, 2, 3)], **EXTERNAL
    )
    assert counts(job)[:2] == (0, 3)
    assert build.case_of(store).external_id == "x"


async def test_a_new_external_id_under_another_header(store):
    """Example 6: made once, matched once; the id is no property."""
    job = await imported_rows(
        store,
        ["id_column", "age"],
        ["n1", 1],
        ["n1", 2],
        search_column="id_column",
        **EXTERNAL,
    )
    assert counts(job) == (1, 1, 0, 0, 2)
    [case] = build.cases_of(store).values()
    assert case.external_id == "n1"
    assert dict(case.properties) == {"age": "2"}


async def test_one_new_external_id_three_times_is_two_chunks(store):
    """Example 7."""
    rows = [["n1", n] for n in (1, 2, 3)]
    job = await imported_rows(store, ["external_id", "age"], *rows, **EXTERNAL)
    assert counts(job) == (1, 2, 0, 0, 2)


async def test_without_creating_unknown_rows_are_skipped(store):
    """Example 8."""
    rows = [[f"n{n}", n] for n in range(5)]
    job = await imported_rows(store, ["case_id", "age"], *rows, create=False)
    assert counts(job) == (0, 0, 0, 5, 0)
    assert job.progress["report"]["unmatched"] == 5
    assert errors(job) == []


async def test_blank_rows_are_skipped(store):
    """Example 9, and step 3: a row with only a case id says nothing."""
    rows = [["", ""], ["c9", ""], ["", "---"], ["", 1]]
    job = await imported_rows(store, ["case_id", "age"], *rows)
    assert counts(job) == (1, 0, 0, 3, 1)


async def test_external_ids_may_repeat_when_matching_by_case_id(store):
    """Example 10."""
    rows = [["", 1, "x"], ["", 2, "x"], ["", 3, "y"]]
    job = await imported_rows(store, ["case_id", "age", "external_id"], *rows)
    assert counts(job)[0] == 3
    found = sorted(case.external_id for case in build.cases_of(store).values())
    assert found == ["x", "x", "y"]


async def test_parents_by_id(store):
    """Examples 11 and 12: known parents are linked, unknown ones are errors."""
    made(store, "p1")
    head = ["parent_id", "name", "case_id"]
    job = await imported_rows(store, head, *[["p1", n, ""] for n in "abc"])
    assert counts(job)[0] == 3
    links = [dict(case.indices) for case in build.cases_of(store).values()]
    assert sum("parent" in link for link in links) == 3
    job = await imported_rows(store, head, *[["nope", n, ""] for n in "abc"])
    assert counts(job) == (0, 0, 3, 0, 0)
    assert errors(job) == [("Invalid Parent ID", "parent_id", [2, 3, 4])]


async def test_relationships_and_identifiers(store):
    """Example 13, and what rule 11 refuses."""
    made(store, "p1")
    head = ["case_id", "parent_id", "parent_relationship_type", "parent_identifier"]
    rows = [
        ["", "p1", "extension", "host"],
        ["", "p1", "extension", "mother"],
        ["", "p1", "child", "parent"],
        ["", "p1", "", ""],
        ["", "p1", "cousin", "x"],
        ["", "p1", "extension", ""],
        ["", "p1", "child", "two words"],
    ]
    job = await imported_rows(store, head, *rows)
    assert counts(job) == (4, 0, 3, 0, 1)
    assert errors(job) == [
        ("Invalid Parent ID", "parent_relationship_type", [6]),
        ("Invalid Parent ID", "parent_identifier", [7]),
        ("Case Generation Error", "", [8]),
    ]
    found = sorted(
        (name, index.relationship)
        for case in build.cases_of(store).values()
        for name, index in case.indices.items()
    )
    assert found == [
        ("host", "extension"),
        ("mother", "extension"),
        ("parent", "child"),
        ("parent", "child"),
    ]


async def test_parents_above_in_the_same_file(store):
    """Rule 11.5: a parent above is found by its external id."""
    head = ["external_id", "name", "parent_external_id"]
    rows = [["p", "P", ""], ["c", "C", "p"], ["g", "G", "c"]]
    job = await imported_rows(store, head, *rows, **EXTERNAL)
    assert counts(job) == (3, 0, 0, 0, 3)
    cases = {case.external_id: case for case in build.cases_of(store).values()}
    assert cases["g"].indices["parent"].case_id == cases["c"].case_id


async def test_texts_that_are_too_long(store):
    """Example 17: the name, the external id; the good row goes in."""
    rows = [["", "n" * 300, "a"], ["", "n", "x" * 300], ["", "n", "b"]]
    job = await imported_rows(store, ["case_id", "name", "external_id"], *rows)
    assert counts(job) == (1, 0, 2, 0, 1)
    assert errors(job) == [
        ("Name Too Long", "name", [2]),
        ("External ID Too Long", "external_id", [3]),
    ]


async def test_blank_headers_and_domain_columns(store):
    """Examples 18 and 20: values stay under their headers."""
    rows = [["case_id", "name", "", "favorite_color", "domain"]]
    rows.append(["", "Ada", "lost", "blue", "mars"])
    job = await imported_rows(store, *rows)
    assert counts(job)[0] == 1
    [case] = build.cases_of(store).values()
    assert case.case_name == "Ada"
    assert dict(case.properties) == {"favorite_color": "blue", "domain": "mars"}


async def test_blank_cells_empty_properties_and_keep_the_rest(store):
    """Rule 7.2: name, owner and external id stay, properties are emptied."""
    made(store, "c1", external_id="x")
    head = ["case_id", "name", "owner_id", "external_id", "age", "note", "close"]
    job = await imported_rows(store, head, ["c1", "", "", "", "", "hi", "Yes"])
    assert counts(job)[:2] == (0, 1)
    case = build.case_of(store)
    assert (case.case_name, case.owner_id, case.external_id) == (
        "Idris",
        build.USER,
        "x",
    )
    assert dict(case.properties) == {"age": "", "note": "hi"}
    assert not case.closed
    await imported_rows(store, head, ["c1", "---", "", "", "", "hi", "yes"])
    case = build.case_of(store)
    assert (case.case_name, case.closed) == ("", True)


async def test_two_cases_with_an_external_id_are_too_many(store):
    """Step 8, closed ones count; the ids are told."""
    made(store, "c1", external_id="x")
    made(store, "c2", external_id="x")
    build.submit(store, build.a_form([build.a_block("c2", close=True)]))
    job = await imported_rows(store, ["external_id", "age"], ["x", 1], **EXTERNAL)
    assert errors(job) == [("Too Many Matches", "", [2])]
    [group] = job.progress["report"]["errors"]
    assert group["candidates"] == ["c1", "c2"]


async def test_deleted_cases_are_not_found(store):
    """Rule 8.2: by either id."""
    made(store, "c1", external_id="x")
    build.write(store, build.a_flag("c1"))
    job = await imported_rows(store, ["case_id", "age"], ["c1", 1])
    assert counts(job)[:2] == (1, 0)
    job = await imported_rows(store, ["external_id", "age"], ["x", 1], **EXTERNAL)
    assert counts(job)[:2] == (1, 0)


async def test_owners(store):
    """Rule 10: unknown names and ids; a name wins over an id."""
    head = ["case_id", "name", "owner_name", "owner_id"]
    rows = [
        ["", "a", "amina", "nobody"],
        ["", "b", "nobody", ""],
        ["", "c", "", "nobody"],
        ["", "d", "", build.USER],
    ]
    job = await imported_rows(store, head, *rows)
    assert counts(job) == (2, 0, 2, 0, 1)
    assert errors(job) == [
        ("Invalid Owner Name", "owner_name", [3]),
        ("Invalid Owner", "owner_id", [4]),
    ]


async def test_a_blank_search_value_by_external_id(store):
    """Step 6, before the look-up: also when nothing is created."""
    rows = [["", 1], ["---", 2]]
    job = await imported_rows(
        store, ["external_id", "age"], *rows, create=False, **EXTERNAL
    )
    assert errors(job) == [("Blank External ID", "", [2, 3])]


@pytest.mark.parametrize(
    ("head", "column", "text"),
    [
        (["case_id", "type"], "type", 'Error: Field name "type" is reserved'),
        (["case_id", "closed"], "closed", 'Error: Field name "closed" is reserved'),
        (
            ["case_id", "parent_ref"],
            "parent_ref",
            DEPRECATED,
        ),
        (
            ["id", "age"],
            "case_id",
            (
                'Error: The spreadsheet has no column named "case_id" to search by. '
                'There are "id", "age".'
            ),
        ),
    ],
)
async def test_what_fails_a_whole_import(store, head, column, text):
    """Rule 14.4: at the first data row and not before."""
    job = await imported_rows(store, head, ["a", "b"])
    assert (job.state, job.problem) == (JobState.FAILED, text)
    assert job.progress["failure"] == [column, text]
    job = await imported_rows(store, head)
    assert job.state is JobState.DONE
    assert counts(job) == (0, 0, 0, 0, 0)
    assert [w["title"] for w in job.progress["report"]["warnings"]] == ["Empty sheet"]


async def test_a_hundred_blocks_to_a_form(store):
    """Rule 13: chunks, their forms and their envelope."""
    rows = [["", n] for n in range(450)]
    job = await imported_rows(store, ["case_id", "age"], *rows)
    assert counts(job) == (450, 0, 0, 0, 5)
    entries = [e for e in build.entries_of(store) if e.details.get("source") == "excel"]
    assert [len(entry.details["rows"]) for entry in entries] == [100] * 4 + [50]
    assert {entry.details["job"] for entry in entries} == {job.job_id}


async def test_a_form_that_is_refused_fails_all_its_rows(store):
    """Rules 12.1 and 13.5: kept as an error, and the next chunks go on."""
    rows = [["", n, ""] for n in range(150)]
    rows[7][2] = "x" * 300
    job = await imported_rows(store, ["case_id", "age", "hq_user_id"], *rows)
    assert counts(job) == (50, 0, 100, 0, 2)
    assert errors(job) == [("Import Error", "", list(range(2, 102)))]
    kinds = [e.kind for e in build.entries_of(store) if e.form_id]
    assert kinds == [Kind.ERROR, Kind.NORMAL]


async def test_many_sheets_are_an_import_each(store):
    """Rule 5.5: a later sheet may point at what an earlier one made."""
    made(store, "h", case_type="household")
    made(store, "p", case_type="patient")
    book = an_xlsx(
        household=[["external_id", "name"], ["h1", "House"]],
        patient=[
            ["external_id", "name", "parent_external_id", "parent_type", "closed"],
            ["p1", "Ada", "h1", "household", "x"],
        ],
    )
    sheets = tuple(
        type(wanted().sheets[0])(title=t, case_type=t) for t in ("household", "patient")
    )
    job = await imported(
        store, book, name="a.xlsx", sheets=sheets, create_in_many=True, **EXTERNAL
    )
    assert job.state is JobState.DONE, job.problem
    assert counts(job) == (2, 0, 0, 0, 2)
    [ignored] = job.progress["report"]["warnings"]
    assert (ignored["title"], ignored["column"]) == ("Ignored column", "closed")


async def test_an_import_that_is_cut_off_goes_on(store):
    """Rules 17.3 and 17.4: what was saved is kept, and nothing is made twice."""
    rows = [["", n] for n in range(530)]
    job = enqueue(store, a_csv(["case_id", "age"], *rows))

    async with working(store, {EXCEL: dying(import_excel, 1, 2)}) as worker:
        await worker.drain()
    done = job_of(store, job)
    assert done.state is JobState.DONE, done.problem
    assert counts(done) == (530, 0, 0, 0, 6)
    found = sorted(int(c.properties["age"]) for c in build.cases_of(store).values())
    assert found == list(range(530))


async def test_an_import_can_be_undone(store):
    """What it made is void again."""
    job = await imported_rows(store, ["case_id", "age"], ["", 1], ["", 2])
    wish = UndoRequest(job_id=job.job_id)
    with store.writing(build.DOMAIN) as writer:
        back = enqueue_undo(
            writer, wish, author=Author(user_id="u"), clock=build.FixedClock()
        )
    async with working(store, {UNDO: undo}) as worker:
        await worker.see_through(back.key)
    assert all(case.deleted_on for case in build.cases_of(store).values())


async def test_a_dry_run_says_what_the_import_will_do(store):
    """Rule 18.2: nothing is written; later rows see what would be there."""
    made(store, "c1", external_id="x")
    head = ["external_id", "name", "parent_external_id", "hq_user_id"]
    rows = [
        [f"e{n % 300}", "N", f"e{n - 1}" if n % 7 == 3 else "", ""] for n in range(450)
    ]
    for number, row in enumerate(rows):
        row[3] = f"e{number % 300}"
    rows += [["x", "X", "", "x"], ["", "B", "", ""], ["z", "Z", "nope", ""]]
    rows += [["w", "W", "", "y" * 300]]
    before = len(build.entries_of(store))
    dry = await imported_rows(store, head, *rows, dry_run=True, **EXTERNAL)
    assert dry.state is JobState.DONE, dry.problem
    assert len(build.entries_of(store)) == before
    real = await imported_rows(store, head, *rows, **EXTERNAL)
    assert dry.progress["report"] == real.progress["report"]
    again = await imported_rows(store, head, *rows, **EXTERNAL)
    assert counts(again)[0] == 0
