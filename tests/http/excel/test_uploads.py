"""The Excel import over HTTP (``rules/excel-import.md`` 1 to 3, 14, 15, 18.4)."""

from __future__ import annotations

from io import BytesIO
from uuid import UUID

import openpyxl

from api.http.keys import WORKER
from tests.http.conftest import DOMAIN
from tests.kit.excel import GOOD, HISTORY, UPLOAD, ended, sent
from tests.kit.spreadsheets import a_csv, an_xlsx


async def test_an_upload_is_taken_and_becomes_cases(api):
    """Rules 3.1 and 14.2: exactly these keys, state 2, counts of rows."""
    answer = await sent(api)
    assert (answer.json["code"], answer.json["message"]) == (200, "success")
    upload_id = answer.json["status_url"].removeprefix(f"{api.base}{HISTORY}")
    assert UUID(upload_id.removesuffix("/status/")).version == 4
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


async def test_fields_come_in_any_order_and_others_are_ignored(api):
    """Rule 2.1: the last of each name counts."""
    parts = [
        ('name="case_type"', "no"),
        ('name="other"', "x" * 200_000),
        ('name="file"; filename="first.csv"', "a b"),
        ('name="create_new_cases"', "on"),
        ('name="file"; filename="../../up/second.csv"', GOOD.decode()),
        ('name="case_type"', "well"),
    ]
    body = "".join(
        f"--x\r\nContent-Disposition: form-data; {head}\r\n\r\n{text}\r\n"
        for head, text in parts
    )
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    answer = await api.post(UPLOAD, data=f"{body}--x--".encode(), headers=headers)
    path, status = await ended(api, answer)
    assert status["result"]["created_count"] == 2
    [entry] = (await api.get(HISTORY)).json
    assert (entry["upload_file_name"], entry["case_type"]) == ("second.csv", "well")
    assert (await api.get(path)).body == GOOD


async def test_row_errors_and_the_workbook_of_failed_rows(api):
    """Rules 14.3 and 18: groups, samples; the failed rows can be sent again."""
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


async def test_names_and_ids_as_people_write_them(api):
    """Rules 2.4a, 6.1b and 14.2c: fields are trimmed, headers meant, cases counted."""
    content = a_csv(
        ["External ID", "Name"], ["12.0", "Ada"], ["12", "Ada L."], ["x", "n" * 256]
    )
    fields = {"search_field": "external_id", "case_type": "patient\u00a0"}
    path, status = await ended(api, await sent(api, content, **fields))
    result = status["result"]
    assert (result["created_count"], result["match_count"]) == (1, 1)
    assert result["case_count"] == 1
    told = [(w["title"], w["column"], w["rows"]) for w in result["warnings"]]
    assert told == [
        ("Column taken as another", "External ID", []),
        ("Column taken as another", "Name", []),
        ("Trimmed field", "", []),
        ("Whole number as ID", "External ID", [2]),
        ("Same ID in several rows", "External ID", [2, 3]),
    ]
    found = (await api.get(f"{api.cases}?case_type=patient")).json["cases"]
    assert [(c["case_name"], c["external_id"]) for c in found] == [("Ada L.", "12")]
    failed = await api.get(f"{path}failed_rows.xlsx")
    about = openpyxl.load_workbook(BytesIO(failed.body)).properties.description
    assert about == "1 rows failed; 2 rows made or changed 1 cases"


async def test_columns_of_one_name_that_differ_are_refused(api):
    """Rule 4.2b: before anything is promised, and mended it is taken."""
    rows = [["", "a", "a"], ["", "b", "c"]]
    refused = await sent(api, a_csv(["case_id", "name", "name"], *rows))
    assert (refused.status, refused.json["message"]) == (
        500,
        (
            'Error: Several columns are called "name", and they differ in row 3. '
            "Rename or remove all but one of them."
        ),
    )
    taken = await sent(api, a_csv(["case_id", "name", "alias"], *rows))
    assert taken.status == 200


async def test_a_dry_run_writes_nothing(api):
    """Rule 18.2."""
    path, status = await ended(api, await sent(api, dry_run="on"))
    assert status["result"]["dry_run"] is True
    assert status["result"]["created_count"] == 2
    assert status["result"]["num_chunks"] == 1
    assert (await api.get(f"{path}form_ids.txt")).body == b""
    assert (await api.get(f"{path}case_ids.txt")).body == b""
    assert (await api.get(api.cases)).json["matching_records"] == 0


async def test_a_failed_import_is_state_3(api):
    """Rule 14.4."""
    content = a_csv(["case_id", "type"], ["", "x"])
    _, status = await ended(api, await sent(api, content))
    assert (status["state"], status["progress"]["percent"]) == (3, 100)
    [error] = status["result"]["errors"]
    assert error["title"] == "Import Failed"
    assert (error["column"], error["rows"]) == ("type", [])
    assert error["description"] == 'Error: Field name "type" is reserved'


async def test_the_history(api):
    """Rules 15.1 and 15.2: newest first, found by name or comment, with these keys."""
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
    """Rules 15.3 and 15.5."""
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
    """Rule 18.4a: state 3 says who; what has ended cannot be cancelled."""
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
