"""The Excel import over HTTP (``excel-import.md`` sections 1 to 3, 14, 15, 18.4)."""

from __future__ import annotations

from io import BytesIO

import aiohttp
import openpyxl
import pytest

from api.keys import WORKER
from tests.http.conftest import DOMAIN
from tests.importers.spreadsheets import a_csv, an_xlsx

UPLOAD = f"/a/{DOMAIN}/importer/excel/bulk_upload_api/"
HISTORY = f"/a/{DOMAIN}/importer/history/uploads/"
GOOD = a_csv(["case_id", "name", "age"], ["", "Ada", 36], ["", "Bo", 7])


async def sent(api, content=GOOD, *, name="cases.csv", headers=None, **fields):
    """Upload a file with these fields; a field of ``None`` is left out."""
    form = aiohttp.FormData()
    if content is not None:
        form.add_field("file", content, filename=name)
    fields = {"case_type": "patient", "create_new_cases": "on"} | fields
    for field, value in fields.items():
        if value is not None:
            form.add_field(field, value)
    if content is None:
        form.add_field("file", "just text")
    return await api.post(UPLOAD, data=form, headers=headers)


async def ended(api, answer):
    """Wait for the import of an answer; return the path of it and its status."""
    assert answer.status == 200, answer.body
    assert set(answer.json) == {"code", "message", "status_url"}
    path = answer.json["status_url"].removeprefix(api.base)
    upload_id = path.removeprefix(HISTORY).partition("/")[0]
    await api.app[WORKER].see_through((DOMAIN, upload_id))
    return f"{HISTORY}{upload_id}/", (await api.get(path)).json


async def test_an_upload_is_taken_and_becomes_cases(api):
    """Sections 3.1 and 14.2: exactly these keys, state 2, counts of rows."""
    answer = await sent(api)
    assert (answer.json["code"], answer.json["message"]) == (200, "success")
    path, status = await ended(api, answer)
    assert (status["state"], status["progress"]) == (2, {"percent": 100})
    result = status["result"]
    assert (result["created_count"], result["match_count"]) == (2, 0)
    assert (result["num_chunks"], result["errors"]) == (1, [])
    forms = (await api.get(f"{path}form_ids.txt")).body.decode().splitlines()
    assert forms == result["form_ids"]
    cases = (await api.get(f"{path}case_ids.txt")).body.decode().splitlines()
    names = [(await api.get(f"{api.cases}/{i}")).json["case_name"] for i in cases]
    assert names == ["Ada", "Bo"]
    answer = await api.get(path)
    assert answer.body == GOOD
    assert "cases.csv" in answer.headers["Content-Disposition"]


async def test_who_may_upload(api):
    """Section 1: 405 for a GET, 401, 403."""
    assert (await api.get(UPLOAD)).status == 405
    assert (await api.post(UPLOAD, data=b"", anonymous=True)).status == 401
    viewer = api.members.join("viewer@example.org", role="viewer")
    assert (await sent(api, headers=viewer)).status == 403
    for path in ("", "x/status/", "x/", "x/form_ids.txt"):
        assert (await api.get(f"{HISTORY}{path}", headers=viewer)).status == 403
        assert (await api.get(f"{HISTORY}{path}", anonymous=True)).status == 401


MISSING = "Error: Invalid POST request. Both 'file' and 'case_type' are required"
EXTENSIONS = "Please upload file with one of the following extensions: csv, xls, xlsx"
ERROR = "The file uploaded has the following error: "
NO_ZIP = f"{ERROR}File is not a zip file"
ENCRYPTED = (
    "The file you want to import is password protected. "
    "Please choose a file that is not password protected."
)
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600


@pytest.mark.parametrize(
    ("content", "fields", "message"),
    [
        pytest.param(None, {}, MISSING, id="1 no file"),
        pytest.param(GOOD, {"case_type": None}, MISSING, id="1 no type"),
        pytest.param(GOOD, {"case_type": ""}, MISSING, id="1 empty type"),
        pytest.param(
            GOOD,
            {"search_field": "name"},
            "Error: Illegal value for search_field: name",
            id="2",
        ),
        pytest.param(GOOD, {"name": "a.txt"}, EXTENSIONS, id="3"),
        pytest.param(GOOD, {"name": "a"}, EXTENSIONS, id="3 none"),
        pytest.param(
            GOOD, {"name": "a.xlsx"}, f"{ERROR}File is not a zip file", id="4"
        ),
        pytest.param(OLE, {"name": "a.xlsx"}, ENCRYPTED, id="5"),
        pytest.param(b"x", {}, f"{ERROR}File is empty", id="8"),
        pytest.param(b"a,b\n\xff", {}, f"{ERROR}File is not UTF-8 text", id="9"),
        pytest.param(
            a_csv(["case_id", "a b", "1", "xmlThing"]),
            {},
            "Column names correspond to case property names. They must start with a "
            "letter, and can only contain letters, numbers and underscores. "
            "Please update the following: a b, 1, xmlThing.",
            id="13",
        ),
        pytest.param(
            a_csv([f"c{n}" for n in range(301)]),
            {},
            "Error: Your spreadsheet has too many columns. "
            "A maximum of 300 is supported.",
            id="15",
        ),
        pytest.param(
            GOOD,
            {"comment": "c" * 2049},
            "Error: comment must be shorter than 2048 characters",
            id="17",
        ),
        pytest.param(
            GOOD,
            {"case_type": "t" * 256},
            "Error: case_type cannot be longer than 255 characters",
            id="section 16",
        ),
    ],
)
async def test_what_is_refused(api, content, fields, message):
    """Section 3.2: a 500 with code and message, and no job."""
    answer = await sent(api, content, **fields)
    assert answer.status == 500
    assert answer.json == {"code": 500, "message": message}
    assert (await api.get(HISTORY)).json == []


async def test_bodies_that_are_no_form_are_refused(api):
    """Check 1, in whatever they differ."""
    for headers in ({}, {"Content-Type": "multipart/form-data; boundary=x"}):
        answer = await api.post(UPLOAD, data=b"--x\r\nbroken", headers=headers)
        assert (answer.status, answer.json["message"]) == (500, MISSING)


async def test_row_errors_and_the_workbook_of_failed_rows(api):
    """Sections 14.3 and 18: groups, samples; the failed rows can be sent again."""
    rows = [["", "n" * 256, ""], ["", "ok", ""], ["", "x", "nobody"]]
    book = an_xlsx(Sheet1=[["case_id", "name", "owner_name"], *rows])
    path, status = await ended(api, await sent(api, book, name="a.xlsx"))
    result = status["result"]
    assert (result["created_count"], result["failed_count"]) == (1, 2)
    assert result["row_count"] == 3
    long, owner = result["errors"]
    assert (long["title"], long["column"], long["rows"]) == (
        "Name Too Long",
        "name",
        [2],
    )
    assert owner["sample"] == 'Sample: Cell in row 4 contains "nobody"'
    assert (owner["count"], owner["row_ranges"], owner["sheet"]) == (1, "4", "Sheet1")
    failed = await api.get(f"{path}failed_rows.xlsx")
    found = list(openpyxl.load_workbook(BytesIO(failed.body)).active.values)
    assert found[0] == ("case_id", "name", "owner_name", "import_error")
    assert [row[2] for row in found[1:]] == [None, "nobody"]
    assert found[2][3].startswith("Invalid Owner Name: ")
    _, again = await ended(api, await sent(api, failed.body, name="failed.xlsx"))
    assert again["result"]["failed_count"] == 2
    assert [w["column"] for w in again["result"]["warnings"]] == ["import_error"]


async def test_a_dry_run_writes_nothing(api):
    """Section 18.2."""
    path, status = await ended(api, await sent(api, dry_run="on"))
    assert status["result"]["dry_run"] is True
    assert status["result"]["created_count"] == 2
    assert status["result"]["num_chunks"] == 1
    assert (await api.get(f"{path}form_ids.txt")).body == b""
    assert (await api.get(f"{path}case_ids.txt")).body == b""
    assert (await api.get(api.cases)).json["matching_records"] == 0


async def test_a_failed_import_is_state_3(api):
    """Section 14.4."""
    content = a_csv(["case_id", "type"], ["", "x"])
    _, status = await ended(api, await sent(api, content))
    assert (status["state"], status["progress"]["percent"]) == (3, 100)
    [error] = status["result"]["errors"]
    assert error["title"] == "Import Failed"
    assert (error["column"], error["rows"]) == ("type", [])
    assert error["description"] == 'Error: Field name "type" is reserved'


async def test_the_history(api):
    """Section 15: newest first, found by file name or comment, with these keys."""
    first, _ = await ended(api, await sent(api, name="one.csv", comment="spring"))
    await ended(api, await sent(api, name="two.csv"))
    listed = (await api.get(HISTORY)).json
    assert [one["upload_file_name"] for one in listed] == ["two.csv", "one.csv"]
    one = listed[1]
    assert (one["comment"], one["case_type"], one["domain"]) == (
        "spring",
        "patient",
        DOMAIN,
    )
    assert one["upload_file_length"] == len(GOOD)
    assert one["upload_file_download_allowed"] is True
    assert one["upload_comment_edit_allowed"] is True
    assert one["task_status"]["state"] == 2
    for query, names in (
        ("?limit=1", ["two.csv"]),
        ("?limit=1&page=2", ["one.csv"]),
        ("?query=SPRING", ["one.csv"]),
        ("?query=two", ["two.csv"]),
        ("?limit=x&page=0", ["two.csv", "one.csv"]),
    ):
        found = (await api.get(HISTORY + query)).json
        assert [f["upload_file_name"] for f in found] == names
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = await api.post(f"{first}comment/", data=b"comment=in+May", headers=form)
    assert (answer.status, answer.json) == (200, {})
    assert (await api.get(f"{HISTORY}?query=in%20may")).json[0]["comment"] == "in May"


async def test_comments_and_files_have_their_owner(api):
    """Section 15, page comment and file download."""
    path, _ = await ended(api, await sent(api))
    other = api.members.join("other@example.org")
    admin = api.members.join("admin@example.org", role="admin")
    assert (await api.get(path, headers=other)).status == 403
    assert (await api.get(path, headers=admin)).status == 200
    for body, headers, status in (
        (b"comment=x", other, 403),
        (b"", {}, 400),
        (b"comment=" + b"x" * 2049, {}, 400),
    ):
        answer = await api.post(f"{path}comment/", data=body, headers=headers)
        assert answer.status == status
    missing = ("", "status/", "form_ids.txt", "case_ids.txt", "failed_rows.xlsx")
    for place in missing:
        assert (await api.get(f"{HISTORY}nope/{place}")).status == 404
    assert (await api.post(f"{HISTORY}nope/comment/", data=b"comment=x")).status == 404


async def test_an_import_is_cancelled_while_it_waits(api):
    """Section 18.4: state 3 says who; what has ended cannot be cancelled."""
    await api.app[WORKER].aclose()
    answer = await sent(api)
    path = answer.json["status_url"].removeprefix(api.base)
    assert (await api.get(path)).json == {
        "state": 0,
        "progress": {"percent": None},
        "result": None,
    }
    cancel = path.replace("/status/", "/cancel/")
    assert (await api.post(cancel)).status == 200
    status = (await api.get(path)).json
    assert status["state"] == 3
    [error] = status["result"]["errors"]
    assert error["description"] == "Cancelled by editor@example.org after 0 rows"
