"""Under which hosts a server may be reached (rules/operator.md 4.9)."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from ipaddress import ip_network

import pytest

from tests.kit.routes import IN_DOMAINS, address_of, name_of

FORM = (
    b"<data xmlns='http://example.org/f'><meta><instanceID>i</instanceID></meta></data>"
)
PROCESS = ["/healthz", "/readyz", "/metrics", "/api/openapi.json", "/nothing"]


def serving(**settings):
    """Have a test serve with settings of its own."""
    return pytest.mark.parametrize("settings", [settings])


@pytest.fixture
def settings():
    return {}


@pytest.fixture
def config(config, settings):
    return replace(config, **settings)


async def raw(api, *lines: str) -> bytes:
    """Send a head as it is written and return the whole answer."""
    host, port = api.base.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    head = "\r\n".join([*lines, "Connection: close", "", ""])
    writer.write(head.encode("latin-1"))
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer


async def test_a_host_that_is_none_is_refused_everywhere(api):
    """It would stand in links; each route says so in its own dialect."""
    evil = {"Host": "evil#"}
    for route in IN_DOMAINS:
        path = address_of(route, domain="demo")
        answer = await api.request(route.method, path, headers=evil)
        assert answer.status == 400, name_of(route)
    for path in PROCESS:
        assert (await api.get(path, headers=evil)).status == 400
    answer = await api.get(api.cases, headers=evil)
    assert answer.error == "'evil#' is not a valid host"


@pytest.mark.parametrize(
    "host", ["", "a b", "a/b", "é.example", "a:99999", "user@a", "a,b"]
)
async def test_every_text_that_is_no_host_is_refused(api, host):
    """As its bytes come."""
    for path in ("/healthz", api.cases):
        answer = await raw(api, f"GET {path} HTTP/1.1", f"Host: {host}")
        assert answer.startswith(b"HTTP/1.1 400 "), answer


async def test_a_host_is_told_once(api):
    """RFC 9112 3.2."""
    answer = await raw(api, "GET /healthz HTTP/1.1", "Host: a", "Host: b")
    assert b" 400 " in answer.partition(b"\r\n")[0]


async def test_an_old_client_may_say_nothing(api):
    """HTTP/1.0 knows no such header; we are then who was connected to."""
    answer = await raw(api, "GET /healthz HTTP/1.0")
    assert b" 200 OK" in answer.partition(b"\r\n")[0]


async def test_the_host_of_a_whole_address_counts(api):
    """RFC 9112 3.2.2: the target of the request wins over the header."""
    for target in ("http://ev_il!/healthz", "http://evil%23/healthz"):
        answer = await raw(api, f"GET {target} HTTP/1.1", "Host: fine")
        assert answer.startswith(b"HTTP/1.1 400 "), answer
    answer = await raw(api, "GET http://fine/healthz HTTP/1.1", "Host: fine")
    assert answer.startswith(b"HTTP/1.1 200 "), answer


@serving(trusted_proxies=(ip_network("127.0.0.0/8"),))
async def test_what_a_trusted_proxy_says_must_be_a_host(api):
    """It goes into links just so."""
    for host in ("evil#", "a b", "a/b", 'x"><script>'):
        headers = {"X-Forwarded-For": "192.0.2.7", "X-Forwarded-Host": host}
        answer = await api.get(api.cases, headers=headers)
        assert answer.status == 400


@serving(trusted_proxies=(ip_network("127.0.0.0/8"),))
async def test_a_whole_address_comes_through_a_proxy(api):
    """With what the proxy says of its host."""
    for host in ("cases.example.org", "cases.example.org:8443"):
        said = f"X-Forwarded-Host: {host}"
        answer = await raw(api, "GET http://a/healthz HTTP/1.1", "Host: a", said)
        assert answer.startswith(b"HTTP/1.1 200 "), answer


async def test_what_strangers_say_of_a_host_is_not_looked_at(api):
    """It counts for nothing (rule 4.8)."""
    answer = await api.get(api.cases, headers={"X-Forwarded-Host": "evil#"})
    assert answer.status == 200


@serving(
    allowed_hosts=("cases.example.org", ".example.net"),
    public_url="https://public.example.org",
)
async def test_only_hosts_of_the_settings_are_served(api):
    """And the public one; any else is told that it is none of ours."""
    for host in ("cases.example.org", "a.example.net:8000", "public.example.org"):
        assert (await api.get(api.cases, headers={"Host": host})).status == 200
    for host in ("evil.example", "127.0.0.1:8000", "localhost"):
        answer = await api.get(api.cases, headers={"Host": host})
        assert answer.status == 400
        assert answer.error == f"'{host}' is not a host of this server"
        received = await api.post(
            "/a/demo/receiver", data=FORM, headers={"Host": host}, anonymous=True
        )
        assert received.status == 400


@serving(allowed_hosts=("cases.example.org",))
async def test_probes_of_the_same_machine_are_served(api):
    """Whatever hosts are allowed."""
    for path in ("/healthz", "/readyz", "/metrics"):
        assert (await api.get(path)).status == 200
        evil = await api.get(path, headers={"Host": "evil.example"})
        assert evil.status == 400


@serving(
    allowed_hosts=("cases.example.org",),
    trusted_proxies=(ip_network("127.0.0.0/8"),),
)
async def test_behind_a_proxy_the_host_that_it_saw_is_asked_for(api):
    """A proxy may call us by an address of its own."""
    headers = {"X-Forwarded-For": "192.0.2.7"}
    for host, status in (("cases.example.org", 200), ("evil.example", 400)):
        said = {**headers, "X-Forwarded-Host": host}
        assert (await api.get(api.cases, headers=said)).status == status
