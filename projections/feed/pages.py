"""Reading the log as a feed: entries in commit order with the cases they changed.

A page is bounded in entries, in bytes of XML that are read for it and in the text that
it carries, so that a reader costs the same whatever the log holds. One entry always
fits.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from functools import lru_cache
from typing import NamedTuple

from sqlalchemy import bindparam, select

from ledger import log
from ledger.entry import Entry
from ledger.storage.connection import Connection, Statement
from ledger.storage.dialect import in_list
from ledger.store import Reader
from ledger.tables import domains
from projections.feed.changed import changed_cases
from projections.names import CASES
from projections.tables import case_tables

AT_ONCE = 250
"""Entries that are read and parsed before the size of the page is looked at again."""
MOST_XML = 8 * 1024 * 1024
MOST_TEXT = 4 * 1024 * 1024
_ENTRY_TEXT = 300
"""Characters of an entry without its problem and its ids, about."""
_IDS_AT_ONCE = 1000

_POSITIONS = Statement(
    select(domains.c.domain, domains.c.position).where(
        in_list(domains.c.domain, "domains")
    )
)


class Change(NamedTuple):
    """An entry of the log and the ids of the cases it changed."""

    entry: Entry
    case_ids: tuple[str, ...]


class ChangePage(NamedTuple):
    """Entries in commit order; ``more`` tells that the log goes on behind them."""

    changes: tuple[Change, ...]
    more: bool


def read_changes(r: Reader, after: int, *, limit: int) -> ChangePage:
    """Return the entries behind a position, gapless and ``limit`` at most.

    Needs a reader that sees one moment (``Store.snapshot``): what an entry changed is
    partly told by the read tables. Served by the primary key of ``entries``.
    """
    last = min(after + limit, r.head.position)
    found: list[Change] = []
    text = 0
    for change in _changes(r, after, last):
        text += _weight(change)
        if found and text > MOST_TEXT:
            break
        found.append(change)
    reached = found[-1].entry.position if found else after
    return ChangePage(tuple(found), more=reached < r.head.position)


def changes_at(r: Reader, positions: Collection[int]) -> dict[int, Change]:
    """Return the entries at these few positions with the cases they changed."""
    headers = log.entries_at(r, positions)
    bodies = log.bodies_at(r, positions)
    items = [(headers[place], bodies.get(place)) for place in sorted(headers)]
    changed = changed_cases(r, items)
    return {
        entry.position: Change(entry, changed.get(entry.position, ()))
        for entry, _ in items
    }


def types_of(r: Reader, case_ids: Collection[str]) -> dict[str, str]:
    """Return the present type of each of these cases, deleted ones included."""
    statement = _types_statement(r.head.live[CASES])
    ids = list(case_ids)
    found: dict[str, str] = {}
    for start in range(0, len(ids), _IDS_AT_ONCE):
        chunk = ids[start : start + _IDS_AT_ONCE]
        found.update(r.conn.rows(statement, domain=r.domain, case_ids=chunk))
    return found


def head_positions(conn: Connection, names: Collection[str]) -> dict[str, int]:
    """Return how long the logs of these domains are.

    A marked fan-out (``rules/design.md`` 1.2): one look for everybody who waits in a
    process.
    """
    return dict(conn.rows(_POSITIONS, domains=list(names)))


def _changes(r: Reader, after: int, last: int) -> Iterator[Change]:
    """Yield the changes up to ``last``, or until enough XML was read."""
    xml = 0
    while after < last and xml < MOST_XML:
        most = min(last - after, AT_ONCE)
        until = log.portion_end(r, after, limit=most, most_bytes=MOST_XML)
        items = log.entries_after(r, after, limit=until - after)
        changed = changed_cases(r, items)
        for entry, _ in items:
            yield Change(entry, changed.get(entry.position, ()))
        xml += sum(entry.body_length for entry, _ in items)
        after = until


def _weight(change: Change) -> int:
    entry, ids = change
    text = len("".join(ids)) + 3 * len(ids) + _ENTRY_TEXT
    return text if entry.problem is None else text + len(entry.problem)


@lru_cache(maxsize=16)
def _types_statement(generation: int) -> Statement:
    cases = case_tables(generation).cases
    return Statement(
        select(cases.c.case_id, cases.c.case_type).where(
            cases.c.domain == bindparam("domain"), in_list(cases.c.case_id, "case_ids")
        )
    )
