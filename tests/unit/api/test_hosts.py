"""What a host is, and whose (rules/operator.md 4.9)."""

from __future__ import annotations

import pytest

from api.hosts import Host, fits, host_of, is_loopback, is_same, parse_host
from api.wire.own_hosts import OwnHosts
from api.wire.problems import Problem


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("cases.example.org", Host("cases.example.org")),
        ("Cases.Example.ORG.", Host("cases.example.org")),
        ("cases.example.org:8443", Host("cases.example.org", 8443)),
        ("case_ledger:8000", Host("case_ledger", 8000)),
        ("192.0.2.7:80", Host("192.0.2.7", 80)),
        ("[2001:DB8::7]:80", Host("2001:db8::7", 80)),
        ("xn--bcher-kva.example", Host("xn--bcher-kva.example")),
    ],
)
def test_hosts_are_read_with_their_ports(text, host):
    """Letters of either case are one, and a last dot makes no difference."""
    assert parse_host(text) == host


@pytest.mark.parametrize(
    "text",
    [
        *("", ":80", "evil#", "a/b", "a b", "a@b", "a,b", "a?b", "a\\b", "a%2Fb"),
        *("a:", "a:x", "a:65536", "a:80:80", "a..b", ".a", "-a", "a-", "é.example"),
        *("2001:db8::7", "[::1", "[1.2.3.4]", "[:::]", "[fe80::1%25eth0]"),
        *("a\n", "a" * 256, "http://a", "a'b", 'a"b', "<a>"),
    ],
)
def test_what_is_no_host_is_none(text):
    """It would go into links as it is."""
    assert parse_host(text) is None
    with pytest.raises(Problem) as refused:
        OwnHosts().check(text)
    assert refused.value.status == 400


@pytest.mark.parametrize(
    ("host", "allowed"),
    [
        ("cases.example.org", True),
        ("cases.example.org.:8443", True),
        ("example.net", True),
        ("a.b.example.net", True),
        ("192.0.2.7", True),
        ("[::1]", True),
        ("public.example.org:99", True),
        ("example.org", False),
        ("x.cases.example.org", False),
        ("notexample.net", False),
        ("192.0.2.8", False),
    ],
)
@pytest.mark.parametrize("probed", [True, False])
def test_some_names_only(host, allowed, probed):
    """One behind a dot means all below it; the public address is always ours."""
    own = OwnHosts(
        ("cases.example.org", ".example.net", "192.0.2.7", "[::1]"),
        public_url="https://public.example.org/ledger",
    )
    if allowed:
        own.check(host, probed=probed)
        return
    with pytest.raises(Problem, match="not a host of this server"):
        own.check(host, probed=probed)


@pytest.mark.parametrize("host", ["localhost:8000", "127.0.0.1", "127.9.9.9", "[::1]"])
def test_probes_of_this_machine_come_through(host):
    """Whoever watches the process does not go round by the proxy."""
    own = OwnHosts(("cases.example.org",))
    own.check(host, probed=True)
    with pytest.raises(Problem):
        own.check(host)


def test_without_names_every_valid_host_is_ours():
    """The public address alone is no list."""
    OwnHosts(public_url="https://cases.example.org").check("other.example.org")


@pytest.mark.parametrize(
    ("name", "here"),
    [
        ("localhost", True),
        ("127.0.0.1", True),
        ("::1", True),
        ("0.0.0.0", False),  # noqa: S104 - nothing listens here
        ("", False),
        ("localhost.example.org", False),
    ],
)
def test_which_names_are_this_machine(name, here):
    """No name is looked up."""
    assert is_loopback(name) is here


@pytest.mark.parametrize(
    ("address", "host"),
    [
        ("https://a.example", Host("a.example", 443)),
        ("http://a.example/x?y#z", Host("a.example", 80)),
        ("http://own@evil.example:8080/own", Host("evil.example", 8080)),
        ("http://[::1]:8000", Host("::1", 8000)),
        ("null", None),
        ("about:blank", None),
        ("ftp://a.example", None),
        ("http://[x", None),
        ("http://a.example:99999", None),
        ("", None),
    ],
)
def test_addresses_have_hosts(address, host):
    """What stands before an ``@`` is no host."""
    assert host_of(address) == host


@pytest.mark.parametrize(
    ("address", "text", "same"),
    [
        ("https://a.example", "a.example", True),
        ("https://a.example", "A.example:443", True),
        ("http://a.example", "a.example", True),
        ("http://a.example:8000", "a.example:8000", True),
        ("http://a.example:8000", "a.example", False),
        ("https://a.example", "a.example:8443", False),
        ("https://b.example", "a.example", False),
        ("https://a.example", "a#", False),
    ],
)
def test_an_origin_is_compared_with_a_host(address, text, same):
    """By name and port; the usual port need not be told."""
    origin = host_of(address)
    assert origin is not None
    assert is_same(origin, text) is same
    assert fits(origin, ["a.example"]) is (origin.name == "a.example")
