"""The proof of the directory: every row of it against what the log states.

Notes of older releases state no rows. What they left can be neither proved nor blamed
until all is stated anew (``restate``), and is counted apart.
"""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from typing import Any

from sqlalchemy import bindparam, select

from ledger.bodies import unpack
from ledger.clock import now_micros
from ledger.entry import Author, Kind
from ledger.log import AND_BODIES, record_directory
from ledger.proof.differences import Difference
from ledger.stated import IMPORT_NOTE, STATED, Fold, Key, Row, Stated, fits, state_row
from ledger.storage.connection import Statement
from ledger.store import Reader, Writer
from ledger.tables import bodies, entries

_FIRST = 1
_NOTES = Statement(
    select(entries.c.position, entries.c.details, bodies.c.dictionary, bodies.c.body)
    .select_from(AND_BODIES)
    .where(
        entries.c.domain == bindparam("domain"),
        entries.c.kind == Kind.DIRECTORY.value,
    )
    .order_by(entries.c.position)
)
_ROWS = {
    name: Statement(
        select(
            *(stated.table.c[n] for n in dict.fromkeys((*stated.key, *stated.columns)))
        )
        .where(stated.table.c.domain == bindparam("domain"))
        .order_by(*stated.table.primary_key)
    )
    for name, stated in STATED.items()
}


def fold_of(r: Reader) -> Fold:
    """Return the directory as the log states it; needs a snapshot.

    Raises ``ValueError`` for a note that cannot be read; the chain tells which.
    """
    fold = Fold()
    for position, details, dictionary, stored in r.conn.stream(_NOTES, domain=r.domain):
        if stored is not None:
            body = unpack(r.conn, r.domain, dictionary, stored)
            fold.add(body, first=position == _FIRST)
        elif IMPORT_NOTE not in details:
            # An older release wrote it: what it changed is not known.
            fold.whole = False
    return fold


def directory_differences(
    r: Reader,
    fold: Fold,
    counted: MutableMapping[str, int],
    unproved: MutableMapping[str, int],
) -> Iterator[Difference]:
    """Yield where the directory is not what a log states (``fold_of`` the same moment).

    Counts the rows that were compared, and those that no note states although an
    older release may have made them.
    """
    for name, stated in STATED.items():
        counted[name] = 0
        known = dict(fold.rows[name])
        for key, row in live_rows(r, stated):
            said = known.pop(key, None)
            if said is not None:
                counted[name] += 1
                yield from _row_differences(name, key, row, said)
            elif stated.excused(row, fold):
                continue
            elif fold.whole and name in fold.tables:
                yield _difference(name, key, live=row)
            else:
                unproved[name] = unproved.get(name, 0) + 1
        for key, said in known.items():
            yield _difference(name, key, fresh=said)


def live_rows(r: Reader, stated: Stated) -> Iterator[tuple[Key, Row]]:
    """Yield the rows of a table with their keys, those columns that are stated."""
    names = tuple(dict.fromkeys((*stated.key, *stated.columns)))
    width = len(stated.key)
    for row in r.conn.rows(_ROWS[str(stated.table.name)], domain=r.domain):
        values = [bytes(v) if isinstance(v, memoryview) else v for v in row]
        yield tuple(values[:width]), dict(zip(names, values, strict=True))


def restate(w: Writer, *, author: Author) -> dict[str, int]:
    """State the whole directory as it is, and return how many rows of each table.

    For a log that older releases wrote: from here on every row can be proved. Who
    calls has made sure that nothing differs yet.
    """
    counted, fold = {}, Fold()
    for name, stated in STATED.items():
        rows = fold.rows[name] = {
            key: row
            for key, row in live_rows(w, stated)
            if not stated.excused(row, fold)
        }
        counted[name] = len(rows)
        for row in rows.values():
            state_row(w, stated.table, row)
    details: dict[str, Any] = {"rows": counted}
    record_directory(
        w,
        "directory stated",
        details,
        user_id=author.user_id,
        now=now_micros(),
        whole=True,
    )
    return counted


def _row_differences(name: str, key: Key, row: Row, said: Row) -> Iterator[Difference]:
    for column, value in said.items():
        # A column that this program does not have any more is no difference.
        if column in row and not fits(value, row[column]):
            yield _difference(name, key, column, live=row[column], fresh=value)


def _difference(
    name: str, key: Key, column: str = "", *, live: Any = None, fresh: Any = None
) -> Difference:
    return Difference(table=name, key=key, column=column, live=live, fresh=fresh)
