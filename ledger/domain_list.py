"""The list of all domains, chained as a log is.

The log of a domain proves itself; it cannot tell when all of it is gone, its head with
it. The list can, and a signed checkpoint of any domain covers the list too.
"""

from __future__ import annotations

import hashlib
from typing import NamedTuple

import orjson
from sqlalchemy import bindparam, select

from ledger.log import GENESIS
from ledger.storage.connection import Connection, Statement
from ledger.tables import domain_list, domains
from ledger.times import Micros

_ALL = Statement(select(*domain_list.c).order_by(domain_list.c.number))
_LINE = Statement(
    select(domain_list.c.digest).where(domain_list.c.number == bindparam("number"))
)
_BORN = Statement(
    select(domains.c.domain, domains.c.created_on).order_by(
        domains.c.created_on, domains.c.domain
    )
)
_LAST = Statement(select(*domain_list.c).order_by(domain_list.c.number.desc()).limit(1))


class Listed(NamedTuple):
    """One row of ``domain_list``, columns in the table's order."""

    domain: str
    number: int
    created_on: Micros
    digest: bytes


def listed(conn: Connection) -> list[Listed]:
    """Return the list in its order; a marked fan-out (``rules/design.md`` 1.2)."""
    return [Listed(*row) for row in conn.rows(_ALL)]


def end_of_list(conn: Connection) -> tuple[int, bytes]:
    """Return how long the list is and the digest that covers it; a marked fan-out."""
    row = conn.row(_LAST)
    return (0, GENESIS) if row is None else (row[1], bytes(row[3]))


def digest_of_list(conn: Connection, length: int) -> bytes | None:
    """Return what covers so many lines, nothing if there are fewer."""
    if length == 0:
        return GENESIS
    row = conn.row(_LINE, number=length)
    return None if row is None else bytes(row[0])


def add_to_list(conn: Connection, name: str, *, now: Micros) -> None:
    """Put a domain at the end of the list, in the transaction that makes it."""
    last, digest = end_of_list(conn)
    number = last + 1
    row = Listed(name, number, now, linked(digest, name, number, now))
    conn.insert(domain_list, [row])


def list_missing(conn: Connection) -> None:
    """Put those domains on the list that came from a release without one."""
    known = {line.domain for line in listed(conn)}
    for name, created_on in conn.rows(_BORN):
        if name not in known:
            add_to_list(conn, name, now=created_on)


def linked(before: bytes, domain: str, number: int, created_on: Micros) -> bytes:
    """Return the digest of a line behind another one."""
    line = orjson.dumps([number, domain, created_on])
    return hashlib.sha256(before + line).digest()
