"""Which addresses a webhook may have, and where its requests may really go.

What a name resolves to is looked at when a webhook is made, so that its maker hears of
it, and again for every connection, when the address is about to be used: a name may
come to mean another machine in between.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator, Sequence
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
)
from typing import Any

from yarl import URL

Resolve = Callable[..., Sequence[tuple[Any, ...]]]
"""Asks what a host and a port stand for, as ``socket.getaddrinfo`` does."""

LONGEST_URL = 2000

_UNICAST = IPv6Network("2000::/3")
"""All that was ever handed out of IPv6; what stands outside is something else."""
_NAT64 = IPv6Network("64:ff9b::/96")
_6TO4 = IPv6Network("2002::/16")
_RESERVED_6 = tuple(
    map(
        IPv6Network,
        (
            "2001::/23",  # of protocols: Teredo, benchmarks, ORCHID
            "2001:db8::/32",  # documentation
            "3fff::/20",  # documentation
        ),
    )
)
_RESERVED_4 = tuple(
    map(
        IPv4Network,
        (
            "0.0.0.0/8",
            "192.0.0.0/24",  # of protocols
            "192.88.99.0/24",  # relays of 6to4
            "224.0.0.0/4",  # multicast
            "240.0.0.0/4",
        ),
    )
)
"""What a version of Python may take for global though it is not."""
_ISATAP = 0x00005EFE
_ISATAP_BITS = 0xFCFFFFFF


class PrivateAddress(OSError):
    """A host is on this machine, in its network or in one of no public use."""


def is_url(text: str) -> bool:
    """Tell whether a text is an http address of some host, without credentials."""
    if len(text) > LONGEST_URL or not (text.isascii() and text.isprintable()):
        return False
    try:
        url = URL(text)
        host, port = url.host, url.port
    except ValueError:
        return False
    plain = url.user is None and url.password is None and " " not in text
    return url.scheme in {"http", "https"} and bool(host and port) and plain


def leads_inside(text: str, resolve: Resolve = socket.getaddrinfo) -> bool:
    """Tell whether the host of a URL is, or now resolves to, no public address.

    A host that cannot be resolved is looked at when it is connected to.
    """
    url = URL(text)
    try:
        found = resolve(url.host, url.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return False
    return not all(is_public(str(address[0])) for *_, address in found)


def is_public(text: str) -> bool:
    """Tell whether an IP address is one that anybody on the internet may ask.

    An IPv6 address must be so by itself, and so must every IPv4 address that it is
    another way to reach. What is written in front of an IPv4 address to make it look
    like one of IPv6 (mapped, translated, compatible) is no address of the internet: a
    webhook can name the IPv4 address.
    """
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return False
    if isinstance(address, IPv4Address):
        return _is_public_4(address)
    return _is_unicast_6(address) and all(map(_is_public_4, _inside(address)))


def public_socket(info: Any) -> socket.socket:
    """Make the socket for an address that is about to be connected to.

    Raises ``PrivateAddress`` unless it is a public one.
    """
    family, kind, protocol, _, address = info
    if not is_public(str(address[0])):
        raise PrivateAddress("the address is not public")
    return socket.socket(family=family, type=kind, proto=protocol)


def _is_public_4(address: IPv4Address) -> bool:
    return address.is_global and not any(address in net for net in _RESERVED_4)


def _is_unicast_6(address: IPv6Address) -> bool:
    if address in _NAT64:
        return True
    return address in _UNICAST and not any(address in net for net in _RESERVED_6)


def _inside(address: IPv6Address) -> Iterator[IPv4Address]:
    """Yield the IPv4 addresses that a global IPv6 address leads to on the way."""
    number = int(address)
    last = IPv4Address(number & 0xFFFFFFFF)
    if address in _NAT64:
        yield last
    if address in _6TO4:
        yield IPv4Address(number >> 80 & 0xFFFFFFFF)
    if number >> 32 & _ISATAP_BITS == _ISATAP:
        yield last
