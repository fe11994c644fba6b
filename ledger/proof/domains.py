"""The proof of the set of domains: the list, the heads and the logs name the same."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import bindparam, func, select

from ledger.domain_list import linked, listed
from ledger.log import GENESIS
from ledger.storage.connection import Connection, Statement
from ledger.tables import domains, metadata

_NEXT = [
    Statement(
        select(func.min(table.c.domain)).where(table.c.domain > bindparam("after"))
    )
    for table in metadata.sorted_tables
    if "domain" in table.c
]
_HEADS = Statement(select(domains.c.domain).order_by(domains.c.domain))


def domains_anywhere(conn: Connection) -> list[str]:
    """Return every name of a domain that a kept row has; a marked fan-out.

    A step through each primary key for each name: no table is walked.
    """
    found: set[str] = set()
    for statement in _NEXT:
        after = ""
        while (name := conn.value(statement, after=after)) is not None:
            found.add(name)
            after = name
    return sorted(found)


def list_faults(conn: Connection) -> list[str]:
    """Return where the list of domains does not hold; a marked fan-out."""
    return list(_list_faults(conn))


def _list_faults(conn: Connection) -> Iterator[str]:
    heads = {name for (name,) in conn.rows(_HEADS)}
    digest, number = GENESIS, 0
    known: set[str] = set()
    for line in listed(conn):
        number += 1
        if line.number != number:
            yield f"line {number} of the list of domains is missing"
            number, digest = line.number, line.digest
        else:
            digest = linked(digest, line.domain, line.number, line.created_on)
        if digest != line.digest:
            yield f"line {number} of the list of domains was altered or moved"
            digest = line.digest
        known.add(line.domain)
    for name in sorted(known - heads):
        yield f"the domain '{name}' was created and has no head any more"
    for name in sorted(heads - known):
        yield f"the domain '{name}' is not on the list of domains: it was put in"
