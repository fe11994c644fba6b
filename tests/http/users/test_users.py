"""Mobile workers over HTTP: the rows of rules/hq-apis.md 6, on both databases."""

from __future__ import annotations

import json

from ledger.directory.profiles import Profile
from ledger.directory.users import get_user as find
from tests.kit.directory import PASSWORD

USERS = "/a/demo/api/v0.5/user/"
ERRORS = "The request resulted in the following errors: "


def names(answer):
    assert answer.status == 200, answer.body
    return [one["username"].partition("@")[0] for one in told(answer)["objects"]]


def told(answer):
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
    return json.loads(answer.body)


async def test_a_worker_is_made_read_and_changed(admin, people):
    """Rules 6.1 to 6.4: the object, what a body may say, and that absent keys stay."""
    kind = people.type("Clinic", shares_cases=True)
    near, far = people.place("Near", kind), people.place("Far", kind)
    red, blue = people.group("Red"), people.group("Blue")
    said = {
        "username": "Amina@demo.commcarehq.org",
        "password": PASSWORD,
        "first_name": "Amina",
        "email": "Amina@Example.org",
        "language": "en",
        "phone_numbers": ["+50253311399"],
        "groups": [red.group_id],
        "user_data": {"chw_id": "13/43", "commcare_project": "demo"},
        "primary_location": near.location_id,
        "locations": [near.location_id, far.location_id],
        "require_account_confirmation": False,
    }
    made = await admin.post("/a/demo/api/user/v1/", said)
    assert made.status == 201, made.body
    found = told(made)
    uri = f"/a/demo/api/user/v1/{found['id']}/"
    assert made.headers["Location"] == uri
    assert len(found["id"]) == 32
    assert found == {
        "id": found["id"],
        "username": "amina@demo.commcarehq.org",
        "first_name": "Amina",
        "last_name": "",
        "email": "amina@example.org",
        "language": "en",
        "default_phone_number": "50253311399",
        "phone_numbers": ["50253311399"],
        "groups": [red.group_id],
        "primary_location": near.location_id,
        "locations": [near.location_id, far.location_id],
        "role": None,
        "eulas": "[]",
        "resource_uri": uri,
        "user_data": {
            "chw_id": "13/43",
            "commcare_project": "demo",
            "commcare_profile": "",
            "commcare_location_id": near.location_id,
            "commcare_primary_case_sharing_id": near.location_id,
            "commcare_location_ids": f"{near.location_id} {far.location_id}",
        },
    }
    assert told(await admin.get(uri)) == found
    older = told(await admin.get(f"/a/demo/api/v0.4/user/{found['id']}"))
    assert older["resource_uri"] == f"/a/demo/api/v0.4/user/{found['id']}/"
    xml = (await admin.get(f"{uri}?format=xml")).body.decode()
    assert f'<object id="{found["id"]}">' in xml

    one = USERS + found["id"]
    for body, change in (
        (found | {"resource_uri": one + "/"}, {}),
        ({"last_name": "Diallo"}, {"last_name": "Diallo"}),
        ({"groups": [blue.group_id]}, {"groups": [blue.group_id]}),
        (
            {"default_phone_number": "+7"},
            {"default_phone_number": "7", "phone_numbers": ["50253311399", "7"]},
        ),
        (
            {"phone_numbers": ["8", "9"]},
            {"default_phone_number": "8", "phone_numbers": ["8", "9"]},
        ),
        ({"password": "another one"}, {}),
        (
            {"primary_location": "", "locations": []},
            {"primary_location": None, "locations": []},
        ),
        (
            {"user_data": {"a": "b"}},
            {
                "user_data": {
                    "a": "b",
                    "commcare_project": "demo",
                    "commcare_profile": "",
                }
            },
        ),
    ):
        answer = await admin.put(one, body)
        assert answer.status == 200, answer.body
        after = told(answer)
        if "locations" in change:
            after["user_data"] = found["user_data"]
        assert after == found | {"resource_uri": one + "/"} | change, body
        found |= change
    notes = [note for note in people.noted() if note.get("user") == found["id"]]
    assert notes[-4]["fields"] == ["phone_numbers", "default_phone_number"]
    assert notes[-3]["fields"] == ["password"]


async def test_what_cannot_be_is_refused_and_nothing_is_saved(admin, people):
    """Rules 6.3 and 6.4: every text, several at once in the order of the body."""
    kind = people.type("Clinic")
    place = people.place("A", kind).location_id
    amina, web = people.user("amina", "mobile").user_id, people.user("chief").user_id
    gone = people.user("gone", "mobile").user_id
    assert (await admin.request("DELETE", USERS + gone)).status == 204
    notes = people.noted()
    taken = "Username '{}@demo.commcarehq.org' is already taken or reserved."
    apart = "Both primary_location and locations must be provided together."
    good = {"username": "new", "password": PASSWORD}
    unknown = "Attempted to update unknown or non-editable field "
    for body, text in (
        ({}, "'username' is required"),
        ({"username": 3}, "'username' must be a string"),
        (good | {"username": "AMINA"}, taken.format("amina")),
        (good | {"username": "gone"}, taken.format("gone")),
        (good | {"username": "admin"}, taken.format("admin")),
        (
            good | {"username": "x@b.org"},
            "The username of a mobile worker ends in '@demo.commcarehq.org'",
        ),
        ({"username": "new"}, "Password or connect username required"),
        (
            {"username": "new", "connect_username": "c"},
            "You don't have permission to use connect_username field",
        ),
        (good | {"groups": ["no"]}, f"{ERRORS}Could not find group ids: no."),
        (good | {"id": "x"}, f"{ERRORS}{unknown}'id'"),
        (
            good | {"user_data": {"commcare_project": "x"}},
            f"{ERRORS}'commcare_project' is set by the server",
        ),
        (
            good | {"user_data": {"a": 1}},
            f"{ERRORS}'user_data' must be an object of strings",
        ),
        (good | {"primary_location": place}, ERRORS + apart),
        (good | {"primary_location": place, "locations": []}, ERRORS + apart),
        (
            good | {"primary_location": "x", "locations": [place]},
            f"{ERRORS}Primary location must be included in the list of locations.",
        ),
        (
            good | {"primary_location": "x", "locations": ["x", "y"]},
            f"{ERRORS}Could not find location ids: x, y.",
        ),
        (good | {"role": "Boss"}, f"{ERRORS}The role 'Boss' does not exist"),
        (good | {"role": "admin"}, f"{ERRORS}The role 'admin' is one of web users"),
        (
            good | {"require_account_confirmation": True},
            (
                f"{ERRORS}'require_account_confirmation' must be false: this server "
                "sends no mail"
            ),
        ),
        (
            good | {"email": 1, "x": 2, "groups": ["no"]},
            (
                f"{ERRORS}'email' must be a string, {unknown}'x', Could not find group "
                "ids: no."
            ),
        ),
    ):
        answer = await admin.post(USERS, body)
        assert (answer.status, told(answer)) == (400, {"error": text}), body
    one = USERS + amina
    both = {"username": "updated", "default_phone_number": 1234567890}
    answer = await admin.put(one, both)
    assert told(answer) == {
        "error": f"{ERRORS}{unknown}'username', 'default_phone_number' must be a string"
    }
    assert (await admin.put(one, data=b"[]")).status == 400
    assert (await admin.put(one, data=b"{")).status == 400
    for method in ("GET", "PUT", "DELETE"):
        for unknown_id in ("nobody", web, gone):
            body = {} if method == "PUT" else None
            answer = await admin.request(method, USERS + unknown_id, json=body)
            assert answer.status == 404, (method, answer.body)
    assert people.noted() == notes
    assert told(await admin.get(one))["username"] == "amina@demo.commcarehq.org"


async def test_lists_have_those_who_are_asked_for(admin, people):
    """Rules 6.2, 6.5 and 6.6: filters, closed accounts, words, and who may ask."""
    for name in ("c", "a", "b"):
        about = Profile(first_name=f"Ms {name}", phone_numbers=(f"1{name}",))
        people.user(name, "mobile", profile=about)
    other = people.user("chief")
    ids = {
        one["username"][0]: one["id"] for one in told(await admin.get(USERS))["objects"]
    }
    group = people.group("Team")
    people.change(people.read(find, ids["b"]), group_ids=[group.group_id])
    for act, listed in (("deactivate", ["a", "b"]), ("activate", ["a", "b", "c"])):
        answer = await admin.post(f"{USERS}{ids['c']}/{act}/", {})
        assert (answer.status, told(answer)) == (202, {})
        assert names(await admin.get(USERS)) == listed
        closed = names(await admin.get(f"{USERS}?archived=YES&extras=no"))
        assert closed == sorted({"a", "b", "c"} - set(listed))
    assert names(await admin.get(f"{USERS}?group={group.group_id}")) == ["b"]
    assert names(await admin.get(f"{USERS}?username=b&whatever=1")) == ["b"]
    page = told(await admin.get(f"{USERS}?limit=1&offset=1&archived=nonsense"))
    assert page["meta"] == {
        "limit": 1,
        "next": "?archived=nonsense&limit=1&offset=2",
        "offset": 1,
        "previous": "?archived=nonsense&limit=1&offset=0",
        "total_count": 3,
    }
    bulk = "/a/demo/api/v0.5/bulk-user/"
    asked = f"{bulk}?q=MS+1c&fields=id&fields=username"
    found = told(await admin.get(asked))
    assert found["objects"] == [{"id": ids["c"], "username": "c@demo.commcarehq.org"}]
    assert found["meta"]["total_count"] == 1
    whole = told(await admin.get(f"{bulk}?limit=1&offset=1"))["objects"][0]
    assert whole["resource_uri"] == f"{USERS}{ids['b']}/"
    assert sorted(whole) == sorted(
        [
            "id",
            "email",
            "username",
            "first_name",
            "last_name",
            "phone_numbers",
            "resource_uri",
        ]
    )
    for path, status, text in (
        (f"{USERS}?group=x", 400, "Project demo has no group with id=x"),
        (f"{USERS}?limit=x", 400, None),
        (f"{bulk}?fields=role", 400, "role is not a valid field"),
        (f"{bulk}{ids['a']}/", 404, None),
        (f"{USERS}?extras=true", 400, None),
    ):
        answer = await admin.get(path)
        assert answer.status == status, answer.body
        assert text is None or told(answer) == {"error": text}
    reset = await admin.post(f"{USERS}{ids['a']}/email_password_reset/")
    assert reset.status == 400
    assert "no mail" in told(reset)["error"]
    assert (await admin.post(f"{USERS}x/email_password_reset/")).status == 404
    assert (await admin.post(f"{USERS}{other.user_id}/activate/")).status == 404

    join = admin.members.join
    readers = [join("e@x.org"), join("v@x.org", role="viewer")]
    readers.append(join("r@x.org", role="admin", read_only=True))
    for reader in readers:
        assert names(await admin.get(USERS, headers=reader)) == ["a", "b", "c"]
        for method, path in (
            ("POST", USERS),
            ("PUT", USERS + ids["a"]),
            ("DELETE", USERS + ids["a"]),
            ("POST", f"{USERS}{ids['a']}/deactivate/"),
        ):
            answer = await admin.request(method, path, json={}, headers=reader)
            assert answer.status == 403, (method, path)
    mobile = join("m", role="mobile")
    assert (await admin.get(USERS, headers=mobile)).status == 403
    patched = await admin.request("PATCH", USERS, json={})
    assert (patched.status, patched.headers["Allow"]) == (405, "GET, POST, OPTIONS")
    assert (await admin.post("/a/demo/api/v0.4/user/", {})).status == 405
