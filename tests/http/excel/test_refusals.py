"""What an upload is refused with (``rules/excel-import.md`` 1, 3.2 and 16)."""

from __future__ import annotations

import base64

import pytest

from tests.http.conftest import PASSWORD
from tests.kit import workbooks
from tests.kit.excel import GOOD, HISTORY, UPLOAD, ended, sent
from tests.kit.spreadsheets import a_csv, an_xlsx

MISSING = "Error: Invalid POST request. Both 'file' and 'case_type' are required"
EXTENSIONS = "Please upload file with one of the following extensions: csv, xls, xlsx"
REMEDY = 'Save the file as "CSV UTF-8" and send that.'
ERROR = "The file uploaded has the following error: "
NO_ZIP = f"{ERROR}File is not a zip file"
ENCRYPTED = (
    "The file you want to import is password protected. "
    "Please choose a file that is not password protected."
)
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600


HEADERS = (
    "Column names correspond to case property names. They must start with a letter, "
    "and can only contain letters, numbers and underscores. "
    "Please update the following: {}."
)
COLUMNS = "Error: Your spreadsheet has too many columns. A maximum of 300 is supported."
ROWS = "Error: Your spreadsheet has too many rows. A maximum of 100000 is supported."
NO_SHEETS = (
    f"{ERROR}It seems as though your spreadsheet contains no sheets. "
    "Please resave it and try again."
)
EMPTY = (
    "Error: Your spreadsheet is empty. Please try again with a different spreadsheet."
)
BOMB = f"{ERROR}The file unpacks to more than 10 MB"
LONG_COMMENT = "Error: comment must be shorter than 2048 characters"


def an_old_book(folder, *, locked=False):
    path = workbooks.write_xls(folder / "a.xls", [["case_id", "name"], ["", "Ada"]])
    if locked:
        workbooks.lock_xls(path)
    return path.read_bytes()


def a_chart_alone(folder):
    sheet = '<sheet name="C" sheetId="1" r:id="rId3"/>'
    parts = [("xl/c.xml", "<chartsheet/>")]
    path = workbooks.raw_xlsx(folder / "a.xlsx", "", sheets=sheet, parts=parts)
    return path.read_bytes()


def a_book(*rows):
    return an_xlsx(Sheet1=rows)


def too_many_rows():
    return b"case_id,age\n" + b",1\n" * 100_001


XLSX, XLS = {"name": "a.xlsx"}, {"name": "a.xls"}
REFUSALS = {
    "1 no file": (lambda _: None, {}, MISSING),
    "1 no type": (lambda _: GOOD, {"case_type": None}, MISSING),
    "1 empty type": (lambda _: GOOD, {"case_type": ""}, MISSING),
    "2": (
        lambda _: GOOD,
        {"search_field": "name"},
        "Error: Illegal value for search_field: name",
    ),
    "2 empty": (
        lambda _: GOOD,
        {"search_field": ""},
        "Error: Illegal value for search_field: ",
    ),
    "3": (lambda _: GOOD, {"name": "a.doc"}, EXTENSIONS),
    "3 none": (lambda _: GOOD, {"name": "a"}, EXTENSIONS),
    "4 text": (lambda _: GOOD, XLSX, NO_ZIP),
    "4 cut": (lambda _: a_book(["case_id"])[:900], XLSX, NO_ZIP),
    "4 zero bytes": (lambda _: b"", XLSX, NO_ZIP),
    "5": (lambda _: OLE, XLSX, ENCRYPTED),
    "5 an xls": (an_old_book, XLSX, ENCRYPTED),
    "6": (lambda folder: an_old_book(folder, locked=True), XLS, ENCRYPTED),
    "7": (
        lambda _: a_book(["case_id"]),
        XLS,
        f"{ERROR}Excel xlsx file; not supported",
    ),
    "8 none": (lambda _: b"", {}, f"{ERROR}File is empty"),
    "8 one": (lambda _: b"x", {}, f"{ERROR}File is empty"),
    "9": (
        lambda _: "a,b\né".encode() + b"\n\xe9,1\n",
        {},
        f"{ERROR}Row 3 is neither UTF-8 nor text of one known code page. {REMEDY}",
    ),
    "9 NUL": (
        lambda _: b"a,b\n\0,",
        {},
        f"{ERROR}Row 2 holds a zero byte, which no text has. {REMEDY}",
    ),
    "10": (a_chart_alone, XLSX, NO_SHEETS),
    "13": (
        lambda _: a_csv(["case_id", "a b", "1", "xmlThing"]),
        {},
        HEADERS.format("a b, 1, xmlThing"),
    ),
    "13 example 19": (
        lambda _: a_book(["case_id", 1, "foo+bar", "?", "parent/maternal"]),
        XLSX,
        HEADERS.format("1, foo+bar, ?, parent/maternal"),
    ),
    "14": (
        lambda folder: workbooks.write_xls(folder / "e.xls", []).read_bytes(),
        XLS,
        EMPTY,
    ),
    "15": (lambda _: a_csv([f"c{n}" for n in range(301)]), {}, COLUMNS),
    "15 xlsx": (lambda _: a_book([f"c{n}" for n in range(301)]), XLSX, COLUMNS),
    "16": (lambda _: too_many_rows(), {}, ROWS),
    "17": (lambda _: GOOD, {"comment": "c" * 2049}, LONG_COMMENT),
    "18 no workbook": (
        lambda folder: workbooks.write_zip(folder / "a", {"a": "b"}).read_bytes(),
        XLSX,
        f"{ERROR}File is not an Excel workbook",
    ),
    "18 broken XML": (
        lambda folder: workbooks.raw_xlsx(folder / "a", "<row><").read_bytes(),
        XLSX,
        None,
    ),
    "18 bomb": (
        lambda folder: workbooks.raw_xlsx(folder / "a", " " * 30_000_000).read_bytes(),
        XLSX,
        BOMB,
    ),
    "16 case type": (
        lambda _: GOOD,
        {"case_type": "t" * 256},
        "Error: case_type cannot be longer than 255 characters",
    ),
}


@pytest.mark.parametrize(("make", "fields", "message"), REFUSALS.values(), ids=REFUSALS)
async def test_what_is_refused(api, tmp_path, make, fields, message):
    """Rules 3.2 and 16: a 500 with code and message, nothing stored, no job."""
    answer = await sent(api, make(tmp_path), **fields)
    assert answer.status == 500
    assert set(answer.json) == {"code", "message"}
    assert answer.json["code"] == 500
    if message is None:
        assert answer.json["message"].startswith(ERROR)
    else:
        assert answer.json["message"] == message
    assert (await api.get(HISTORY)).json == []


@pytest.mark.parametrize(
    ("content", "fields", "message"),
    [
        (GOOD, {"search_field": "x", "name": "a.doc"}, "Error: Illegal value"),
        (b"x", {"name": "a.doc"}, EXTENSIONS),
        (a_csv(["a b", *(f"c{n}" for n in range(300))]), {}, HEADERS[:40]),
        (b"a b\n" + b"1\n" * 100_001, {}, HEADERS[:40]),
        (a_csv(["a b"]), {"comment": "c" * 2049}, HEADERS[:40]),
    ],
    ids=["2 before 3", "3 before 8", "13 before 15", "13 before 16", "13 before 17"],
)
async def test_the_first_check_that_fails_answers(api, content, fields, message):
    """Rule 3.2: the checks run in this order."""
    answer = await sent(api, content, **fields)
    assert answer.status == 500
    assert answer.json["message"].startswith(message)


@pytest.mark.parametrize(
    ("second", "message"),
    [
        (["a b"], HEADERS.format("a b")),
        ([f"c{n}" for n in range(301)], COLUMNS),
    ],
    ids=["13", "15"],
)
async def test_every_sheet_of_many_is_checked(api, second, message):
    """Rule 3.2b; a sheet that is ignored is not looked at."""
    book = an_xlsx(patient=[["case_id", "name"], ["", "Ada"]], household=[second])
    assert (await sent(api, book, name="a.xlsx")).status == 200
    for case_type in ("patient", "household"):
        case = {"case_type": case_type, "case_name": "x", "owner_id": "o"}
        assert (await api.post(api.cases, json=case)).status == 200
    answer = await sent(api, book, name="a.xlsx")
    assert (answer.status, answer.json["message"]) == (500, message)


async def test_what_is_no_refusal(api):
    """Check 12: the first import of a domain; rules 2.7 and 16, up to the limit."""
    content = a_csv([f"c{n}" for n in range(299)] + ["case_id"])
    fields = {"case_type": "t" * 255, "comment": "c" * 2048, "name": "A.CSV"}
    _, status = await ended(api, await sent(api, content, **fields))
    assert status["state"] == 2
    _, status = await ended(api, await sent(api))
    assert status["result"]["created_count"] == 2


@pytest.mark.parametrize("name", ["a.xlsx", "a.xls", "a.ods"])
async def test_every_format_is_read(api, tmp_path, name):
    """Rule 4.1: each of the formats."""
    path, head = tmp_path / name, ["case_id", "name"]
    if name == "a.ods":
        cells = [[workbooks.ods_cell(t, value_type="string") for t in head]]
        cells += [
            ["<table:table-cell/>", workbooks.ods_cell("Ada", value_type="string")]
        ]
        workbooks.write_ods(path, cells)
    else:
        make = workbooks.write_xls if name == "a.xls" else workbooks.write_xlsx
        make(path, [head, [None, "Ada"]])
    _, status = await ended(api, await sent(api, path.read_bytes(), name=name))
    assert status["result"]["created_count"] == 1


async def test_an_empty_workbook_is_taken(api):
    """Rule 14.4: state 2, zeros, a warning."""
    _, status = await ended(api, await sent(api, a_book(), name="a.xlsx"))
    result = status["result"]
    assert (status["state"], result["num_chunks"], result["row_count"]) == (2, 0, 0)
    assert [w["title"] for w in result["warnings"]] == ["Empty sheet"]


async def test_bodies_that_are_no_form_are_refused(api):
    """Check 1, in whatever they differ."""
    for headers in ({}, {"Content-Type": "multipart/form-data; boundary=x"}):
        answer = await api.post(UPLOAD, data=b"--x\r\nbroken", headers=headers)
        assert (answer.status, answer.json["message"]) == (500, MISSING)


async def test_methods_come_before_credentials(api):
    """Rule 1.3: 405 for a GET on the upload URL, whoever asks."""
    for anonymous in (False, True):
        answer = await api.get(UPLOAD, anonymous=anonymous)
        assert (answer.status, answer.headers["Allow"]) == (405, "POST")
    assert (await api.get(UPLOAD.rstrip("/"), anonymous=True)).status == 405


PAGES = ("", "x/status/", "x/", "x/form_ids.txt", "x/case_ids.txt", "x/errors.csv")
ACTS = ("x/comment/", "x/cancel/", "x/forget/")


async def test_who_may_do_anything_here(api):
    """Rule 1.2: 401 with a plain body, 403 as JSON, on all of these addresses."""
    viewer = api.members.join("viewer@example.org", role="viewer")
    asked = [("POST", UPLOAD), *(("GET", HISTORY + page) for page in PAGES)]
    asked += [("POST", HISTORY + act) for act in ACTS]
    asked += [("GET", f"{HISTORY}x/failed_rows.xlsx")]
    for method, path in asked:
        answer = await api.request(method, path, anonymous=True)
        assert answer.status == 401
        assert answer.headers["Content-Type"].startswith("text/plain")
        assert answer.headers["WWW-Authenticate"]
        answer = await api.request(method, path, headers=viewer)
        assert (answer.status, answer.json["code"]) == (403, 403)
        assert set(answer.json) == {"code", "message"}


async def test_basic_credentials_are_taken(api):
    """Rule 1.2: upload and status by HTTP Basic."""
    api.members.join("basic@example.org", password=PASSWORD)
    word = base64.b64encode(f"basic@example.org:{PASSWORD}".encode()).decode()
    basic = {"Authorization": f"Basic {word}"}
    answer = await sent(api, headers=basic)
    path = answer.json["status_url"].removeprefix(api.base)
    assert (await api.get(path, headers=basic)).status == 200
