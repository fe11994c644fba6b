"""Who sent a request that proxies passed on (rules/operator.md 4.8)."""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from api.wire.forwarded import Forwarded, forwarded

TRUSTED = tuple(map(ip_network, ("127.0.0.1", "10.0.0.0/8", "fd00::/8")))


def said(peer, trusted=TRUSTED, **headers):
    """Return what proxies say in headers, each a line or several."""
    names = {"X-Forwarded-" + name.capitalize(): v for name, v in headers.items()}
    lines = {n: [v] if isinstance(v, str) else v for n, v in names.items()}
    return forwarded(peer, lambda name: lines.get(name, []), trusted)


@pytest.mark.parametrize("peer", ["192.0.2.1", "::1", "nobody", "", None])
def test_strangers_can_say_what_they_like(peer):
    """The headers of whoever is no proxy of ours count for nothing."""
    assert said(peer, **{"for": "1.2.3.4", "proto": "https", "host": "x.org"}) is None


def test_without_a_setting_nobody_is_trusted():
    """Not even this machine."""
    assert said("127.0.0.1", (), **{"for": "1.2.3.4"}) is None


@pytest.mark.parametrize(
    ("peer", "header", "address"),
    [
        ("127.0.0.1", "192.0.2.7", "192.0.2.7"),
        ("::ffff:127.0.0.1", "192.0.2.7", "192.0.2.7"),
        ("fd00::1", "2001:db8::7", "2001:db8::7"),
        ("10.1.2.3", "198.51.100.1, 192.0.2.7", "192.0.2.7"),
        ("127.0.0.1", "198.51.100.1,192.0.2.7,10.0.0.9", "192.0.2.7"),
        ("127.0.0.1", ["198.51.100.1", "192.0.2.7", "10.0.0.9"], "192.0.2.7"),
        ("127.0.0.1", "192.0.2.7:51000", "192.0.2.7"),
        ("127.0.0.1", "[2001:db8::7]:51000", "2001:db8::7"),
        ("127.0.0.1", "[2001:db8::7]", "2001:db8::7"),
        ("127.0.0.1", "10.0.0.8", "10.0.0.8"),
        ("127.0.0.1", "192.0.2.7, unknown", "127.0.0.1"),
        ("127.0.0.1", "192.0.2.7, unknown, 10.0.0.9", "10.0.0.9"),
        ("127.0.0.1", "", "127.0.0.1"),
        ("127.0.0.1", [], "127.0.0.1"),
    ],
)
def test_the_client_is_the_last_address_that_is_no_proxy(peer, header, address):
    """What stands before it was written by the client itself."""
    found = said(peer, **{"for": header})
    assert found == Forwarded(address, None, None)


@pytest.mark.parametrize(
    ("chain", "header", "scheme"),
    [
        ("192.0.2.7", "https", "https"),
        ("192.0.2.7", "HTTPS", "https"),
        ("192.0.2.7", "http, https", "https"),
        ("192.0.2.7, 10.0.0.9", "https, http", "https"),
        ("192.0.2.7, 10.0.0.9", "https", "https"),
        ("192.0.2.7", "gopher", None),
        ("192.0.2.7", "", None),
    ],
)
def test_the_scheme_is_what_the_outermost_proxy_saw(chain, header, scheme):
    """The proxies behind it speak plain HTTP to each other."""
    found = said("127.0.0.1", **{"for": chain, "proto": header})
    assert found is not None
    assert found.scheme == scheme


@pytest.mark.parametrize(
    ("header", "host"),
    [
        ("cases.example.org", "cases.example.org"),
        ("cases.example.org:8443", "cases.example.org:8443"),
        ("evil.example, cases.example.org", "cases.example.org"),
        ("[2001:db8::1]:443", "[2001:db8::1]:443"),
        ("", None),
        ("host/path", "host/path"),
    ],
)
def test_the_host_is_what_the_outermost_proxy_saw(header, host):
    """Whether it is one is looked at where every host is (rule 4.9)."""
    found = said("127.0.0.1", **{"for": "192.0.2.7", "host": header})
    assert found is not None
    assert found.host == host
