"""The log: append to it and read it; ``ledger/proof/chain.py`` proves it.

Each entry's digest is SHA-256 over the digest before it and the canonical bytes of its
own header, which names the body by its digest. So a body can move, but nothing can be
altered, removed or swapped unseen.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from operator import itemgetter
from typing import Any

import orjson
from sqlalchemy import bindparam, func, select

from ledger.bodies import leave_head, meet_head, pack, true_body
from ledger.entry import NO_DETAILS, Attachment, Entry, Kind
from ledger.errors import NotFound
from ledger.stated import statement
from ledger.storage.connection import Statement
from ledger.storage.dialect import in_list
from ledger.store import Reader, Writer
from ledger.tables import bodies, entries
from ledger.times import Micros, next_tick

Stored = tuple[Entry, tuple[int, bytes] | None]
"""An entry, and its body as it is stored with the number of its dictionary."""

GENESIS = bytes(32)
_SORTED = orjson.OPT_SORT_KEYS
_KINDS = {kind.value: kind for kind in Kind}

_FORM_ENTRIES = Statement(
    select(*entries.columns).where(
        entries.c.domain == bindparam("domain"),
        in_list(entries.c.form_id, "form_ids"),
    )
)
_ENTRY = Statement(
    select(*entries.columns).where(
        entries.c.domain == bindparam("domain"),
        entries.c.position == bindparam("position"),
    )
)
AND_BODIES = entries.outerjoin(
    bodies,
    (bodies.c.domain == entries.c.domain) & (bodies.c.position == entries.c.position),
)
"""Entries, each beside its body if it has one."""
WITH_BODIES = Statement(
    select(*entries.columns, bodies.c.dictionary, bodies.c.body)
    .select_from(AND_BODIES)
    .where(
        entries.c.domain == bindparam("domain"),
        entries.c.position > bindparam("position"),
        entries.c.position <= bindparam("last"),
    )
    .order_by(entries.c.position)
)
"""Entries behind a position up to another; then dictionary and body as stored."""
_LENGTHS = Statement(
    select(entries.c.position, entries.c.body_length)
    .where(
        entries.c.domain == bindparam("domain"),
        entries.c.position > bindparam("position"),
        entries.c.position <= bindparam("last"),
    )
    .order_by(entries.c.position)
)
_BODIES = Statement(
    select(
        bodies.c.position,
        # No join: whatever a planner thinks, this goes by the primary key.
        select(entries.c.body_sha256)
        .where(
            entries.c.domain == bodies.c.domain,
            entries.c.position == bodies.c.position,
        )
        .scalar_subquery(),
        bodies.c.dictionary,
        bodies.c.body,
    ).where(
        bodies.c.domain == bindparam("domain"),
        in_list(bodies.c.position, "positions"),
    )
)
_ENTRIES_AT = Statement(
    select(*entries.columns).where(
        entries.c.domain == bindparam("domain"),
        in_list(entries.c.position, "positions"),
    )
)
_DIGEST = Statement(
    select(entries.c.digest).where(
        entries.c.domain == bindparam("domain"),
        entries.c.position == bindparam("position"),
    )
)
_COUNT = Statement(
    select(entries.c.kind, func.count())
    .where(entries.c.domain == bindparam("domain"))
    .group_by(entries.c.kind)
)


def append(w: Writer, items: Sequence[tuple[Entry, bytes | None]]) -> None:
    """Append entries with their bodies and move the head behind the last one.

    The entries come with gapless positions after the head; their digests are made
    here.
    """
    meet_head(w)
    digest = w.head.digest
    rows = []
    for entry, _ in items:
        header = canonical(entry)
        digest = hashlib.sha256(digest + header).digest()
        rows.append(to_row(entry, digest))
    w.conn.insert(entries, rows)
    w.conn.insert(
        bodies,
        [
            (w.domain, entry.position, *pack(w.conn, w.domain, body))
            for entry, body in items
            if body is not None
        ],
    )
    w.kinds += [entry.kind for entry, _ in items]
    if items:
        w.head = replace(w.head, position=items[-1][0].position, digest=digest)
    leave_head(w)


def record_directory(
    w: Writer,
    action: str,
    details: Mapping[str, Any],
    *,
    user_id: str,
    now: int,
    whole: bool = False,
) -> None:
    """Append a change of the directory: who did what (``rules/design.md`` 2.6).

    ``details`` must hold no secret. The body states the rows that were put
    (``stated.py``), all there are if ``whole`` says so. Saves the head.
    """
    body = statement(w, whole=whole)
    appended_on = next_tick(now, w.head.appended_on)
    position = w.head.position + 1
    entry = Entry(
        domain=w.domain,
        position=position,
        kind=Kind.DIRECTORY,
        form_id=None,
        form_position=position,
        user_id=user_id,
        received_on=appended_on,
        appended_on=appended_on,
        details={"action": action, **details},
        body_sha256=hashlib.sha256(body).digest(),
        body_length=len(body),
    )
    append(w, [(entry, body)])
    w.head = replace(w.head, appended_on=appended_on)
    w.save_head()


def chain(previous: bytes, entry: Entry) -> bytes:
    """Return the digest of an entry that follows ``previous``."""
    return hashlib.sha256(previous + canonical(entry)).digest()


def canonical(entry: Entry) -> bytes:
    """Return the bytes of a header that the chain covers."""
    return orjson.dumps(
        [
            entry.domain,
            entry.position,
            entry.kind,
            entry.form_id,
            entry.orig_form_id,
            entry.form_position,
            entry.xmlns,
            entry.user_id,
            entry.received_on,
            entry.appended_on,
            entry.problem,
            _details_text(entry.details),
            _attachments_text(entry.attachments),
            None if entry.body_sha256 is None else entry.body_sha256.hex(),
            entry.body_length,
        ]
    )


def entries_of_forms(r: Reader, form_ids: Iterable[str]) -> dict[str, list[Entry]]:
    """Return the entries that carry each of these form ids, oldest first."""
    return ask_entries_of_forms(r, form_ids)()


def ask_entries_of_forms(
    r: Reader, form_ids: Iterable[str]
) -> Callable[[], dict[str, list[Entry]]]:
    """Ask for the entries that carry these form ids; return how to get them."""
    ask = r.conn.ask(_FORM_ENTRIES, domain=r.domain, form_ids=list(form_ids))

    def get() -> dict[str, list[Entry]]:
        found: dict[str, list[Entry]] = {}
        for row in sorted(ask(), key=itemgetter(1)):
            entry = to_entry(row)
            found.setdefault(entry.form_id or "", []).append(entry)
        return found

    return get


def digest_at(r: Reader, position: int) -> bytes | None:
    """Return the digest of a log at a position, ``None`` behind its end."""
    if position == 0:
        return GENESIS
    if position > r.head.position:
        return None
    digest: bytes | None = r.conn.value(_DIGEST, domain=r.domain, position=position)
    return digest


def entry_at(r: Reader, position: int) -> Entry | None:
    """Return the entry at a position."""
    row = r.conn.row(_ENTRY, domain=r.domain, position=position)
    return None if row is None else to_entry(row)


def entries_at(r: Reader, positions: Iterable[int]) -> dict[int, Entry]:
    """Return the entries at these positions."""
    rows = r.conn.rows(_ENTRIES_AT, domain=r.domain, positions=list(positions))
    return {entry.position: entry for entry in map(to_entry, rows)}


def position_at(r: Reader, when: Micros) -> int:
    """Return the position of the last entry that the log held at a time, else 0.

    Raises ``NotFound`` when somebody took an entry out of the log.
    """
    low, high = 0, r.head.position
    if when >= r.head.appended_on:
        return high
    while low < high:
        middle = (low + high + 1) // 2
        entry = entry_at(r, middle)
        if entry is None:
            raise NotFound(f"The entry at position {middle} is missing")
        if entry.appended_on <= when:
            low = middle
        else:
            high = middle - 1
    return low


def bodies_at(r: Reader, positions: Iterable[int]) -> dict[int, bytes]:
    """Return the bodies at these positions; raises ``Damaged``."""
    rows = r.conn.rows(_BODIES, domain=r.domain, positions=list(positions))
    return {
        position: true_body(
            r, position, sha256=sha256, dictionary=dictionary, stored=stored
        )
        for position, sha256, dictionary, stored in rows
    }


def entries_after(
    r: Reader, position: int, *, limit: int
) -> list[tuple[Entry, bytes | None]]:
    """Return up to ``limit`` entries behind a position with their bodies.

    Raises ``Damaged``.
    """
    rows = r.conn.rows(
        WITH_BODIES, domain=r.domain, position=position, last=position + limit
    )
    found = [(to_entry(row[:-2]), row[-2:]) for row in rows]
    return [(entry, _body(r, entry, body)) for entry, body in found]


def portion_end(r: Reader, position: int, *, limit: int, most_bytes: int) -> int:
    """Return the last of up to ``limit`` entries behind a position that go together.

    Their bodies have ``most_bytes`` between them, unless the first alone has more.
    Returns the position itself where nothing is behind it.
    """
    rows = r.conn.rows(
        _LENGTHS, domain=r.domain, position=position, last=position + limit
    )
    end, left = position, most_bytes
    for found, length in rows:
        left -= length
        if left < 0 and end > position:
            break
        end = found
    return end


def stored_after(r: Reader, position: int, *, limit: int) -> list[Stored]:
    """Return up to ``limit`` entries behind a position, their bodies as stored."""
    rows = r.conn.rows(
        WITH_BODIES, domain=r.domain, position=position, last=position + limit
    )
    return [(to_entry(row), row[-2:] if row[-1] else None) for row in rows]


def count_kinds(r: Reader) -> dict[str, int]:
    """Return how many entries of each kind the log holds."""
    return dict(r.conn.rows(_COUNT, domain=r.domain))


def to_entry(row: Sequence[Any]) -> Entry:
    """Return the entry that a row of ``entries`` holds."""
    # By place, in the order of the tuple: a log is read by the thousand.
    return Entry(
        row[0],
        row[1],
        _KINDS.get(row[2]) or Kind(row[2]),
        row[3],
        row[5],
        row[8],
        row[9],
        row[4],
        row[6],
        row[7],
        row[10],
        orjson.loads(row[11]) if row[11] else NO_DETAILS,
        _attachments(row[12]) if row[12] else (),
        *row[13:16],
    )


def to_row(entry: Entry, digest: bytes) -> tuple[Any, ...]:
    """Return the row of ``entries`` that holds an entry under its digest."""
    return (
        entry.domain,
        entry.position,
        entry.kind.value,
        entry.form_id,
        entry.orig_form_id,
        entry.form_position,
        entry.xmlns,
        entry.user_id,
        entry.received_on,
        entry.appended_on,
        entry.problem,
        _details_text(entry.details),
        _attachments_text(entry.attachments),
        entry.body_sha256,
        entry.body_length,
        digest,
    )


def _body(r: Reader, entry: Entry, stored: Sequence[Any]) -> bytes | None:
    dictionary, body = stored
    if body is None:
        return None
    return true_body(
        r,
        entry.position,
        sha256=entry.body_sha256,
        dictionary=dictionary,
        stored=body,
    )


def _details_text(details: Mapping[str, Any]) -> str | None:
    return orjson.dumps(details, option=_SORTED).decode() if details else None


def _attachments_text(attachments: Sequence[Attachment]) -> str | None:
    if not attachments:
        return None
    return orjson.dumps(
        [[a.name, a.content_type, a.sha256, a.length] for a in attachments]
    ).decode()


def _attachments(text: str) -> tuple[Attachment, ...]:
    return tuple(map(Attachment._make, orjson.loads(text)))
