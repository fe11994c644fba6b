"""Which addresses count as one, wherever something is limited by address. Pure."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv6Address, ip_address, ip_network

_ONE_SITE = 64
"""Bits of an IPv6 address that whoever has one cannot choose."""


@lru_cache(maxsize=4096)
def counted_as(address: str) -> str:
    """Return what stands for an address and all that its owner could use as well.

    Of IPv6 that is the network of 64 bits; what is no address stands for itself.
    """
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if not isinstance(found, IPv6Address):
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ip_network((found, _ONE_SITE), strict=False))
