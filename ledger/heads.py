"""The heads of domains: how they are read, locked and saved.

A head is the row of ``domains`` that says where a domain's log ends; ``store.py`` opens
transactions over one, ``together.py`` over several.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import orjson
from sqlalchemy import bindparam, select

from ledger.entry import Head, IndexedName
from ledger.errors import Damaged, NotFound
from ledger.storage.connection import Connection, Statement
from ledger.storage.dialect import Row, in_list
from ledger.tables import domains

HEAD_COLUMNS = (
    domains.c.position,
    domains.c.appended_on,
    domains.c.digest,
    domains.c.live_cases,
    domains.c.live_forms,
    domains.c.indexed,
    domains.c.settings,
)
"""What ``head_of`` makes a head of."""
READ_HEAD = Statement(
    select(*HEAD_COLUMNS).where(domains.c.domain == bindparam("domain"))
)
LOCK_HEAD = Statement(
    select(*HEAD_COLUMNS)
    .where(domains.c.domain == bindparam("domain"))
    .with_for_update()
)
"""Closes the race of two writers of a domain, in one process or in several.

Both would read that the log ends at 7, and decide against that state. Both would fold
onto the same row of a case, and the later upsert would undo what the client of the
earlier one was told is kept; both would look for an external id, find nobody and make a
case; both would chain their entry to the digest at 7. A sequence would only part the
positions: it hands them out before it is known who commits, and when. A rollback would
leave a gap, and 8 might become visible after 9, behind the cursor of a reader who has
seen 9 and never looks back; likewise the times that pages of cases go by.

So whoever appends holds the row of the domain from before it has read anything until
all that it wrote is visible: the order of positions is that of the commits, and a
rollback gives its positions back. The lock must be the first statement, under READ
COMMITTED. Who had to wait is given the row as its predecessor left it, and every
statement from there on sees all that this one committed; what was read before the wait
would be the past, and under REPEATABLE READ so would everything read after it.

SQLite knows no lock of a row and gets none. There ``BEGIN IMMEDIATE`` takes the lock
for writing, of which the file has one, and waits for it before anything is read. A
plain ``BEGIN`` would ask for it at the first write, and be refused, however long it
waited, if another had written since its first read.
"""
LOCK_FREE_HEADS = Statement(
    select(domains.c.domain, *HEAD_COLUMNS)
    .where(in_list(domains.c.domain, "names"))
    .order_by(domains.c.domain)
    .with_for_update(skip_locked=True)
)
"""Takes those of several heads that nobody else holds, in the order of their names.

Who holds a head never waits for another one, so two who want the same in whichever
order never wait for each other. What is read of a domain from here on is read after its
head was taken, as behind ``LOCK_HEAD``.
"""
KNOWN = Statement(select(domains.c.domain).where(in_list(domains.c.domain, "names")))
_SAVED = ("position", "appended_on", "digest", "live_cases", "live_forms", "indexed")


class DamagedHead(Damaged):
    """The row of a domain cannot be read; the text says what of it."""


@lru_cache(maxsize=1024)
def head_of(domain: str, row: Row) -> Head:
    """Return the head that a row holds; raises ``DamagedHead``.

    Between two writes every read of a domain meets the same row.
    """
    position, appended_on, digest, cases, forms, indexed, settings = row
    try:
        names = _indexed(indexed)
    except (ValueError, TypeError) as error:
        raise DamagedHead("the indexed names of the domain cannot be read") from error
    try:
        found = _settings(settings)
    except (ValueError, TypeError) as error:
        raise DamagedHead("the settings of the domain cannot be read") from error
    return Head(
        domain=domain,
        position=position,
        appended_on=appended_on,
        digest=digest,
        live={"cases": cases, "forms": forms},
        indexed=names,
        settings=found,
    )


def no_domain(domain: str) -> NotFound:
    """Return what is raised where a domain has no head."""
    return NotFound(f"No domain with name {domain}")


def save_head(conn: Connection, head: Head) -> None:
    """Write a head that this transaction holds as it is now."""
    row = (
        head.domain,
        head.position,
        head.appended_on,
        head.digest,
        head.live["cases"],
        head.live["forms"],
        _indexed_text(head.indexed),
    )
    conn.update(domains, _SAVED, [row])


@lru_cache(maxsize=1024)
def _indexed(text: str) -> tuple[IndexedName, ...]:
    return tuple(
        IndexedName(name_id=name_id, name=name, built_to=built_to)
        for name_id, name, built_to in orjson.loads(text)
    )


@lru_cache(maxsize=1024)
def _settings(text: str) -> Mapping[str, Any]:
    settings: Mapping[str, Any] = orjson.loads(text)
    return settings


@lru_cache(maxsize=1024)
def _indexed_text(names: tuple[IndexedName, ...]) -> str:
    return orjson.dumps([[n.name_id, n.name, n.built_to] for n in names]).decode()
