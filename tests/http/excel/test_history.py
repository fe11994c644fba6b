"""What is told of imports, and to whom (rules/excel-import.md 14, 15, 18.3, 18.4)."""

from __future__ import annotations

import csv
import re
from io import StringIO

import pytest

from api.http.keys import WORKER
from ledger.directory.profiles import Profile
from ledger.directory.users import find_user, update_user
from ledger.directory.values import UserChange
from tests.http.conftest import DOMAIN
from tests.kit.directory import OPERATOR
from tests.kit.excel import GOOD, HISTORY, ended, sent
from tests.kit.spreadsheets import a_csv, an_xlsx

FILES = ("", "errors.csv", "failed_rows.xlsx")
LISTS = ("status/", "form_ids.txt", "case_ids.txt")
KEYS = {
    "domain",
    "created",
    "created_on",
    "upload_id",
    "task_status",
    "user_name",
    "case_type",
    "comment",
    "upload_file_name",
    "upload_file_length",
    "upload_file_download_allowed",
    "upload_comment_edit_allowed",
}
RESULT = {
    "match_count",
    "created_count",
    "num_chunks",
    "errors",
    "row_count",
    "case_count",
    "failed_count",
    "skipped_count",
    "dry_run",
    "form_ids",
    "error_form_ids",
    "warnings",
}
ERROR = {
    "title",
    "description",
    "column",
    "rows",
    "count",
    "sample",
    "row_ranges",
    "sheet",
    "candidates",
}


def limited(api, username, *, role="editor"):
    """Let somebody in who may not see all locations."""
    headers = api.members.join(username, role=role)
    with api.members.store.writing(DOMAIN) as writer:
        user = find_user(writer, username)
        change = UserChange(profile=Profile(access_all_locations=False))
        update_user(writer, user, change, author=OPERATOR)
    return headers


def lines(answer):
    """Return the rows of a CSV, header first."""
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    return list(csv.reader(StringIO(answer.body.decode(), newline="")))


async def test_an_import_that_waits(api):
    """Rule 14.2: nothing is told before the first rows."""
    await api.app[WORKER].aclose()
    answer = await sent(api)
    path = answer.json["status_url"].removeprefix(api.base)
    assert (await api.get(path)).json == {
        "state": 0,
        "progress": {"percent": None},
        "result": None,
    }


async def test_what_an_import_that_ended_tells(api):
    """Rules 14.2 and 18.3: all keys, and no others; it never changes again."""
    content = a_csv(["case_id", "owner_name"], ["", "nobody"], ["", ""], ["x", "---"])
    path, status = await ended(api, await sent(api, content))
    result = status["result"]
    assert set(result) == RESULT
    assert (result["row_count"], result["failed_count"]) == (3, 1)
    assert result["skipped_count"] == {"blank": 2, "unmatched": 0}
    assert [set(error) for error in result["errors"]] == [ERROR]
    assert result["errors"][0]["candidates"] == []
    assert (result["dry_run"], result["form_ids"], result["error_form_ids"]) == (
        False,
        [],
        [],
    )
    assert (await api.get(f"{path}status/")).json == status


async def test_an_entry_of_the_history(api):
    """Rule 15.2: its keys; times of both kinds; who has no comment has none."""
    await ended(api, await sent(api, name="Wells of May.csv"))
    [entry] = (await api.get(HISTORY)).json
    assert set(entry) == KEYS
    assert re.fullmatch(r"[A-Z][a-z]{2} \d\d, \d{4} \d\d:\d\d UTC", entry["created"])
    assert entry["created_on"].endswith("Z")
    assert (entry["user_name"], entry["comment"]) == ("editor@example.org", None)
    assert entry["upload_file_name"] == "Wells of May.csv"
    assert entry["task_status"]["state"] == 2


async def test_pages_of_the_history(api):
    """Rule 15.1: ten where nothing is said; no number or none at all is the same."""
    await api.app[WORKER].aclose()
    for number in range(12):
        await sent(api, name=f"{number}.csv")
    for query, count in (
        ("", 10),
        ("?limit=x", 10),
        ("?limit=0", 1),
        ("?limit=-3", 10),
        ("?page=2", 2),
        ("?page=0", 10),
        ("?page=x", 10),
        ("?limit=5000", 12),
        ("?limit=5&page=3", 2),
        ("?page=9", 0),
        ("?query=1.CSV", 2),
    ):
        assert len((await api.get(HISTORY + query)).json) == count, query


async def test_an_import_of_many_sheets_in_the_history(api):
    """Rule 5.2."""
    for case_type in ("patient", "household"):
        case = {"case_type": case_type, "case_name": "x", "owner_id": "o"}
        await api.post(api.cases, json=case)
    rows = [["case_id", "name"], ["", "Ada"]]
    book = an_xlsx(patient=rows, household=rows)
    _, status = await ended(api, await sent(api, book, name="a.xlsx"))
    assert status["result"]["created_count"] == 2
    [entry] = (await api.get(HISTORY)).json
    assert entry["case_type"] == "commcare-all-case-types"


async def test_who_is_limited_to_locations_sees_own_imports_alone(api):
    """Rules 14.1 and 15.1: those of others are not there, in list and by id."""
    anna = limited(api, "anna@example.org")
    path, _ = await ended(api, await sent(api, name="editor.csv"))
    own, _ = await ended(api, await sent(api, name="anna.csv", headers=anna))
    listed = (await api.get(HISTORY, headers=anna)).json
    assert [entry["upload_file_name"] for entry in listed] == ["anna.csv"]
    assert len((await api.get(HISTORY)).json) == 2
    for place in (*FILES, *LISTS):
        assert (await api.get(path + place, headers=anna)).status == 404
        assert (await api.get(own + place, headers=anna)).status == 200
    for place in ("comment/", "cancel/"):
        answer = await api.post(path + place, data=b"comment=x", headers=anna)
        assert answer.status == 404
    boss = limited(api, "boss@example.org", role="admin")
    assert (await api.get(path, headers=boss)).status == 404


async def test_imports_of_other_domains_are_not_there(api):
    """Rule 14.1; nor are ids that nobody has or that no id can be."""
    path, _ = await ended(api, await sent(api))
    upload_id = path.removeprefix(HISTORY)
    other = f"/a/elsewhere/importer/history/uploads/{upload_id}status/"
    assert (await api.get(other)).status in {401, 403, 404}
    for unknown in ("nope", "%00", "a" * 400):
        for place in (*FILES, *LISTS):
            answer = await api.get(f"{HISTORY}{unknown}/{place}")
            assert (answer.status, answer.json["code"]) == (404, 404)


@pytest.mark.parametrize("state", ["before", "after"])
async def test_cancel(api, state):
    """Rule 18.4a: state 3 says who and how far; 409 if finished."""
    if state == "before":
        await api.app[WORKER].aclose()
    answer = await sent(api)
    path = answer.json["status_url"].removeprefix(api.base)
    cancel = path.replace("/status/", "/cancel/")
    if state == "before":
        assert (await api.post(cancel)).status == 200
        status = (await api.get(path)).json
        assert (status["state"], status["progress"]["percent"]) == (3, 100)
        [error] = status["result"]["errors"]
        assert error["description"] == "Cancelled by editor@example.org after 0 rows"
        assert error["title"] == "Import Failed"
    else:
        await ended(api, answer)
        refused = await api.post(cancel)
        assert (refused.status, refused.json["code"]) == (409, 409)


async def test_the_list_of_failed_rows(api):
    """Rule 18.4: a line for each, in row order, with the value of the cell."""
    rows = [
        ["", "x" * 300, "", ""],
        ["", "fine", "", ""],
        ["", '=1+"1"', "no body", ""],
        ["", "a, b", "", "nowhere"],
    ]
    head = ["case_id", "full", "owner_name", "parent_id"]
    answer = await sent(api, an_xlsx(People=[head, *rows]), name_column="full")
    assert answer.status == 500  # its name says that it is CSV
    book = an_xlsx(People=[head, *rows])
    path, _ = await ended(api, await sent(api, book, name="a.xlsx", name_column="full"))
    answer = await api.get(f"{path}errors.csv")
    assert "errors.csv" in answer.headers["Content-Disposition"]
    header, *found = lines(answer)
    assert header == ["sheet", "row", "title", "column", "value", "description"]
    assert [line[:5] for line in found] == [
        ["People", "2", "Name Too Long", "name", "x" * 300],
        ["People", "4", "Invalid Owner Name", "owner_name", "no body"],
        ["People", "5", "Invalid Parent ID", "parent_id", "nowhere"],
    ]
    assert found[2][5].startswith("An invalid or unknown parent case")
    marked = await api.get(f"{path}errors.csv?bom=true")
    assert marked.body == "\ufeff".encode() + answer.body


async def test_the_list_has_the_value_that_was_looked_up(api):
    """Too Many Matches names no column; the value is what was searched by."""
    for name in "ab":
        case = {"case_type": "patient", "case_name": name, "external_id": "=x"}
        await api.post(api.cases, json=case | {"owner_id": "o"})
    content = a_csv(["mrn", "age"], ["=x", 4])
    fields = {"search_field": "external_id", "search_column": "mrn"}
    path, status = await ended(api, await sent(api, content, **fields))
    assert len(status["result"]["errors"][0]["candidates"]) == 2
    _, line = lines(await api.get(f"{path}errors.csv"))
    assert line[:5] == ["Sheet1", "2", "Too Many Matches", "", "=x"]


async def test_a_long_list_of_failed_rows_comes_whole(api):
    """It is sent in pieces; every row is there once, in order, of every sheet."""
    rows = [["", f"nobody {n}", "n" * 300 * (n % 2)] for n in range(3000)]
    content = a_csv(["case_id", "owner_name", "name"], *rows)
    path, status = await ended(api, await sent(api, content))
    assert status["result"]["failed_count"] == 3000
    found = lines(await api.get(f"{path}errors.csv"))[1:]
    assert [int(line[1]) for line in found] == list(range(2, 3002))
    assert {line[4] for line in found} == {
        *(f"nobody {n}" for n in range(0, 3000, 2)),
        "n" * 300,
    }


async def test_an_import_without_failed_rows_lists_none(api):
    """Only the header is there."""
    path, _ = await ended(api, await sent(api))
    assert len(lines(await api.get(f"{path}errors.csv"))) == 1


async def test_an_administrator_drops_a_file(api):
    """Rule 15.3: an administrator's act; status and lists of ids stay."""
    boss = api.members.join("boss@example.org", role="admin")
    content = a_csv(["case_id", "name", "owner_name"], ["", "Ada", ""], ["", "", "Bo"])
    path, before = await ended(api, await sent(api, content))
    assert before["result"]["errors"][0]["sample"]
    assert (await api.post(f"{path}forget/")).status == 403
    answer = await api.post(f"{path}forget/", headers=boss)
    assert (answer.status, answer.json) == (200, {})
    for place in FILES:
        gone = await api.get(path + place)
        text = "The file is not there any more"
        assert (gone.status, gone.json) == (404, {"code": 404, "message": text})
    after = (await api.get(f"{path}status/")).json
    assert after["result"]["errors"][0].pop("sample") is None
    before["result"]["errors"][0].pop("sample")
    assert after == before
    assert len((await api.get(f"{path}case_ids.txt")).body.split()) == 1
    assert (await api.post(f"{path}forget/", headers=boss)).status == 200


async def test_a_file_that_is_still_needed_is_not_dropped(api):
    """An import that has not ended must be cancelled first; others are no imports."""
    await api.app[WORKER].aclose()
    boss = api.members.join("boss@example.org", role="admin")
    answer = await sent(api, GOOD)
    path = answer.json["status_url"].removeprefix(api.base).removesuffix("status/")
    refused = await api.post(f"{path}forget/", headers=boss)
    assert refused.status == 409
    assert refused.json["message"].endswith(" is queued; cancel it first")
    assert (await api.get(path)).body == GOOD
    assert (await api.post(f"{HISTORY}x/forget/", headers=boss)).status == 404


async def test_an_erasure_takes_the_file(api):
    """It is named beforehand, then gone; the import still tells how it went."""
    boss = api.members.join("boss@example.org", role="admin")
    path, before = await ended(api, await sent(api))
    case_id = (await api.get(f"{path}case_ids.txt")).body.decode().split()[0]
    erase = f"/a/{DOMAIN}/api/ledger/v1/cases/{case_id}/erase/"
    told = await api.post(erase, json={"dry_run": True}, headers=boss)
    assert [file["name"] for file in told.json["files"]] == ["cases.csv"]
    done = await api.post(erase, json={"reason": "request 12"}, headers=boss)
    assert done.json["files"] == 1
    for place in FILES:
        gone = await api.get(path + place)
        assert (gone.status, gone.json["code"]) == (404, 404)
    assert (await api.get(f"{path}status/")).json == before
    assert len((await api.get(f"{path}case_ids.txt")).body.split()) == 2
