"""What a refusal of an API says can be done, leads on when it is done.

Each row is a request that is refused, the advice in its words, and the request of
somebody who follows it. The case API and its queries have tables of their own
(``tests/unit/api/cases/test_advice.py``).
"""

from __future__ import annotations

from base64 import b64encode

import pytest

from api.config import Config
from tests.kit.build import a_create, a_form

LEDGER = "/a/demo/api/ledger/v1"
HOOKS = f"{LEDGER}/webhooks"
UNDO = f"{LEDGER}/undo/"
RECEIVER = "/a/demo/receiver/"
URL = {"url": "http://127.0.0.1:9/hook", "active": False}
FORM = a_form([a_create("c1")], form_id="f1")
XML = {"Content-Type": "text/xml"}


def part(name: str, content: bytes = FORM) -> dict:
    """Return a multipart request with one file of this name."""
    head = f'Content-Disposition: form-data; name="{name}"; filename="f.xml"'
    lines = (b"--cut", head.encode(), b"", content, b"--cut--", b"")
    return {
        "headers": {"Content-Type": "multipart/form-data; boundary=cut"},
        "data": b"\r\n".join(lines),
    }


def hook(**fields) -> dict:
    """Return a request that makes a webhook."""
    return {"json": URL | fields}


FOLLOWED = [
    (HOOKS, {"json": {}}, "Property url is required.", hook()),
    (HOOKS, hook(url="x.org"), "must be an http or https address", hook()),
    (
        HOOKS,
        hook(secret="short"),
        "must be 16 to 255 printable ASCII characters",
        hook(secret="s" * 16),
    ),
    (
        HOOKS,
        hook(secret="whsec_" + "!" * 20),
        "must go on with the base64 of at least 16 bytes behind 'whsec_'",
        hook(secret="whsec_" + b64encode(b"k" * 16).decode()),
    ),
    (HOOKS, hook(active="no"), "'active' must be true or false", hook(active=False)),
    (
        HOOKS,
        hook(xmlns=["x"] * 101),
        "must have at most 100 items",
        hook(xmlns=["x"] * 100),
    ),
    (
        UNDO,
        {"json": {"reason": "r", "dry_run": True}},
        "Give one of 'form_id', 'job_id' and 'user_id'",
        {"json": {"reason": "r", "dry_run": True, "form_id": "f0"}},
    ),
    (
        UNDO,
        {"json": {"user_id": "u", "dry_run": True}},
        "Give 'from' and 'to' with 'user_id'",
        {
            "json": {
                "user_id": "u",
                "from": "2026-01-01T00:00:00Z",
                "to": "2026-01-02T00:00:00Z",
                "dry_run": True,
            }
        },
    ),
    (
        f"{LEDGER}/cases/c0/erase/",
        {"json": {}},
        "An erasure needs a 'reason'",
        {"json": {"reason": "asked for", "dry_run": True}},
    ),
    (
        f"{LEDGER}/cases/c0/erase/",
        {"json": {"dry_run": True, "reason": "x" * 1001}},
        "'reason' is longer than 1000 characters",
        {"json": {"dry_run": True, "reason": "x" * 1000}},
    ),
    (
        RECEIVER,
        part("form"),
        "please name your file xml_submission_file",
        part("xml_submission_file"),
    ),
    (
        RECEIVER,
        part("form"),
        "a normal (non-multipart) post with the xml submission as the request body",
        {"data": FORM, "headers": XML},
    ),
    (
        RECEIVER,
        part("xml_submission_file", b""),
        "must not have an empty payload",
        part("xml_submission_file"),
    ),
    (
        f"{LEDGER}/dry-run/",
        {"data": FORM, "headers": {"Content-Type": "text/csv"}},
        "must be application/json, text/xml, application/xml or multipart/form-data",
        {"data": FORM, "headers": XML},
    ),
]
ASKED = [
    (f"{LEDGER}/jobs/", "limit=x", "must be a whole number from 1 to", "limit=1"),
    (f"{LEDGER}/jobs/", "state=lost", "'state' must be one of", "state=done"),
    (f"{LEDGER}/jobs/", "cursor=x", "must come from 'next' of another page", ""),
    (f"{LEDGER}/changes", "limit=x", "must be a whole number from 1 to", "limit=1"),
    (
        "/a/demo/api/case/v2/c0/history/",
        "limit=0",
        "'0' is not a valid value for 'limit'",
        "limit=1",
    ),
    (
        "/a/demo/api/case/v2/c0/",
        "as_of=noon",
        "Cannot parse datetime",
        "as_of=2099-01-01T00:00:00Z",
    ),
    ("/a/demo/api/case/v2/", "fields=a&exclude=b", "both 'fields'", "fields=a"),
]


@pytest.fixture
def config(url):
    """Let webhooks name this machine: nothing is sent, as they are not active."""
    return Config(database=url, access_log=False, webhook_private=True)


@pytest.fixture
def admin(api):
    """Return the header of somebody who may do everything."""
    return api.members.join("admin@example.org", role="admin")


@pytest.fixture
async def case(api, admin):
    """Make the case c0 with the form f0."""
    form = a_form([a_create("c0")], form_id="f0")
    answer = await api.post(RECEIVER, data=form, headers=admin | XML)
    assert answer.status == 201


async def ask(api, path, admin, sent):
    """Send a POST as an admin."""
    headers = admin | sent.get("headers", {})
    return await api.request("POST", path, **sent | {"headers": headers})


@pytest.mark.usefixtures("case")
@pytest.mark.parametrize("row", FOLLOWED, ids=[row[2] for row in FOLLOWED])
async def test_what_a_refusal_says_can_be_done(api, admin, row):
    """Each advice leads to a request that is taken."""
    path, refused, advice, followed = row
    answer = await ask(api, path, admin, refused)
    assert answer.status in (400, 415)
    assert advice in answer.body.decode()
    answer = await ask(api, path, admin, followed)
    assert answer.status in (200, 201), answer.body


@pytest.mark.usefixtures("case")
@pytest.mark.parametrize("row", ASKED, ids=[f"{row[0]} {row[1]}" for row in ASKED])
async def test_what_a_refused_question_says_can_be_asked(api, admin, row):
    """The values that a refusal names are understood."""
    path, refused, advice, followed = row
    answer = await api.get(f"{path}?{refused}", headers=admin)
    assert answer.status == 400
    assert advice in answer.error
    answer = await api.get(f"{path}?{followed}", headers=admin)
    assert answer.status == 200, answer.body
