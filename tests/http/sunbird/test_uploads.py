"""Sunbird's bulk upload over HTTP (``rules/batch-imports.md`` 2.1 to 2.3)."""

from __future__ import annotations

import base64
import json
import re
from decimal import Decimal
from urllib.parse import urlencode

import pytest

from api.cli.domain import add_domain
from tests.http.conftest import DOMAIN
from tests.kit.spreadsheets import a_csv
from tests.kit.sunbird.client import (
    BASE,
    KEYS,
    LOCATION_UPLOAD,
    NOBODY,
    NOT_PERMITTED,
    ORG_UPLOAD,
    PARAMS,
    PEOPLE,
    STATES,
    STATUS,
    TIME,
    UNKNOWN,
    USER_UPLOAD,
    a_form,
    bearer,
    ended,
    process_of,
    refusal,
    refused,
    send,
    send_states,
    told,
)
from tests.kit.sunbird.uploads import ORGS, USERS

ONE_ORG = a_csv(ORGS, ["School", "KA", "active"])
UPLOADS = {
    "user": ("user/v1/upload", PEOPLE, {}, "api.user.upload"),
    "org": ("org/v1/upload", ONE_ORG, {}, "api.org.upload"),
    "location": (
        "data/v1/bulk/location/upload",
        STATES,
        {"type": "state"},
        "api.bulk.location.upload",
    ),
}


# -- rule 2.1: addresses and bodies ------------------------------------------


SPELLED = pytest.mark.parametrize(
    "spelled",
    ["/api/{}", "/{}", "/api/{}/", "/{}/"],
    ids=["with api", "without", "with api and slash", "without, slash"],
)


@SPELLED
@pytest.mark.parametrize("kind", ["user", "org", "location"])
async def test_every_upload_is_served_under_both_paths(api, spelled, kind):
    """Rules 2.1 and 2.3: the envelope of a success, key by key."""
    path, content, fields, api_id = UPLOADS[kind]
    answer = await send(api, f"/a/{DOMAIN}" + spelled.format(path), content, **fields)
    body = answer.json
    assert answer.status == 200
    assert list(body) == KEYS
    assert (body["id"], body["ver"]) == (api_id, "v1")
    assert TIME.fullmatch(body["ts"])
    assert list(body["params"]) == PARAMS
    assert re.fullmatch(r"[0-9a-f]{32}", body["params"].pop("msgid"))
    assert body["params"] == {
        "resmsgid": None,
        "err": None,
        "status": "success",
        "errmsg": None,
    }
    assert body["responseCode"] == "OK"
    assert list(body["result"]) == ["processId"]


@SPELLED
async def test_the_status_is_served_under_both_paths(api, spelled):
    """Rule 2.1: and its id is that of the status API."""
    process_id = process_of(await send_states(api))
    path = spelled.format(f"data/v1/upload/status/{process_id}")
    answer = await api.get(f"/a/{DOMAIN}{path}", headers=bearer(api))
    assert answer.status == 200
    assert (answer.json["id"], answer.json["responseCode"]) == (
        "api.upload.status",
        "OK",
    )


@pytest.mark.parametrize("field", ["user", "org", "csvFile", "anything"])
async def test_the_first_file_part_is_the_csv_whatever_it_is_called(api, field):
    """Rule 2.1: a text field before it changes nothing."""
    form = a_form(PEOPLE, field=field, note="a text")
    answer = await api.post(USER_UPLOAD, data=form, headers=bearer(api))
    assert len((await ended(api, answer))["successResult"]) == 1


def urlencoded(**fields):
    return (
        urlencode(fields).encode(),
        {"Content-Type": "application/x-www-form-urlencoded"},
    )


def as_json(**request):
    body = json.dumps({"request": request}).encode()
    return body, {"Content-Type": "application/json; charset=utf-8"}


@pytest.mark.parametrize(
    ("path", "body", "headers"),
    [
        pytest.param(USER_UPLOAD, *urlencoded(data=PEOPLE.decode()), id="data"),
        pytest.param(USER_UPLOAD, *urlencoded(user=PEOPLE.decode()), id="user"),
        pytest.param(
            LOCATION_UPLOAD,
            *urlencoded(csvFile=STATES.decode(), type="state"),
            id="csvFile",
        ),
        pytest.param(
            LOCATION_UPLOAD, *urlencoded(data=STATES.decode(), type="State"), id="type"
        ),
        pytest.param(USER_UPLOAD, *as_json(data=PEOPLE.decode()), id="json"),
        pytest.param(
            LOCATION_UPLOAD,
            *as_json(data=STATES.decode(), type="STATE"),
            id="json type",
        ),
    ],
)
async def test_the_csv_may_be_a_text_of_the_body(api, path, body, headers):
    """Rule 2.1: ``data``, else the documented name; or the request of a JSON body."""
    answer = await api.post(path, data=body, headers=headers | bearer(api))
    process = await ended(api, answer)
    assert (len(process["successResult"]), process["failureResult"]) == (1, [])


async def test_organisations_may_come_under_their_documented_name(api):
    """Rule 2.1: the field ``org``."""
    await ended(api, await send_states(api))
    body, headers = urlencoded(org=ONE_ORG.decode())
    answer = await api.post(ORG_UPLOAD, data=body, headers=headers | bearer(api))
    assert len((await ended(api, answer))["successResult"]) == 1


# -- rule 2.2: who asks ------------------------------------------------------


async def test_a_bearer_key_needs_a_user_token(api):
    """Rule 2.2: both are required, and both may be the same key."""
    whole = bearer(api)
    for name in whole:
        headers = {k: v for k, v in whole.items() if k != name}
        answer = await api.post(
            USER_UPLOAD, data=a_form(PEOPLE), headers=headers, anonymous=True
        )
        assert refusal(answer) == NOBODY
    assert (await send(api, USER_UPLOAD, PEOPLE)).status == 200


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({}, id="nothing"),
        pytest.param({"Authorization": "Bearer "}, id="no key"),
        pytest.param(
            {"Authorization": "Bearer x", "X-Authenticated-User-Token": "y"},
            id="unknown keys",
        ),
        pytest.param({"Authorization": "ApiKey a:b"}, id="unknown user"),
        pytest.param({"Authorization": "Digest x"}, id="unknown scheme"),
    ],
)
async def test_who_is_nobody_gets_the_401_of_the_service(api, headers):
    """Rule 2.2c: ``status`` is SERVER_ERROR, sic, on each of the four addresses."""
    for method, path in (
        ("POST", USER_UPLOAD),
        ("POST", ORG_UPLOAD),
        ("POST", LOCATION_UPLOAD),
        ("GET", f"{STATUS}/1"),
    ):
        answer = await api.request(method, path, headers=headers, anonymous=True)
        assert refusal(answer) == NOBODY


async def test_a_wrong_user_token_is_a_401_beside_a_good_key(api):
    """Rule 2.2: missing or invalid."""
    headers = bearer(api) | {"X-Authenticated-User-Token": "nobody's"}
    assert refusal(await send(api, USER_UPLOAD, PEOPLE, headers=headers)) == NOBODY


async def test_header_names_may_be_spelled_in_any_case(api):
    """Rule 2.2, as for every header."""
    headers = {name.lower(): value for name, value in bearer(api).items()}
    answer = await api.post(
        USER_UPLOAD, data=a_form(PEOPLE), headers=headers, anonymous=True
    )
    assert answer.status == 200


async def test_the_token_names_the_acting_user(api):
    """Rule 2.2: owner of what is created, ``createdBy``, and the user of the form."""
    actor = api.members.join("actor@example.org")
    headers = bearer(api, user=actor)
    answer = await send(api, USER_UPLOAD, PEOPLE, headers=headers)
    [row] = (await ended(api, answer))["successResult"]
    case = (await api.get(f"{api.cases}/{row['id']}")).json
    assert case["owner_id"] == row["createdBy"]
    answer = await send(
        api, USER_UPLOAD, a_csv(USERS, ["B", "other", "PUBLIC", "", "b@b.org"])
    )
    [other] = (await ended(api, answer))["successResult"]
    assert other["createdBy"] != row["createdBy"]


@pytest.mark.parametrize("which", ["viewer", "mobile", "read-only"])
async def test_who_may_not_edit_gets_a_403(api, which):
    """Rules R0.9 and 2.2: by both keys, and with the product's scheme."""
    options = {"read_only": True} if which == "read-only" else {"role": which}
    weak = api.members.join(f"{which}@example.org", **options)
    for headers in (bearer(api, weak, api.credentials), bearer(api, user=weak), weak):
        answer = await api.post(
            USER_UPLOAD, data=a_form(PEOPLE), headers=headers, anonymous=True
        )
        assert refusal(answer) == NOT_PERMITTED


async def test_the_products_own_schemes_need_no_user_token(api):
    """Rule 2.2: ``ApiKey`` and Basic."""
    assert (await send(api, USER_UPLOAD, PEOPLE, headers={})).status == 200
    api.members.join("basic@example.org", password="correct horse")
    basic = a_basic("basic@example.org", "correct horse")
    answer = await api.get(f"{STATUS}/1", headers=basic, anonymous=True)
    assert refusal(answer) == UNKNOWN


def a_basic(user, password):
    text = base64.b64encode(f"{user}:{password}".encode()).decode()
    return {"Authorization": f"Basic {text}"}


async def test_a_domain_that_does_not_exist_is_a_404(api):
    """Rule R0.1: for who proves to be a member of another."""
    there = "/a/nowhere/api/user/v1/upload"
    answer = await send(api, there, PEOPLE, headers=api.credentials)
    assert refusal(answer) == UNKNOWN
    assert (await send(api, there, PEOPLE)).status == 401


# -- rule 2.3: the envelope --------------------------------------------------


async def test_the_message_id_is_that_of_the_request(api):
    """Rule 2.3: of a success and of an error, and a new one where none is given."""
    sent = bearer(api) | {"X-Request-ID": "of the client, 17"}
    good = await send(api, USER_UPLOAD, PEOPLE, headers=sent)
    bad = await send(api, USER_UPLOAD, b"", headers=sent)
    nobody = await api.post(
        USER_UPLOAD, headers={"X-Request-ID": "of the client, 17"}, anonymous=True
    )
    for answer in (good, bad, nobody):
        assert answer.json["params"]["msgid"] == "of the client, 17"
    fresh = [(await send(api, USER_UPLOAD, b"")).json["params"]["msgid"] for _ in "ab"]
    assert all(re.fullmatch(r"[0-9a-f]{32}", one) for one in fresh)
    assert fresh[0] != fresh[1]


async def test_other_methods_are_refused_in_the_envelope(api):
    """Rule 2.3: whatever goes wrong."""
    answer = await api.get(USER_UPLOAD, headers=bearer(api))
    assert answer.status == 405
    assert list(answer.json) == KEYS


async def test_the_fixed_paths_win(api):
    """Rule R0.2: nothing else answers where uploads are taken."""
    for path in (USER_UPLOAD, f"{BASE}/org/v1/upload/"):
        answer = await api.post(path, data=b"x", headers=bearer(api))
        assert refusal(answer) == refused("INVALID_DATA", "Incorrect data.")


# -- rule 2.3.1: the id of a process -----------------------------------------


async def test_the_process_id_is_a_number_that_survives_every_parser(api):
    """Rule 2.3.1: 19 digits of which the last four are 0, exact as a double."""
    ids = [process_of(await send_states(api)) for _ in range(3)]
    for process_id in ids:
        assert isinstance(process_id, int)
        assert re.fullmatch(r"[1-9]\d{14}0000", str(process_id))
        assert Decimal(repr(float(process_id))) == process_id
    assert ids == sorted(set(ids))


async def test_leading_zeros_of_a_process_id_are_ignored(api):
    """Rule 2.3.1: the ids of the real service have one."""
    answer = await send_states(api)
    await ended(api, answer)
    process_id = process_of(answer)
    assert (await told(api, f"00{process_id}"))["processId"] == process_id


@pytest.mark.parametrize(
    "given", ["1316326144873267200", "abc", "-1", "%E0%A5%A7", "1" * 400, "0", "1.0"]
)
async def test_an_unknown_process_is_a_404(api, given):
    """Rule 2.3.2: also what is no number at all."""
    answer = await api.get(f"{STATUS}/{given}", headers=bearer(api))
    assert refusal(answer) == UNKNOWN


async def test_a_process_of_another_domain_is_unknown(api):
    """Rule 2.3.2."""
    process_id = process_of(await send_states(api))
    add_domain(api.members.store, "other")
    headers = api.members.join("editor@example.org", domain="other")
    path = f"/a/other/api/data/v1/upload/status/{process_id}"
    assert refusal(await api.get(path, headers=headers)) == UNKNOWN


async def test_another_kind_of_job_is_no_process(api):
    """Rule 2.3.2: an import of a spreadsheet is a job, too, but of no upload."""
    form = a_form(b"case_id\n1", field="file", case_type="x")
    answer = await api.post(f"/a/{DOMAIN}/importer/excel/bulk_upload_api/", data=form)
    upload_id = answer.json["status_url"].rstrip("/").split("/")[-2]
    answer = await api.get(f"{STATUS}/{upload_id}", headers=bearer(api))
    assert refusal(answer) == UNKNOWN
