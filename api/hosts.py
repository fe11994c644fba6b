"""Which host a text names, and whether it is one of ours. Pure.

What a client says of a host goes into links, so nothing counts as one that is none:
names of DNS, with the underscores of private networks, and addresses, with a port or
without (``rules/operator.md`` 4.9).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from ipaddress import IPv6Address, ip_address
from typing import NamedTuple
from urllib.parse import urlsplit

_LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?"
_HOST = re.compile(rf"({_LABEL}(?:\.{_LABEL})*\.?|\[[0-9A-Fa-f:.]+\])(?::(\d{{1,5}}))?")
_LONGEST = 255
_LAST_PORT = 65_535
_USUAL_PORTS = {"http": 80, "https": 443}


class Host(NamedTuple):
    """A name in lower case without its last dot, or an address; and a port."""

    name: str
    port: int | None = None


def parse_host(text: str) -> Host | None:
    """Return the host that a ``Host`` header names, nothing when it names none."""
    found = _HOST.fullmatch(text) if len(text) <= _LONGEST else None
    if found is None:
        return None
    name, port = found[1].lower().removesuffix("."), found[2]
    if name.startswith("["):
        try:
            name = str(IPv6Address(name[1:-1]))
        except ValueError:
            return None
    if port is not None and int(port) > _LAST_PORT:
        return None
    return Host(name, None if port is None else int(port))


def is_host_pattern(text: str) -> bool:
    """Tell whether a text is a host without a port, or one behind a dot."""
    host = parse_host(text.removeprefix("."))
    return host is not None and host.port is None


def fits(host: Host, patterns: Sequence[str]) -> bool:
    """Tell whether one of the patterns means a host, on whatever port.

    ``.example.org`` means this name and all below it.
    """
    return any(_means(pattern, host.name) for pattern in patterns)


def is_loopback(name: str) -> bool:
    """Tell whether a host is this machine as it calls itself."""
    if name == "localhost":
        return True
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False


def host_of(address: str) -> Host | None:
    """Return the host of an address of the web, its port always told."""
    try:
        parts = urlsplit(address)
        found = parse_host(parts.netloc.rpartition("@")[2])
    except ValueError:
        return None
    usual = _USUAL_PORTS.get(parts.scheme)
    if found is None or usual is None:
        return None
    return Host(found.name, usual if found.port is None else found.port)


def is_same(origin: Host, text: str) -> bool:
    """Tell whether a text, such as a ``Host`` header, names the host of an origin.

    Without a port it is that of either scheme: who is behind a proxy that ends TLS
    cannot tell which one the client used.
    """
    host = parse_host(text)
    if host is None or host.name != origin.name:
        return False
    usual = _USUAL_PORTS.values() if host.port is None else (host.port,)
    return origin.port in usual


def _means(pattern: str, name: str) -> bool:
    wanted = parse_host(pattern.removeprefix("."))
    if wanted is None:
        return False
    below = pattern.startswith(".") and name.endswith(f".{wanted.name}")
    return below or name == wanted.name
