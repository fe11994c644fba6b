"""Behind a proxy everything leads to where clients reach it (rules/operator.md 4.8)."""

from __future__ import annotations

import re
from base64 import b64encode
from dataclasses import replace
from ipaddress import ip_network

import pytest

from ledger.log import entries_after
from tests.http.conftest import a_case

PUBLIC = "https://cases.example.org/ledger"
LEDGER = "/a/demo/api/ledger/v1"
PAGES = "/a/demo/do/haplo-data-import-batch"
FORM = (
    b"<data xmlns='http://example.org/f'><meta><instanceID>i</instanceID></meta></data>"
)
FORWARDED = {
    "X-Forwarded-For": "198.51.100.1, 192.0.2.7",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": "cases.example.net",
}
PASSED_ON = pytest.mark.parametrize("path", ["", "/ledger", "//ledger/", "/%6Cedger"])
"""What a proxy may leave of the path of the public address."""


def serving(**settings):
    """Have a test serve with settings of its own."""
    return pytest.mark.parametrize("settings", [settings])


@pytest.fixture
def settings():
    """Serve behind a path; a test may say otherwise."""
    return {"public_url": PUBLIC}


@pytest.fixture
def config(config, settings):
    """Return the settings of the server."""
    return replace(config, **settings)


@PASSED_ON
async def test_a_proxy_may_strip_the_path_or_pass_it_on(api, path):
    """What is answered is the same, and so are the links in it."""
    for _ in range(2):
        await api.create(case_type="pair")
    for external_id in ("a/b", "a%2F%2Fb"):
        at = f"{path}{api.cases}/ext/{external_id}"
        written = await api.put(at, a_case())
        assert written.json["case"]["external_id"] == external_id.replace("%2F", "/")
    page = await api.get(f"{path}{api.cases}?case_type=pair&limit=1")
    following = page.json["next"]
    assert following.startswith(f"{PUBLIC}{api.cases}?cursor=")
    again = await api.get(path + following.removeprefix(PUBLIC))
    assert again.json["cases"] != page.json["cases"]


@PASSED_ON
async def test_every_link_begins_with_the_public_address(api, path):
    """Of answers, of headers, and of the pages for people."""
    manager = api.members.join("boss@example.org", role="admin")
    taken = await api.post(f"{path}/a/demo/receiver/", data=FORM, anonymous=True)
    assert (taken.status, taken.headers["Location"]) == (201, PUBLIC)
    form = await api.get(f"{path}{LEDGER}/forms/i")
    assert re.findall(rb"https?://[^/]+/a/", form.body) == []
    assert f"{PUBLIC}{LEDGER}".encode() in form.body
    undo = await api.post(f"{path}{LEDGER}/undo", {"form_id": "i"}, headers=manager)
    assert undo.headers["Location"].startswith(f"{PUBLIC}{LEDGER}/jobs/")
    described = (await api.get(f"{path}/api/openapi.json")).json
    assert described["servers"] == [{"url": PUBLIC}]


@PASSED_ON
async def test_every_link_of_a_page_leads_below_the_path(api, path):
    """Links, forms and assets, and where a form that was posted leads."""
    manager = api.members.join("boss@example.org", role="admin")
    for page in ("/api/docs", f"{PAGES}/api-keys", f"{PAGES}/new-control-file"):
        body = (await api.get(path + page, headers=manager)).body.decode()
        links = re.findall(r'(?:href|src|action)="([^"]*)"', body)
        assert links
        assert {link for link in links if not link.startswith("/ledger/")} == set()
        if page == "/api/docs":
            for link in links:
                assert (await api.get(link)).status == 200


@PASSED_ON
async def test_what_is_unknown_below_the_path_is_unknown(api, path):
    """A path before ours makes nothing of what is nothing."""
    for nothing in ("/nothing", "/ledger/ledger/healthz", "/ledge/healthz"):
        assert (await api.get(path + nothing)).status == 404
    assert (await api.get(f"{path}/healthz")).status == 200


@serving(public_url="https://a.example.org/a")
async def test_a_path_like_one_of_ours_is_told_from_it(api):
    """What fits as it stands is meant as it stands."""
    made = await api.create()
    for path in ("", "/a"):
        found = await api.get(f"{path}{api.cases}/{made['case_id']}")
        assert found.json["case_id"] == made["case_id"]


async def test_an_own_page_may_post_behind_a_proxy_that_hides_the_host(api):
    """The host of the public address is ours, with or without its path."""
    api.members.join("boss", role="admin", password="pw")
    manager = {"Authorization": f"Basic {b64encode(b'boss:pw').decode()}"}
    for origin, status in (("https://cases.example.org", 200), ("https://x.org", 403)):
        answer = await api.post(
            f"/ledger{PAGES}/create-api-key", headers={**manager, "Origin": origin}
        )
        assert answer.status == status


def submit_ip(api):
    """Return where the last form came from, as its entry says."""
    with api.members.store.snapshot("demo") as reader:
        [*_, (entry, _)] = entries_after(reader, 0, limit=1000)
        return entry.details["submit_ip"] if entry.details else None


LOCAL = (ip_network("127.0.0.0/8"),)


@serving(trusted_proxies=LOCAL)
async def test_a_trusted_proxy_says_who_asks_and_how(api):
    """Links begin with what the client knows, and its address is kept."""
    answer = await api.post("/a/demo/receiver", data=FORM, headers=FORWARDED)
    assert answer.headers["Location"] == "https://cases.example.net"
    assert submit_ip(api) == "192.0.2.7"


@serving(trusted_proxies=LOCAL, public_url=PUBLIC)
async def test_the_public_address_wins_over_what_a_proxy_says(api):
    """There is one address that clients know."""
    answer = await api.post("/a/demo/receiver", data=FORM, headers=FORWARDED)
    assert answer.headers["Location"] == PUBLIC
    assert submit_ip(api) == "192.0.2.7"


@serving(trusted_proxies=(ip_network("10.0.0.0/8"),))
async def test_what_a_stranger_says_counts_for_nothing(api):
    """Anybody could pretend to be somebody else."""
    answer = await api.post("/a/demo/receiver", data=FORM, headers=FORWARDED)
    assert answer.headers["Location"] == api.base
    assert submit_ip(api) == "127.0.0.1"


@serving(trusted_proxies=LOCAL)
async def test_a_body_that_is_announced_comes_through_a_proxy(api):
    """``Expect: 100-continue`` is answered as without one."""
    headers = {**FORWARDED, "Expect": "100-continue"}
    answer = await api.post("/a/demo/receiver", data=FORM, headers=headers)
    assert answer.status == 201
