"""Where a webhook may lead: nobody is asked, and nothing is looked up (siege: S18)."""

from __future__ import annotations

import socket
from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from api.webhooks.urls import PrivateAddress, is_public, leads_inside, public_socket

PUBLIC = [
    "93.184.216.34",
    "2606:2800:220:1:248:1893:25c8:1946",
    "2001:4860:4860::8888",
    "64:ff9b::5db8:d822",  # NAT64 of 93.184.216.34
    "2002:5db8:d822::1",  # its 6to4
    "2606:2800:220:1:0:5efe:5db8:d822",  # its ISATAP
]
INSIDE = {
    "this machine": "127.0.0.1",
    "a network of its own": "10.1.2.3",
    "another": "172.16.0.1",
    "a home": "192.168.1.1",
    "the metadata of a cloud": "169.254.169.254",
    "behind a carrier's NAT": "100.64.0.1",
    "nobody": "0.0.0.0",  # noqa: S104 - nobody listens there
    "nobody, too": "0.1.2.3",
    "everybody": "255.255.255.255",
    "a group": "224.0.0.1",
    "another group": "239.1.2.3",
    "no use yet": "250.1.2.3",
    "protocols": "192.0.0.9",
    "relays of 6to4": "192.88.99.1",
    "benchmarks": "198.18.0.1",
    "documentation": "192.0.2.1",
    "IPv6: this machine": "::1",
    "IPv6: nobody": "::",
    "IPv6: the link": "fe80::1%eth0",
    "IPv6: a network of its own": "fc00::1",
    "IPv6: the same": "fd12:3456::1",
    "IPv6: a site": "fec0::1",
    "IPv6: a site, too": "feff:ffff::1",
    "IPv6: a group": "ff02::1",
    "IPv6: a group of the internet": "ff0e::1",
    "IPv6: to be thrown away": "100::1",
    "IPv6: documentation": "2001:db8::1",
    "IPv6: new documentation": "3fff::1",
    "IPv6: benchmarks": "2001:2::1",
    "IPv6: ORCHID": "2001:20::1",
    "IPv6: segments": "5f00::1",
    "IPv6: handed out to nobody": "4000::1",
    "mapped: this machine": "::ffff:127.0.0.1",
    "mapped: a public one": "::ffff:93.184.216.34",
    "translated: this machine": "::ffff:0:127.0.0.1",
    "translated: a public one": "::ffff:0:93.184.216.34",
    "compatible: this machine": "::127.0.0.1",
    "compatible: a public one": "::93.184.216.34",
    "NAT64: this machine": "64:ff9b::127.0.0.1",
    "NAT64: the metadata of a cloud": "64:ff9b::169.254.169.254",
    "NAT64 of a network: this machine": "64:ff9b:1::127.0.0.1",
    "NAT64 of a network: a public one": "64:ff9b:1::93.184.216.34",
    "NAT64 of a network, further in": "64:ff9b:1:7f00:0:100::",
    "6to4: this machine": "2002:7f00:1::",
    "6to4: a network of its own": "2002:a01:203::1",
    "6to4 and ISATAP": "2002:5db8:d822::5efe:127.0.0.1",
    "Teredo: this machine": "2001:0:5db8:d822:0:0:80ff:fffe",
    "Teredo: a public one": "2001:0:5db8:d822:0:0:a247:27dd",
    "ISATAP: this machine": "2606:2800:220:1::5efe:127.0.0.1",
    "ISATAP: marked as global": "2606:2800:220:1:200:5efe:127.0.0.1",
    "no address": "example",
    "nothing": "",
}


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_may_be_called(address):
    """What anybody on the internet may ask, a webhook may ask too."""
    assert is_public(address)
    assert not leads_inside("http://somebody/", lambda *_, **__: found(address))


@pytest.mark.parametrize("address", INSIDE.values(), ids=INSIDE)
def test_addresses_inside_may_not_be_called(address):
    """This machine, its network, the metadata of a cloud, and other ways there."""
    assert not is_public(address)
    assert leads_inside("http://somebody/", lambda *_, **__: found(address))
    with pytest.raises(PrivateAddress):
        public_socket((socket.AF_INET6, socket.SOCK_STREAM, 0, "", (address, 80)))


def test_one_address_inside_among_others_is_enough():
    """A name may stand for several, and nobody knows which will be asked."""
    several = found(PUBLIC[0], "127.0.0.1", PUBLIC[1])
    assert leads_inside("http://somebody/", lambda *_, **__: several)


@pytest.mark.parametrize("error", [socket.gaierror(), UnicodeError("label too long")])
def test_a_name_that_resolves_to_nothing_is_looked_at_later(error):
    """A name server that is down for a moment keeps nobody from making a webhook."""

    def fail(*_args, **_more):
        raise error

    assert not leads_inside("http://somebody/", fail)


def found(*addresses):
    """Return what a resolver answers."""
    return [(socket.AF_INET6, socket.SOCK_STREAM, 6, "", (a, 80)) for a in addresses]


# -- whatever the address ----------------------------------------------------

NUMBERS = st.integers(min_value=0, max_value=2**32 - 1)
PRIVATE = st.one_of(
    st.integers(min_value=int(IPv4Address(first)), max_value=int(IPv4Address(last)))
    for first, last in (
        ("0.0.0.0", "0.255.255.255"),  # noqa: S104 - nobody listens there
        ("10.0.0.0", "10.255.255.255"),
        ("100.64.0.0", "100.127.255.255"),
        ("127.0.0.0", "127.255.255.255"),
        ("169.254.0.0", "169.254.255.255"),
        ("172.16.0.0", "172.31.255.255"),
        ("192.168.0.0", "192.168.255.255"),
        ("224.0.0.0", "255.255.255.255"),
    )
)
WAYS = {
    "mapped": lambda inner, _: 0xFFFF << 32 | inner,
    "translated": lambda inner, _: 0xFFFF << 48 | inner,
    "compatible": lambda inner, _: inner,
    "NAT64": lambda inner, _: 0x64FF9B << 96 | inner,
    "NAT64 of a network": lambda inner, _: 0x64FF9B0001 << 80 | inner,
    "6to4": lambda inner, rest: 0x2002 << 112 | inner << 80 | rest,
    "Teredo, its server": lambda inner, rest: 0x20010000 << 96 | inner << 64 | rest,
    "Teredo, its client": lambda inner, rest: (
        0x20010000 << 96 | rest << 32 | (inner ^ 0xFFFFFFFF)
    ),
    "ISATAP": lambda inner, rest: 0x2606 << 112 | rest << 64 | 0x5EFE << 32 | inner,
    "ISATAP, marked as global": lambda inner, rest: (
        0x2606 << 112 | rest << 64 | 0x02005EFE << 32 | inner
    ),
}


@given(st.sampled_from(sorted(WAYS)), PRIVATE, NUMBERS)
@example("compatible", int(IPv4Address("127.0.0.1")), 0)
@example("translated", int(IPv4Address("127.0.0.1")), 0)
@example("NAT64", int(IPv4Address("10.0.0.1")), 0)
def test_no_way_leads_to_an_address_inside(way, inner, rest):
    """No address passes whose embedded IPv4 address is private, whatever is around."""
    address = str(IPv6Address(WAYS[way](inner, rest)))
    assert not is_public(str(IPv4Address(inner)))
    assert not is_public(address), f"{way}: {address}"


@given(st.integers(min_value=0, max_value=2**128 - 1))
@example(int(IPv6Address("fec0::1")))
def test_all_that_passes_is_global_unicast(number):
    """What was handed out to nobody is nobody's address."""
    address = IPv6Address(number)
    if is_public(str(address)):
        assert number >> 125 == 1 or number >> 32 == 0x64FF9B << 64
        assert not address.is_private
        assert not address.is_multicast
