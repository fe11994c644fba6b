"""An upload repeated under its key is one import (rules/excel-import.md 18.4b)."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import update

from ledger.storage.connection import Statement
from ledger.tables import idempotency
from tests.http.conftest import DOMAIN
from tests.kit.excel import GOOD, HISTORY, ended, sent
from tests.kit.spreadsheets import a_csv

KEY = {"Idempotency-Key": "monday's list"}
DAY = 24 * 3600 * 1_000_000
_AGE = Statement(update(idempotency).values(created_on=idempotency.c.created_on - DAY))


async def uploads(api):
    """Return how many imports there are."""
    return len((await api.get(HISTORY)).json)


async def test_the_same_upload_is_answered_the_same(api):
    """No second job, also when the first one is through; the boundary may differ."""
    first = await sent(api, headers=KEY)
    await ended(api, first)
    again = await sent(api, headers=KEY)
    assert (again.status, again.json) == (200, first.json)
    assert await uploads(api) == 1


@pytest.mark.parametrize(
    ("content", "fields"),
    [
        (a_csv(["case_id", "name"], ["", "Cy"]), {}),
        (GOOD, {"name": "other.csv"}),
        (GOOD, {"case_type": "household"}),
        (GOOD, {"create_new_cases": None}),
        (GOOD, {"dry_run": "on"}),
        (GOOD, {"comment": "again"}),
    ],
    ids=["file", "file name", "case type", "creating", "dry run", "comment"],
)
async def test_another_upload_under_the_key_is_refused(api, content, fields):
    """Another file or other parameters: 409."""
    await sent(api, headers=KEY)
    answer = await sent(api, content, headers=KEY, **fields)
    message = "This Idempotency-Key was used with another request"
    assert (answer.status, answer.json) == (409, {"code": 409, "message": message})
    assert await uploads(api) == 1


async def test_uploads_that_race_are_one(api):
    """Whoever comes first adds the job, in one commit with the answer."""
    answers = await asyncio.gather(*(sent(api, headers=KEY) for _ in range(6)))
    assert {answer.status for answer in answers} == {200}
    assert len({answer.json["status_url"] for answer in answers}) == 1
    assert await uploads(api) == 1


async def test_a_key_belongs_to_its_user(api):
    """The same key of somebody else is another upload."""
    other = api.members.join("other@example.org")
    await sent(api, headers=KEY)
    await sent(api, headers=KEY | other)
    assert await uploads(api) == 2


async def test_a_key_is_free_after_a_day(api):
    """24 hours: then it stands for the next upload."""
    first = await sent(api, headers=KEY)
    with api.members.store.writing(DOMAIN) as writer:
        writer.conn.run(_AGE)
    other = await sent(api, a_csv(["case_id", "name"], ["", "Cy"]), headers=KEY)
    assert other.status == 200
    assert other.json["status_url"] != first.json["status_url"]
    assert (await sent(api, headers=KEY)).status == 409


async def test_a_refusal_keeps_no_key(api):
    """Whoever mends the file sends it under the same key."""
    assert (await sent(api, b"a b\n", headers=KEY)).status == 500
    assert (await sent(api, headers=KEY)).status == 200


async def test_a_key_that_cannot_be_kept_is_refused(api):
    """Printable ASCII, 255 characters at most."""
    answer = await sent(api, headers={"Idempotency-Key": "k" * 256})
    assert (answer.status, answer.json["code"]) == (400, 400)
    assert await uploads(api) == 0
