"""Every row of the table of routes, as a client asks for it."""

from __future__ import annotations

from api.routes import ROUTES
from api.wire.route import PLACEHOLDER, SPELLINGS, Route

_STANDS_FOR = {"file": "docs.js", "schema": "case-transaction-v2.xsd", "position": "1"}
"""What must be of a shape; every other placeholder takes anything."""

WRITING = [route for route in ROUTES if route.writes]
IN_DOMAINS = [route for route in ROUTES if "{domain}" in route.path]


def address_of(route: Route, *, domain: str) -> str:
    """Return an address of a row, in a domain if it is one of a domain."""

    def filled(name: str) -> str:
        if name == "domain":
            return domain
        return SPELLINGS.get(name, [_STANDS_FOR.get(name, "x")])[0]

    return PLACEHOLDER.sub(lambda found: filled(found[1]), route.path)


def name_of(route: Route) -> str:
    """Return a row as a person reads it."""
    return f"{route.method} {route.written_path}"
