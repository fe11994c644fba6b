"""An operator's limits hold for uploads and their jobs (rules/excel-import.md 16)."""

from __future__ import annotations

import aiohttp
import pytest

from api.config import Config
from api.http.keys import WORKER
from importers.excel.rules.options import limits_from_json
from ledger.jobs import queue as jobs
from tests.http.conftest import DOMAIN
from tests.kit.excel import UPLOAD, ended, sent
from tests.kit.spreadsheets import a_csv, an_xlsx

MOST_ROWS, MOST_COLUMNS, MOST_BYTES = 7, 4, 30_000


@pytest.fixture
def config(url):
    """Serve with small limits; an ordinary body may be smaller than a file."""
    return Config(
        database=url,
        access_log=False,
        body_limit=10_000,
        import_rows=MOST_ROWS,
        import_columns=MOST_COLUMNS,
        import_file_size=MOST_BYTES,
    )


def table(rows, columns=2):
    head = ["case_id", *(f"c{n}" for n in range(columns - 1))]
    return [head, *([[""] + ["x"] * (columns - 1)] * rows)]


@pytest.mark.parametrize(
    ("rows", "columns", "message"),
    [
        (MOST_ROWS, MOST_COLUMNS, None),
        (1, MOST_COLUMNS + 1, "columns. A maximum of 4 is supported."),
        (MOST_ROWS + 1, 2, "rows. A maximum of 7 is supported."),
    ],
    ids=["up to them", "15", "16"],
)
@pytest.mark.parametrize("name", ["a.csv", "a.xlsx"])
async def test_rows_and_columns(api, name, rows, columns, message):
    """Checks 15 and 16 name the limit that is set."""
    made = table(rows, columns)
    content = a_csv(*made) if name == "a.csv" else an_xlsx(Sheet1=made)
    answer = await sent(api, content, name=name)
    if message is None:
        _, status = await ended(api, answer)
        assert status["result"]["created_count"] == rows
    else:
        text = f"Error: Your spreadsheet has too many {message}"
        assert answer.json == {"code": 500, "message": text}


async def test_an_upload_may_be_larger_than_an_ordinary_body(api):
    """The limit of a body follows that of a file."""
    content = a_csv(["case_id", "note"], ["", "n" * 20_000])
    _, status = await ended(api, await sent(api, content))
    assert status["result"]["created_count"] == 1
    answer = await api.post(api.cases, data=b'"' + b"x" * 20_000 + b'"')
    assert answer.status == 413


@pytest.mark.parametrize("size", [MOST_BYTES + 1, 2_000_000])
async def test_a_file_that_is_too_large(api, size):
    """Check 19: 413 in the form of this family, however large."""
    answer = await sent(api, b"n" * size)
    assert answer.status == 413
    message = "Error: The file is larger than 0.03 MB."
    assert answer.json == {"code": 500, "message": message}


async def test_a_body_that_does_not_say_how_long_it_is(api):
    """Check 19 counts what comes."""

    async def endless():
        yield b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.csv"'
        yield b"\r\n\r\n"
        for _ in range(30):
            yield b"n" * 65_536

    headers = {**api.credentials, "Content-Type": "multipart/form-data; boundary=x"}
    async with (
        aiohttp.ClientSession() as session,
        session.post(api.base + UPLOAD, data=endless(), headers=headers) as answer,
    ):
        assert answer.status == 413


async def test_the_job_keeps_the_limits_of_its_upload(api):
    """What was taken is imported, whatever is set meanwhile."""
    await api.app[WORKER].aclose()
    answer = await sent(api, a_csv(*table(2)))
    upload_id = answer.json["status_url"].split("/")[-3]
    with api.members.store.reading(DOMAIN) as reader:
        job = jobs.get_job(reader.conn, (DOMAIN, upload_id))
    limits = limits_from_json(job.options)
    assert (limits.rows, limits.columns) == (MOST_ROWS, MOST_COLUMNS)
    assert limits.file_size == MOST_BYTES
