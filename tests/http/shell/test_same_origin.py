"""Pages of other sites use no browser's memory to write (rules/operator.md 5.7)."""

from __future__ import annotations

import re
from base64 import b64encode
from dataclasses import replace

import pytest

from api.wire.problems import page_of_others
from tests.kit.routes import WRITING, address_of, name_of

PASSWORD = "correct horse"
EVIL = "https://evil.test"
FOREIGN = [
    {"Origin": EVIL},
    {"Origin": "null"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Referer": f"{EVIL}/a/demo"},
]
FORM = (
    b"<data xmlns='http://example.org/f'><meta><instanceID>i</instanceID></meta></data>"
)


@pytest.fixture
def remembered(members):
    """Return what the browser of an admin adds to every request by itself."""
    members.join("boss", role="admin", password=PASSWORD)
    text = b64encode(f"boss:{PASSWORD}".encode()).decode()
    return {"Authorization": f"Basic {text}"}


@pytest.fixture
def positions(members):
    """Return how to read how far the log has come."""

    def read():
        with members.store.snapshot("demo") as reader:
            return reader.head.position

    return read


def refusal_of(route):
    """Return how a row says it: status and body, without the times of an envelope."""
    rendered = route.dialect.render(page_of_others())
    return rendered.status, timeless(rendered.body)


def timeless(body):
    return re.sub(rb'"(ts|msgid)":"[^"]*"', rb'"\1":""', body)


async def asked(api, route, headers):
    """Ask for a row with a body that most of them would take; return the answer."""
    path = address_of(route, domain="demo")
    sent = {"Content-Type": "text/plain", **headers}
    answer = await api.request(
        route.method, path, data=FORM, headers=sent, anonymous=True
    )
    return answer.status, timeless(answer.body)


@pytest.mark.parametrize("told", FOREIGN, ids=str)
async def test_no_route_that_writes_serves_a_page_of_others(
    api, remembered, positions, told
):
    """Each says so in its own dialect, and nothing has happened."""
    before = positions()
    for route in WRITING:
        answer = await asked(api, route, {**remembered, **told})
        assert answer == refusal_of(route), name_of(route)
    assert positions() == before


async def test_cookies_are_added_by_browsers_too(api, positions):
    """Nobody signs in with one yet; no route is to be open when somebody does."""
    before = positions()
    for route in WRITING:
        answer = await asked(api, route, {"Cookie": "a=b", "Origin": EVIL})
        assert answer == refusal_of(route), name_of(route)
    assert positions() == before


@pytest.mark.parametrize("told", [*FOREIGN, {}], ids=str)
async def test_a_key_is_no_memory_of_a_browser(api, members, told):
    """Clients in pages of other origins that set a key themselves go on working."""
    key = members.join("admin", role="admin")
    for route in WRITING:
        answer = await asked(api, route, {**key, **told})
        assert answer != refusal_of(route), name_of(route)


@pytest.mark.parametrize(
    "own", ["", "Origin", "Referer", "Sec-Fetch-Site", "public", "public referer"]
)
@pytest.mark.parametrize(
    "config", [{"public_url": "https://cases.example.org/x"}], indirect=True
)
async def test_own_pages_and_programs_write(api, remembered, own):
    """Whoever says nothing of a page, and pages of the host or the public address."""
    told = {
        "": {},
        "Origin": {"Origin": api.base},
        "Referer": {"Referer": f"{api.base}/a/demo"},
        "Sec-Fetch-Site": {"Sec-Fetch-Site": "same-origin"},
        "public": {"Origin": "https://cases.example.org"},
        "public referer": {"Referer": "https://cases.example.org/x/a/demo"},
    }[own]
    for route in WRITING:
        answer = await asked(api, route, {**remembered, **told})
        assert answer != refusal_of(route), name_of(route)


@pytest.fixture
def config(config, request):
    """Return the settings of the server; a test may say others."""
    return replace(config, **getattr(request, "param", {}))


async def test_an_open_receiver_takes_what_a_page_sends_without_credentials(api):
    """Web forms of other origins do not sign in there."""
    answer = await api.post(
        "/a/demo/receiver/", data=FORM, headers={"Origin": EVIL}, anonymous=True
    )
    assert answer.status == 201


async def test_reading_is_left_to_the_browser(api, remembered):
    """It shows a page of others nothing that it asked for with credentials."""
    answer = await api.get(api.cases, headers={**remembered, "Origin": EVIL})
    assert answer.status == 200
    assert "Access-Control-Allow-Credentials" not in answer.headers


async def test_who_announces_a_body_hears_so_before_sending_it(api, remembered):
    """``Expect: 100-continue`` is answered with the refusal."""
    headers = {**remembered, "Origin": EVIL, "Expect": "100-continue"}
    answer = await api.post(api.cases, data=b"{}", headers=headers)
    assert answer.status == 403
