"""A client of Sunbird's API: uploads in its forms, and how they end."""

from __future__ import annotations

import re
from io import BytesIO

import aiohttp

from api.http.keys import WORKER
from tests.http.conftest import DOMAIN
from tests.kit.spreadsheets import a_csv
from tests.kit.sunbird.uploads import PLACES, USERS

BASE = f"/a/{DOMAIN}/api"
USER_UPLOAD = f"{BASE}/user/v1/upload"
ORG_UPLOAD = f"{BASE}/org/v1/upload"
LOCATION_UPLOAD = f"{BASE}/data/v1/bulk/location/upload"
STATUS = f"{BASE}/data/v1/upload/status"

STATES = a_csv(PLACES, ["KA", "Karnataka", "", ""])
PEOPLE = a_csv(USERS, ["Asha", "teacher", "PUBLIC", "9876543210", "asha@example.org"])


TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d:\d{3}\+0000")
KEYS = ["id", "ver", "ts", "params", "responseCode", "result"]
PARAMS = ["resmsgid", "msgid", "err", "status", "errmsg"]


def key_of(credentials):
    """Return the key alone of an ``ApiKey`` header."""
    return credentials["Authorization"].partition(":")[2]


def bearer(api, credentials=None, user=None):
    """Return the two headers of the service; one key may be both."""
    key = key_of(credentials or api.credentials)
    token = key if user is None else key_of(user)
    return {"Authorization": f"Bearer {key}", "X-Authenticated-User-Token": token}


def a_form(content, *, field="user", name="rows.csv", **fields):
    """Return a multipart body."""
    form = aiohttp.FormData()
    for key, value in fields.items():
        form.add_field(key, value)
    form.add_field(field, BytesIO(content), filename=name)
    return form


async def send(api, path, content, *, headers=None, **fields):
    """Upload a file as a multipart form."""
    sent = bearer(api) if headers is None else headers
    return await api.post(path, data=a_form(content, **fields), headers=sent)


async def send_states(api, content=STATES, **options):
    """Upload states."""
    return await send(api, LOCATION_UPLOAD, content, type="state", **options)


def process_of(answer):
    """Return the id of the process of an answer."""
    assert answer.status == 200, answer.body
    return answer.json["result"]["processId"]


async def ended(api, answer):
    """Wait for the process of an answer; return what is told of it."""
    process_id = process_of(answer)
    await api.app[WORKER].see_through((DOMAIN, str(process_id)))
    return await told(api, process_id)


async def told(api, process_id):
    """Return the one object of a status answer."""
    answer = await api.get(f"{STATUS}/{process_id}", headers=bearer(api))
    assert answer.status == 200, answer.body
    [process] = answer.json["result"]["response"]
    return process


def refusal(answer):
    """Return what an envelope says went wrong, having checked its shape."""
    body = answer.json
    assert list(body) == KEYS
    assert list(body["params"]) == PARAMS
    assert (body["ver"], body["result"]) == ("v1", {})
    assert body["params"]["resmsgid"] is None
    assert TIME.fullmatch(body["ts"])
    params = body["params"]
    return (
        answer.status,
        params["err"],
        params["status"],
        params["errmsg"],
        body["responseCode"],
    )


def refused(code, text):
    """Return what a 400 says."""
    return (400, code, code, text, "CLIENT_ERROR")


NOBODY = (
    401,
    "UNAUTHORIZED_USER",
    "SERVER_ERROR",
    "You are not authorized.",
    "CLIENT_ERROR",
)
NOT_PERMITTED = (
    403,
    "UNAUTHORIZED_USER",
    "UNAUTHORIZED_USER",
    "You are not authorized.",
    "CLIENT_ERROR",
)
UNKNOWN = (
    404,
    "RESOURCE_NOT_FOUND",
    "RESOURCE_NOT_FOUND",
    "Requested resource not found",
    "RESOURCE_NOT_FOUND",
)
