"""The rules of rules/excel-import.md 7 to 9, 11 and 12, one by one."""

from __future__ import annotations

import pytest

from importers.excel.command import ImportRows
from importers.excel.rules.columns import columns_of
from importers.excel.rules.decide import Importing
from importers.excel.rules.options import SearchField
from importers.excel.rules.wishes import RowError, read_wishes
from importers.tables.rows import to_row
from tests.kit import build
from tests.kit.directory import People
from tests.kit.spreadsheets import (
    IMPORTER,
    counts,
    errors,
    imported_rows,
    made,
    wanted,
)

EXTERNAL = {"search_field": SearchField.EXTERNAL_ID}


@pytest.fixture(autouse=True)
def domain(store):
    return build.a_domain(store)


def only_case(store):
    [case] = build.cases_of(store).values()
    return case


# Rule 12.1: every title with its description and column

OWNERS = ["case_id", "name", "owner_name", "owner_id"]
PARENTS = ["case_id", "name", "parent_id", "parent_external_id"]
RELATED = ["case_id", "parent_id", "parent_relationship_type", "parent_identifier"]
NOBODY = (
    "Owner name was used in the mapping but there were errors when uploading because "
    "of these values."
)
NO_OWNER = (
    "Owners were provided in the mapping but there were errors when uploading because "
    "of these values. Make sure the owners in this column are users, case sharing "
    "groups, or locations."
)
NO_PARENT = "An invalid or unknown parent case was specified for the uploaded case."
BLANK_ID = (
    "Blank external ids were found in these rows causing as error when importing cases."
)
TOO_MANY = (
    "These rows matched more than one case at the same time - this means that there "
    "are cases in your system with the same external ID."
)
NO_HOST = (
    "'parent_identifier' column must be provided when 'parent_relationship_type' "
    "column is set to 'extension'"
)
LONG_NAME = "The case name cannot be longer than 255 characters"
LONG_ID = "The external id cannot be longer than 255 characters"
ROW_ERRORS = {
    "Invalid Owner Name": (OWNERS, ["", "a", "nobody", ""], "owner_name", NOBODY),
    "Invalid Owner": (OWNERS, ["", "a", "", "nobody"], "owner_id", NO_OWNER),
    "Invalid Owner by name": (OWNERS, ["", "a", "Plain", ""], "owner_name", NO_OWNER),
    "Invalid Parent ID": (PARENTS, ["", "a", "nope", ""], "parent_id", NO_PARENT),
    "Invalid Parent ID by external id": (
        PARENTS,
        ["", "a", "", "nope"],
        "parent_external_id",
        NO_PARENT,
    ),
    "Invalid Parent ID of several": (
        PARENTS,
        ["", "a", "", "twice"],
        "parent_external_id",
        NO_PARENT,
    ),
    "Invalid Parent ID, relationship": (
        RELATED,
        ["", "p", "cousin", "x"],
        "parent_relationship_type",
        "Invalid value for 'parent_relationship_type' column",
    ),
    "Invalid Parent ID, identifier": (
        RELATED,
        ["", "p", "extension", ""],
        "parent_identifier",
        NO_HOST,
    ),
    "Blank External ID": (["external_id", "a"], ["", "x"], "", BLANK_ID),
    "Too Many Matches": (["external_id", "a"], ["twice", "x"], "", TOO_MANY),
    "Name Too Long": (["case_id", "name"], ["", "n" * 256], "name", LONG_NAME),
    "External ID Too Long": (
        ["case_id", "external_id"],
        ["", "n" * 256],
        "external_id",
        LONG_ID,
    ),
    "Case Generation Error": (
        ["case_id", "case_type"],
        ["", "other"],
        "case_type",
        "Key 'case_type' specified twice",
    ),
    "Import Error": (
        ["case_id", "hq_user_id"],
        ["", "n" * 256],
        "",
        "Problems in importing cases. Please check the Excel file.",
    ),
}


@pytest.mark.parametrize("title", ROW_ERRORS)
async def test_a_row_error(store, title):
    """Rule 12.1: title, description, column; the others are examples 14 and 16."""
    head, row, column, text = ROW_ERRORS[title]
    people = People(store)
    people.group("Plain")
    made(store, "p")
    for case_id in ("t1", "t2"):
        made(store, case_id, external_id="twice")
    wish = EXTERNAL if head[0] == "external_id" else {}
    job = await imported_rows(store, head, row, **wish)
    [group] = job.progress["report"]["errors"]
    assert group["title"] == title.split(",")[0].split(" by ")[0].split(" of ")[0]
    assert (group["column"], group["description"]) == (column, text)
    assert (group["rows"], group["sheet"]) == ([[2, 2]], "Sheet1")
    assert counts(job)[:3] == (0, 0, 1)


class Unforeseen:
    """Owners that nobody can look up."""

    def by_name(self, name):
        """Fail."""
        raise KeyError(name)

    def by_id(self, owner_id):
        """Fail."""
        raise KeyError(owner_id)


def test_an_unforeseen_failure_is_that_of_its_row(store):
    """Rule 12.1: an unexpected error; the other rows go on."""
    outcome = run(
        store, ["case_id", "age", "owner_name"], ["", 1, "x"], ["", 2, ""], owners=None
    )
    ((_, failed),) = outcome.rows
    assert isinstance(failed, RowError)
    assert (failed.title, failed.column) == ("Unexpected error", "")
    assert failed.text == (
        "Could not process case. If this persists, please report an issue to this "
        "server"
    )
    assert (outcome.created, outcome.updated) == (1, 0)


def run(store, head, *rows, owners=None, **options):
    """Run rows as one command and return what became of them."""
    columns = columns_of(head, wanted(), "patient")
    numbered = [to_row(n, row) for n, row in enumerate(rows, start=2)]
    given = read_wishes(numbered, columns)
    command = ImportRows(
        job_id="job",
        sheet=0,
        importing=Importing(
            columns=columns,
            creates=True,
            user_id=build.USER,
            owner_id=build.USER,
            now="2026-01-01T00:00:00.000000Z",
        ),
        wishes=tuple(given),
        owners=owners or Unforeseen(),
        author=IMPORTER,
        first_chunk=0,
        last=True,
        **options,
    )
    (outcome,) = build.write(store, command)
    return outcome


def test_the_size_of_a_chunk(store):
    """Rule 13.1: chunks of two, five rows, three forms."""
    rows = [["", n] for n in range(5)]
    outcome = run(store, ["case_id", "age"], *rows, chunk_size=2)
    assert (outcome.chunks, outcome.created) == (3, 5)
    assert len(build.cases_of(store)) == 5


async def test_errors_are_one_entry_for_each_title_and_column(store):
    """Rule 12.1: in order of appearance, each row once."""
    head = ["case_id", "name", "owner_name", "owner_id"]
    rows = [
        ["", "a", "x", ""],
        ["", "b", "", "y"],
        ["", "c", "z", ""],
        ["", "n" * 300, "z", "y"],
    ]
    job = await imported_rows(store, head, *rows)
    assert errors(job) == [
        ("Invalid Owner Name", "owner_name", [2, 4]),
        ("Invalid Owner", "owner_id", [3]),
        ("Name Too Long", "name", [5]),
    ]


async def test_up_to_the_limits_of_texts(store):
    """Rule 16.2: 255 characters of name and external id go in."""
    await imported_rows(
        store, ["case_id", "name", "external_id"], ["", "n" * 255, "e" * 255]
    )
    case = only_case(store)
    assert (len(case.case_name), len(case.external_id)) == (255, 255)


# Rule 7: the order of the steps


@pytest.mark.parametrize(
    ("row", "title"),
    [
        (["n" * 300, "e" * 300, "nobody", "nope"], "Name Too Long"),
        (["n", "e" * 300, "nobody", "nope"], "External ID Too Long"),
        (["n", "", "nobody", "nope"], "Blank External ID"),
        (["n", "twice", "nobody", "nope"], "Too Many Matches"),
        (["n", "new", "nobody", "nope"], "Invalid Owner Name"),
        (["n", "known", "nobody", "nope"], "Invalid Parent ID"),
        (["n", "new", "", "nope"], "Invalid Parent ID"),
        (["n", "known", "nobody", ""], "Invalid Owner Name"),
    ],
    ids=["4", "5", "6", "8", "10a owner", "10b parent", "10a parent", "10b owner"],
)
async def test_a_row_makes_one_error(store, row, title):
    """Rule 7, steps 4 to 10; a new case checks its owner first, a known one not."""
    made(store, "c1", external_id="known")
    for case_id in ("t1", "t2"):
        made(store, case_id, external_id="twice")
    head = ["name", "external_id", "owner_name", "parent_id"]
    job = await imported_rows(store, head, row, **EXTERNAL)
    assert [error[0] for error in errors(job)] == [title]


@pytest.mark.parametrize(
    ("row", "title"),
    [
        (["", "", "x"], "Blank External ID"),
        (["new", "n" * 300, "x"], "Name Too Long"),
    ],
    ids=["6", "4"],
)
async def test_steps_before_the_look_up_run_when_nothing_is_created(store, row, title):
    """Rule 7: they are reported although step 9 would skip."""
    head = ["external_id", "name", "a"]
    job = await imported_rows(store, head, row, create=False, **EXTERNAL)
    assert [error[0] for error in errors(job)] == [title]


# Rules 7.1, 7.2 and 9: what cases get


async def test_what_a_created_case_gets(store):
    """Rule 7.1: ``close`` is ignored there."""
    head = ["case_id", "name", "age", "note", "close", "date_opened"]
    await imported_rows(store, head, ["given", "Ada", 36, "", "yes", "2001-01-01"])
    case = only_case(store)
    assert case.case_id != "given"
    assert len(case.case_id) == 32
    assert (case.case_type, case.case_name, case.closed) == ("patient", "Ada", False)
    assert {case.owner_id, case.opened_by, case.modified_by} == {build.USER}
    assert case.opened_on > "2002"
    assert dict(case.properties) == {"age": "36", "note": ""}
    assert dict(case.indices) == {}


async def test_a_created_case_without_a_name_has_an_empty_one(store):
    """Rule 7.1; and the search value is the external id."""
    await imported_rows(store, ["external_id", "a"], [" 4711.0 ", "x"], **EXTERNAL)
    case = only_case(store)
    assert (case.case_name, case.external_id) == ("", "4711")


async def test_what_an_updated_case_gets(store):
    """Rule 7.2: filled cells, and what is never changed."""
    made(store, "p", case_type="household")
    made(store, "c1")
    build.submit(store, build.a_form([build.an_update("c1", kept="k", emptied="e")]))
    before = build.case_of(store)
    head = ["case_id", "name", "external_id", "emptied", "set", "parent_id"]
    row = ["c1", "New name", "x-1", "---", " s ", "p", "household"]
    job = await imported_rows(store, [*head, "parent_type"], row)
    assert counts(job)[:3] == (0, 1, 0), errors(job)
    case = build.case_of(store)
    assert (case.case_name, case.external_id) == ("New name", "x-1")
    assert dict(case.properties) == {"kept": "k", "emptied": "", "set": " s "}
    assert case.indices["parent"].case_id == "p"
    assert (case.case_type, case.opened_on, case.owner_id) == (
        before.case_type,
        before.opened_on,
        before.owner_id,
    )


async def test_an_index_is_replaced_under_its_name(store):
    """Rule 7.2: a blank parent leaves it."""
    for case_id in ("p", "q", "c1"):
        made(store, case_id)
    head = ["case_id", "a", "parent_id"]
    for parent, found in (("p", "p"), ("", "p"), ("q", "q")):
        await imported_rows(store, head, ["c1", "x", parent])
        assert build.case_of(store).indices["parent"].case_id == found


@pytest.mark.parametrize(
    ("text", "closed"), [("yes", True), ("Yes", False), ("True", False), ("", False)]
)
async def test_only_yes_closes(store, text, closed):
    """Rule 7.2: letter for letter."""
    made(store, "c1")
    await imported_rows(store, ["case_id", "a", "close"], ["c1", "x", text])
    assert build.case_of(store).closed is closed


async def test_ordinary_columns_are_properties(store):
    """Rule 9.1: nothing else has a meaning of its own."""
    names = ("domain", "opened_on", "modified_on", "indices", "parent_relationship")
    await imported_rows(store, ["case_id", *names], ["", *names])
    properties = only_case(store).properties
    assert properties["domain"] == "domain"
    assert properties["parent_relationship"] == "parent_relationship"


async def test_a_column_of_types(store):
    """Rule 6.2b: blank or the import's own is ignored."""
    head = ["case_id", "a", "case_type"]
    job = await imported_rows(store, head, ["", "x", ""], ["", "y", "patient"])
    assert counts(job)[:3] == (2, 0, 0)
    assert {c.case_type for c in build.cases_of(store).values()} == {"patient"}


# Rule 8.2: what matches


async def test_a_closed_case_is_found_and_stays_closed(store):
    """By either id."""
    made(store, "c1", external_id="x")
    build.submit(store, build.a_form([build.a_block("c1", close=True)]))
    job = await imported_rows(store, ["case_id", "a"], ["c1", "1"])
    assert counts(job)[:2] == (0, 1)
    job = await imported_rows(store, ["external_id", "a"], ["x", "2"], **EXTERNAL)
    assert counts(job)[:2] == (0, 1)
    assert build.case_of(store).closed


@pytest.mark.parametrize("given", ["X", "x y", "other type"])
async def test_external_ids_that_do_not_match(store, given):
    """Letter for letter, and of the import's type only."""
    made(store, "c1", external_id="x")
    made(store, "c2", external_id="other type", case_type="household")
    job = await imported_rows(store, ["external_id", "a"], [given, "1"], **EXTERNAL)
    assert counts(job)[:2] == (1, 0)


# Rule 11: parents


@pytest.mark.parametrize(
    ("parent_type", "found"),
    [("household", True), ("patient", False), ("", False)],
)
@pytest.mark.parametrize("column", ["parent_id", "parent_external_id"])
async def test_the_type_of_the_parent(store, column, parent_type, found):
    """Rule 11.2: blank means the import's type, by either id."""
    made(store, "h", external_id="h", case_type="household")
    head = ["case_id", "name", column, "parent_type"]
    job = await imported_rows(store, head, ["", "a", "h", parent_type])
    assert counts(job)[:3] == ((1, 0, 0) if found else (0, 0, 1))


async def test_a_closed_parent_is_accepted(store):
    """Rule 11.1; and the id goes before the external id."""
    made(store, "p", external_id="x")
    build.submit(store, build.a_form([build.a_block("p", close=True)]))
    head = ["case_id", "name", "parent_id", "parent_external_id"]
    job = await imported_rows(store, head, ["", "a", "p", "nope"], ["", "b", "", "x"])
    assert counts(job)[:3] == (2, 0, 0)


async def test_relationships_are_checked_of_parents_that_were_found(store):
    """Rule 11.3; a blank relationship is ``child``."""
    made(store, "p")
    head = ["case_id", "a", "parent_id", "parent_relationship_type"]
    rows = [["", "x", "", "cousin"], ["", "y", "nope", "cousin"], ["", "z", "p", ""]]
    job = await imported_rows(store, head, *rows)
    assert counts(job)[:3] == (2, 0, 1)
    assert errors(job) == [("Invalid Parent ID", "parent_id", [3])]
    links = [c.indices for c in build.cases_of(store).values() if c.indices]
    assert [link["parent"].relationship for link in links] == ["child"]
