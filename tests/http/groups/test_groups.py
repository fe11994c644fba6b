"""Groups over HTTP: the rows of rules/hq-apis.md 9, on both databases."""

from __future__ import annotations

import json

from ledger.directory import groups
from ledger.directory.users import get_user

GROUPS = "/a/demo/api/v0.5/group/"


def told(answer):
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
    return json.loads(answer.body)


async def test_a_group_is_made_read_changed_and_taken_away(admin, people):
    """Rules 9.1 and 9.2: the object, partial changes, members that only join."""
    amina, ben = (people.user(name, "mobile").user_id for name in ("amina", "ben"))
    first = people.group("Zebra", people.read(get_user, amina))
    said = {
        "name": "Team",
        "users": [ben, amina],
        "case_sharing": True,
        "metadata": {"a": [1, {"b": None}]},
    }
    made = await admin.post("/a/demo/api/group/v1/", said)
    assert made.status == 201, made.body
    found = told(made)
    uri = f"/a/demo/api/group/v1/{found['id']}/"
    assert made.headers["Location"] == uri
    fixed = {"id": found["id"], "domain": "demo", "resource_uri": uri}
    assert found == {**said, **fixed, "reporting": True}
    assert told(await admin.get(uri)) == found
    members = people.read(groups.members_of, [first.group_id])
    assert members == {first.group_id: [amina]}
    listed = told(await admin.get("/a/demo/api/v0.4/group"))
    assert [one["name"] for one in listed["objects"]] == ["Team", "Zebra"]
    assert listed["meta"]["total_count"] == 2
    page = told(await admin.get(f"{GROUPS}?limit=1&offset=1"))
    assert [one["name"] for one in page["objects"]] == ["Zebra"]
    xml = (await admin.get(f"{uri}?format=xml")).body.decode()
    assert '<users type="list">' in xml
    for change in ({}, {"name": "Crew"}, {"users": [amina]}, {"reporting": False}):
        answer = await admin.put(uri, found | change)
        assert answer.status == 200, answer.body
        found |= change
        assert told(answer) == found
    assert told(await admin.put(uri, {"metadata": {}}))["users"] == [amina]
    worker = told(await admin.get(f"/a/demo/api/v0.5/user/{amina}/"))
    assert sorted(worker["groups"]) == sorted([found["id"], first.group_id])
    gone = await admin.request("DELETE", uri)
    assert (gone.status, gone.body) == (204, b"")
    notes = [note["action"] for note in people.noted()]
    assert notes[-4:] == ["group changed"] * 3 + ["group deleted"]
    for method in ("GET", "PUT", "DELETE"):
        body = {} if method == "PUT" else None
        assert (await admin.request(method, uri, json=body)).status == 404
    worker = told(await admin.get(f"/a/demo/api/v0.5/user/{amina}/"))
    assert worker["groups"] == [first.group_id]


async def test_what_cannot_be_is_refused(admin, people):
    """Rule 9.2: texts under the keys that clients read; many are judged one by one."""
    taken = people.group("Taken").group_id
    other = people.group("Other").group_id
    exists = "A group with name Taken already exists"
    notes = people.noted()
    for body, text in (({"name": "Taken"}, exists), ({}, "Name is required")):
        answer = await admin.post(GROUPS, body)
        both = {"error": text, "error_message": text}
        assert (answer.status, told(answer)) == (400, both)
    named = {"name": "New"}
    for body, text in (
        (named | {"users": ["x", "y"]}, "Could not find user ids: x, y."),
        (named | {"users": "x"}, "'users' must be a list of strings"),
        (named | {"case_sharing": 1}, "'case_sharing' must be true or false"),
        (named | {"metadata": []}, "'metadata' must be an object"),
        (named | {"path": []}, "'path' is not a valid field."),
    ):
        answer = await admin.post(GROUPS, body)
        assert (answer.status, told(answer)) == (400, {"error": text})
    renamed = await admin.put(GROUPS + other, {"name": "Taken"})
    text = "A group with this name already exists"
    assert (renamed.status, told(renamed)) == (400, {"error": text})
    for body, text in (
        ({}, "Invalid data sent: missing 'objects'"),
        ({"objects": 1}, "'objects' must be a list of objects"),
    ):
        answer = await admin.request("PATCH", GROUPS, json=body)
        assert (answer.status, told(answer)) == (400, {"error": text})
    assert people.noted() == notes

    many = [{"name": "A"}, {"name": "Taken"}, {"id": other, "name": "B"}, 7]
    many.append({"id": "x", "name": "C"})
    answer = await admin.request("PATCH", GROUPS, json={"objects": many})
    assert answer.status == 400
    first, *rest = told(answer)
    asked = [exists, other, "A group must be an object", "Group 'x' not found"]
    assert rest == asked
    shown = told(await admin.get(GROUPS))["objects"]
    names = {one["name"]: one["id"] for one in shown}
    assert names == {"A": first, "B": other, "Taken": taken}
    good = {"objects": [{"id": first, "case_sharing": True}]}
    answer = await admin.request("PATCH", GROUPS, json=good)
    assert (answer.status, told(answer)) == (202, [first])

    readers = [admin.members.join("v@x.org", role="viewer")]
    readers.append(admin.members.join("r@x.org", role="admin", read_only=True))
    for reader in readers:
        assert (await admin.get(GROUPS, headers=reader)).status == 200
        for method, path in (
            ("POST", GROUPS),
            ("PATCH", GROUPS),
            ("PUT", GROUPS + other),
            ("DELETE", GROUPS + other),
        ):
            refused = await admin.request(method, path, json={}, headers=reader)
            assert refused.status == 403
    mobile = admin.members.join("m", role="mobile")
    assert (await admin.get(GROUPS, headers=mobile)).status == 403
    assert (await admin.request("PATCH", GROUPS + other, json={})).status == 405
