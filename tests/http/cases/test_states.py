"""rules/case-xml.md 15 over HTTP: a case is deleted, restored and rebuilt."""

from __future__ import annotations

import pytest

from ledger.log import entries_after

ACTS = ("delete", "restore", "rebuild")


@pytest.fixture
async def admin(api):
    """Return the header of somebody who may do everything."""
    return api.members.join("admin@example.org", role="admin")


async def act(api, name, case_id, *, reason=None, **more):
    """Do something with a case; return what the server said."""
    body = None if reason is None else {"reason": reason}
    path = f"/a/{api.domain}/api/ledger/v1/cases/{case_id}/{name}/"
    return await api.post(path, body, **more)


async def status(api, case_id):
    """Return how the case API answers for a case."""
    return (await api.get(f"{api.cases}/{case_id}")).status


def last(api):
    """Return the last entry of the log."""
    with api.members.store.reading(api.domain) as reader:
        return entries_after(reader, 0, limit=1000)[-1][0]


async def test_a_deleted_case_is_in_no_list_until_it_is_restored(api):
    """Rule 15.6: a flag, and back."""
    case = await api.create()
    deleted = await act(api, "delete", case["case_id"], reason="a test")
    assert deleted.json == {
        "case_id": case["case_id"],
        "changed": True,
        "position": last(api).position,
    }
    assert last(api).kind == "case_delete"
    assert last(api).details["reason"] == "a test"
    assert await status(api, case["case_id"]) == 404
    assert (await api.get(api.cases)).json["matching_records"] == 0
    assert (await act(api, "restore", case["case_id"])).json["changed"]
    restored = (await api.get(f"{api.cases}/{case['case_id']}")).json
    assert restored["properties"] == case["properties"]
    assert restored["indexed_on"] > case["indexed_on"]


async def test_a_case_is_deleted_once(api):
    """Nothing is appended when there is nothing to do."""
    case = await api.create()
    assert not (await act(api, "restore", case["case_id"])).json["changed"]
    await act(api, "delete", case["case_id"])
    before = last(api).position
    again = await act(api, "delete", case["case_id"])
    assert again.json == {
        "case_id": case["case_id"],
        "changed": False,
        "position": None,
    }
    assert last(api).position == before


async def test_a_rebuild_says_who_wanted_it_and_changes_no_value(api, admin):
    """Rule 16.6: same state, later change."""
    case = await api.create(properties={"a": "1"})
    rebuilt = await act(
        api, "rebuild", case["case_id"], reason="after a doubt", headers=admin
    )
    assert rebuilt.json["changed"]
    assert (last(api).kind, last(api).details["reason"]) == (
        "case_rebuild",
        "after a doubt",
    )
    found = (await api.get(f"{api.cases}/{case['case_id']}")).json
    changed = {name for name, value in found.items() if value != case[name]}
    assert changed == {"server_last_modified", "indexed_on"}


@pytest.mark.parametrize("name", ACTS)
@pytest.mark.parametrize("case_id", ["nope", "%00", "a%2Fb"])
async def test_an_unknown_case_is_a_404(api, admin, name, case_id):
    """With the text of the case API; nothing is appended."""
    before = last(api).position
    answer = await act(api, name, case_id, headers=admin)
    assert answer.status == 404
    assert answer.error.startswith("Case '")
    assert last(api).position == before


@pytest.mark.parametrize("name", ACTS)
async def test_a_body_that_gives_no_good_reason_is_a_400(api, admin, name):
    """Bad input names the field."""
    case = await api.create()
    path = f"/a/{api.domain}/api/ledger/v1/cases/{case['case_id']}/{name}"
    answer = await api.post(path, {"reason": ["x"]}, headers=admin)
    assert (answer.status, answer.error) == (400, "'reason' must be a string")
    assert answer.json["errors"][0]["field"] == "reason"


@pytest.mark.parametrize(
    ("role", "allowed"),
    [
        ("viewer", ()),
        ("mobile", ()),
        ("editor", ("delete", "restore")),
        ("admin", ACTS),
    ],
)
async def test_each_role_does_what_it_may(api, role, allowed):
    """Deleting a case is changing data; a rebuild is for administrators."""
    headers = api.members.join(f"{role}2@example.org", role=role)
    for name in ACTS:
        answer = await act(api, name, "nope", headers=headers)
        assert answer.status == (404 if name in allowed else 403), name
