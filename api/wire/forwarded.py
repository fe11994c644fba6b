"""What proxies say of a request that they passed on (``rules/operator.md`` 4.8). Pure.

Anybody can send such headers, so they count only from an address that the operator
trusts. A proxy adds what it saw at the end of what it got: from the end on, everything
is true up to the first address that is no proxy of ours.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
)
from itertools import chain

Networks = Sequence[IPv4Network | IPv6Network]

_WITH_PORT = re.compile(r"\[(.+)\](?::\d+)?|([^:]+):\d+")
_SCHEMES = frozenset({"http", "https"})


@dataclass(frozen=True, slots=True)
class Forwarded:
    """How a client reached the outermost proxy that is trusted.

    What the proxies do not say is nothing, and so is a scheme that makes no sense. A
    host is as they say it; whoever uses it looks whether it is one.
    """

    address: str
    scheme: str | None
    host: str | None


def forwarded(
    peer: str | None, lines: Callable[[str], Sequence[str]], trusted: Networks
) -> Forwarded | None:
    """Return what the proxies say, nothing when the peer is none that is trusted.

    ``lines`` has the lines of a header, in their order.
    """
    client = _address(peer or "")
    if client is None or not _is_in(client, trusted):
        return None
    proxies = 1
    for item in reversed(_items(lines("X-Forwarded-For"))):
        before = _address(item)
        if before is None:
            break
        client = before
        if not _is_in(client, trusted):
            break
        proxies += 1
    scheme = _seen_by(proxies, lines("X-Forwarded-Proto")).lower()
    host = _seen_by(proxies, lines("X-Forwarded-Host"))
    return Forwarded(
        address=str(client),
        scheme=scheme if scheme in _SCHEMES else None,
        host=host or None,
    )


def is_trusted(peer: str, trusted: Networks) -> bool:
    """Tell whether an address is one of a proxy that is trusted."""
    address = _address(peer)
    return address is not None and _is_in(address, trusted)


def _items(lines: Sequence[str]) -> list[str]:
    return [item.strip() for item in chain(*(line.split(",") for line in lines))]


def _seen_by(proxies: int, lines: Sequence[str]) -> str:
    """Return what the outermost of so many proxies saw.

    A proxy may put its own value in the place of all that came, so there may be fewer.
    """
    items = _items(lines)
    return items[max(0, len(items) - proxies)] if items else ""


def _address(text: str) -> IPv4Address | IPv6Address | None:
    """Return an address, whatever port stands behind it."""
    found = _WITH_PORT.fullmatch(text)
    try:
        address = ip_address((found[1] or found[2]) if found else text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def _is_in(address: IPv4Address | IPv6Address, networks: Networks) -> bool:
    return any(address in network for network in networks)
