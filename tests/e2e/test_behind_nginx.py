"""The server behind a real nginx, set up as the install page shows it."""

from __future__ import annotations

import json
import re
from urllib.parse import urljoin

import pytest

from ledger.directory.api_keys import create_key
from ledger.directory.users import create_user, find_user
from ledger.log import entries_after
from ledger.store import open_store
from tests.e2e.test_cli import serving
from tests.kit import build, nginx
from tests.kit.domains import an_open_domain
from tests.kit.haplo.client import a_control
from tests.kit.nginx import PUBLIC_URL

DOMAIN = f"{PUBLIC_URL}/a/demo"
CASES = f"{DOMAIN}/api/case/v2"
FORM = (
    b"<data xmlns='http://example.org/f'><meta><instanceID>i</instanceID></meta></data>"
)
STRIPPED = nginx.SHOWN.replace("8000;", "8000/;", 1)
"""The file with the mistake that it warns of, which serves all but encoded slashes."""


@pytest.fixture
def header(sqlite_url):
    """Make a domain and an admin; return the header that lets in."""
    store = open_store(sqlite_url)
    an_open_domain(store)
    author = build.Author(user_id="root")
    with store.writing("demo") as writer:
        create_user(writer, "ann", role="admin", password=None, author=author)
        user = find_user(writer, "ann")
        _, secret = create_key(writer, user, name="", read_only=False, author=author)
    store.close()
    return {"Authorization": f"ApiKey ann:{secret}"}


@pytest.fixture(params=["passed on", "stripped"])
def shown(request):
    """Have nginx pass on the path of the public address, or strip it."""
    return nginx.SHOWN if request.param == "passed on" else STRIPPED


@pytest.fixture
def site(sqlite_url, header, shown, tmp_path, monkeypatch):
    """Run the server and nginx before it."""
    nginx.program()
    for name, value in nginx.SETTINGS.items():
        monkeypatch.setenv(name, value)
    with (
        serving(sqlite_url) as (_, base),
        nginx.in_front_of(base, tmp_path, shown=shown) as site,
    ):
        yield site


def test_everything_that_is_answered_leads_back_through_the_proxy(site, header):
    """Lists go on, devices learn where they are, jobs are found, pages have styles."""
    for number in range(3):
        case = {"case_type": "t", "case_name": str(number), "owner_id": "o"}
        body = json.dumps(case).encode()
        assert site.ask("POST", f"{CASES}/", body=body, headers=header).status == 200
    address, names = f"{CASES}/?limit=1", []
    while address:
        page = json.loads(site.ask("GET", address, headers=header).body)
        names += [case["case_name"] for case in page["cases"]]
        address = page.get("next")
    assert names == ["0", "1", "2"]
    head = site.ask("HEAD", f"{DOMAIN}/receiver/")
    assert head.status == 204
    assert head.headers["Location"].startswith(PUBLIC_URL)
    described = json.loads(site.ask("GET", f"{PUBLIC_URL}/api/openapi.json").body)
    assert described["servers"] == [{"url": PUBLIC_URL}]
    docs = site.ask("GET", f"{PUBLIC_URL}/api/docs")
    for link in re.findall(r'(?:src|href)="([^"]+)"', docs.body.decode()):
        leads_to = urljoin(f"{PUBLIC_URL}/api/docs", link)
        assert leads_to.startswith(f"{PUBLIC_URL}/")
        assert site.ask("GET", leads_to).status == 200


def test_pages_link_and_post_through_the_proxy(site, header):
    """A form is posted where the page says, and leads on to a page below the path."""
    page_at = f"{DOMAIN}/do/haplo-data-import-batch/new-control-file"
    page = site.ask("GET", page_at, headers=header).body.decode()
    [action] = re.findall(r'action="([^"]+)"', page)
    part = 'Content-Disposition: form-data; name="{}"{}\r\n\r\n{}\r\n'
    file = part.format("file", '; filename="c.json"', a_control().decode())
    form = f"--b\r\n{part.format('comment', '', 'mine')}--b\r\n{file}--b--\r\n"
    sent = {
        **header,
        "Content-Type": "multipart/form-data; boundary=b",
        "Origin": f"https://{nginx.HOST}",
    }
    posted = urljoin(page_at, action)
    answer = site.ask("POST", posted, body=form.encode(), headers=sent)
    assert answer.status == 303
    following = urljoin(page_at, answer.headers["Location"])
    shown = site.ask("GET", following, headers=header)
    assert shown.status == 200
    links = re.findall(r'(?:href|action)="([^"]+)"', shown.body.decode())
    assert links
    for link in links:
        assert urljoin(page_at, link).startswith(f"{PUBLIC_URL}/")


def test_where_a_form_came_from_is_what_nginx_saw(site, sqlite_url):
    """Not the proxy, and not what the client says of itself."""
    answer = site.ask(
        "POST",
        f"{DOMAIN}/receiver/",
        body=FORM,
        headers={"X-Forwarded-For": "192.0.2.1", "X-Forwarded-Host": "evil.example"},
        source="127.0.0.2",
    )
    assert answer.status == 201
    store = open_store(sqlite_url)
    with store.snapshot("demo") as reader:
        [*_, (entry, _)] = entries_after(reader, 0, limit=1000)
    store.close()
    assert entry.details["submit_ip"] == "127.0.0.2"


def test_metrics_stay_on_the_machine(site):
    """The file keeps them from everybody else, however the slashes stand."""
    for place in ("metrics", "/metrics"):
        address = f"{PUBLIC_URL}/{place}"
        assert site.ask("GET", address, source="127.0.0.2").status == 403
    assert b"caseledger_" in site.ask("GET", f"{PUBLIC_URL}/metrics").body


@pytest.mark.parametrize("shown", [nginx.SHOWN])
@pytest.mark.parametrize("external_id", ["a%2Fb", "a//b", "%C3%A9%20%25"])
def test_ids_come_through_as_they_were_sent(site, header, external_id):
    """An encoded slash stays one, and doubled ones stay two."""
    case = {"case_type": "t", "case_name": "n", "owner_id": "o"}
    address = f"{CASES}/ext/{external_id}/"
    body = json.dumps(case).encode()
    written = json.loads(site.ask("PUT", address, body=body, headers=header).body)
    expected = external_id.replace("%2F", "/").replace("%C3%A9%20%25", "é %")
    assert written["case"]["external_id"] == expected
