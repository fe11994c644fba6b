"""Which addresses a webhook may have, and where its requests may really go.

What a name resolves to is looked at when a webhook is made, so that its maker hears of
it, and again for every connection, when the address is about to be used: a name may
come to mean another machine in between.
"""

from __future__ import annotations

import socket
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Any

from yarl import URL

LONGEST_URL = 2000
_NAT64 = IPv6Network("64:ff9b::/96")


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


def leads_inside(text: str) -> bool:
    """Tell whether the host of a URL is, or now resolves to, no public address.

    A host that cannot be resolved is looked at when it is connected to.
    """
    url = URL(text)
    try:
        found = socket.getaddrinfo(url.host, url.port, type=socket.SOCK_STREAM)
    except OSError:
        return False
    return not all(is_public(str(address[0])) for *_, address in found)


def is_public(text: str) -> bool:
    """Tell whether an IP address is one that anybody on the internet may ask."""
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return False
    inner = _inside(address)
    return address.is_global and not address.is_multicast and inner is None


def public_socket(info: Any) -> socket.socket:
    """Make the socket for an address that is about to be connected to.

    Raises ``PrivateAddress`` unless it is a public one.
    """
    family, kind, protocol, _, address = info
    if not is_public(str(address[0])):
        raise PrivateAddress("the address is not public")
    return socket.socket(family=family, type=kind, proto=protocol)


def _inside(address: IPv4Address | IPv6Address) -> IPv4Address | None:
    """Return the IPv4 address that an IPv6 address is another way to reach.

    Such ways are not taken at all: a webhook can name the IPv4 address.
    """
    if isinstance(address, IPv4Address):
        return None
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    teredo = address.teredo
    return address.ipv4_mapped or address.sixtofour or (teredo[1] if teredo else None)
