"""Headers and ids that are written in another way than they are known.

The rules are those of rules/batch-imports.md 2.4 to 2.6.
"""

from __future__ import annotations

import json

import pytest

from api.sunbird.results import results
from importers.sunbird.rules.alike import COMPOSED, WHOLE
from importers.sunbird.rules.columns import (
    Code,
    ObjectType,
    Refused,
    read_header,
    told_of_header,
)
from importers.sunbird.rules.settings import SunbirdSettings
from importers.tables.notices import lines_of
from tests.kit import build
from tests.kit.spreadsheets import a_csv
from tests.kit.sunbird.uploads import (
    PLACES,
    USERS,
    cases,
    enqueue,
    messages,
    places,
    the_case,
    uploaded,
)

NFC, NFD = "Zo\u00eb", "Zoe\u0308"


def told(job):
    return [(g["title"], g["column"], g["rows"]) for g in job.progress["told"]]


@pytest.mark.parametrize(
    ("kind", "cells", "names"),
    [
        ("location", ["Code", "NAME", "Parent Code", "parent_id"], PLACES),
        ("user", ["Name", "User-Type", "ROLES"], ["firstName", "userType", "roles"]),
        (
            "organisation",
            ["School_Name", "BlockCode", "status"],
            ["orgName", "locationCode", "status"],
        ),
    ],
)
def test_a_header_goes_by_its_letters(kind, cells, names):
    """Rule 2.4e: what is written otherwise than it should is told."""
    assert list(read_header(ObjectType(kind), cells)) == names
    assert list(told_of_header(ObjectType(kind), cells))


def test_headers_as_they_should_be_are_not_told():
    """Rule 2.4e: of users and organisations in any letters."""
    users = ["name", "USER_TYPE", "Roles", "firstname"]
    assert list(told_of_header(ObjectType.USER, users)) == []
    assert list(told_of_header(ObjectType.LOCATION, PLACES)) == []


@pytest.mark.parametrize("again", ["Ed", "Eds"])
def test_columns_of_one_meaning_must_not_contradict_each_other(store, again):
    """Rule 2.4e: the file is refused with the row, and nothing is stored."""
    build.a_domain(store)
    rows = [["NAME", *USERS[1:], "firstName"], ["Ed", "teacher", "", "", "", again]]
    if again == "Ed":
        enqueue(store, "user", a_csv(*rows))
        return
    with pytest.raises(Refused) as refused:
        enqueue(store, "user", a_csv(*rows))
    assert refused.value.code is Code.COLUMNS
    assert refused.value.text == (
        'The columns "NAME" and "firstName" mean the same, and they differ in row 2. '
        "Remove one of them."
    )


@pytest.mark.parametrize(("stored", "given"), [(NFC, NFD), (NFD, NFC)])
async def test_a_code_of_another_form_finds_its_location(store, stored, given):
    """Rule 2.6i: it is changed, keeps its code, and that is told."""
    build.a_domain(store)
    await places(store, "state", [stored, "A"])
    job = await places(store, "state", [given, "B"])
    found = the_case(store, "location")
    assert (found.case_name, found.external_id) == ("B", stored)
    assert found.properties["code"] == stored
    assert told(job) == [(COMPOSED, "", [[2, 2]])]
    below = await places(store, "district", ["D", "D", given])
    assert messages(store, below) == [None]


async def test_a_code_that_means_a_location_but_for_what_nobody_sees(store):
    """Rule 2.6i: the row fails, and without what nobody sees it does not."""
    build.a_domain(store)
    await places(store, "state", ["KA", "A"])
    job = await places(store, "state", ["KA\u200b", "B"])
    assert messages(store, job) == [
        (
            "KA\\u200b has blanks at its ends or characters that nobody sees. There is "
            "a location with this id without them: remove them if it is meant."
        )
    ]
    assert [case.case_name for case in cases(store, "location")] == ["A"]
    assert messages(store, await places(store, "state", ["KA", "B"])) == [None]


async def test_whole_numbers_are_ids_in_every_column_of_ids(store):
    """Rule 2.6i: 12.0 is 12, as a code and as that of a parent."""
    build.a_domain(store)
    job = await places(store, "state", ["12.0", "A"])
    assert the_case(store, "location").external_id == "12"
    assert told(job) == [(WHOLE, "code", [[2, 2]])]
    below = await places(store, "district", ["13", "B", "12.0"])
    assert messages(store, below) == [None]
    assert told(below) == [(WHOLE, "parentCode", [[2, 2]])]


async def test_what_a_failed_row_would_have_done_goes_by_its_ids_too(store):
    """Rule 2.6i: the case is there, however its code is written."""
    build.a_domain(store)
    await places(store, "state", ["12", "A"])
    job = await places(store, "state", ["12.0", ""])
    pieces = [piece async for piece in results(store, job, SunbirdSettings())]
    (told_of_job,) = json.loads(b"".join(pieces))["response"]
    [failed] = told_of_job["failureResult"]
    assert (failed["code"], failed["operation"]) == ("12.0", "update")


def test_failed_rows_come_back_with_their_reasons():
    """The workbook of failed rows is made to be mended and sent again."""
    names = read_header(ObjectType.LOCATION, (*PLACES, "import_error"))
    assert names == (*PLACES, None)
    with pytest.raises(Refused):
        read_header(ObjectType.LOCATION, (*PLACES, "import_errors"))


async def test_rows_of_one_case_are_told_and_counted_once(store):
    """Rule 2.6i: also where the second one changes nothing, and in a dry run."""
    build.a_domain(store)
    rows = [PLACES, ["KA", "A", "", ""], ["KA", "A", "", ""], ["MH", "B", "", ""]]
    for dry_run in (True, False):
        job = await uploaded(
            store, "location", *rows, location_type="state", dry_run=dry_run
        )
        assert (job.progress["cases"], job.result["cases"]) == (2, 2)
        (line,) = lines_of(job.progress["told"])
        assert line.startswith("Same case in several rows (rows 2-3): ")


async def test_the_status_counts_cases_where_rows_share_some(store):
    """Rule 2.6i: without such rows the answer is what it always was."""
    build.a_domain(store)
    for codes, count in ((["KA", "KA", "MH"], 2), (["TN", "KL"], None)):
        job = await places(store, "state", *([code, "A"] for code in codes))
        pieces = [piece async for piece in results(store, job, SunbirdSettings())]
        (told_of_job,) = json.loads(b"".join(pieces))["response"]
        assert told_of_job.get("caseCount") == count
        assert ("warnings" in told_of_job) is (count is not None)
