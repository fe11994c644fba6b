"""The proof of a log: its chain, its bodies, its attachments.

Everything is read as an intruder or a broken disk may have left it, so nothing here
trusts a row to make sense. What an erasure took away lawfully is in the log itself
(kind ``erase``) and is no fault.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, func, select

from ledger.bodies import length_of_blob, unpack
from ledger.entry import Entry
from ledger.erasures import Erasures, erasures
from ledger.errors import Damaged
from ledger.log import GENESIS, WITH_BODIES, chain, to_entry
from ledger.storage.connection import Statement
from ledger.store import Reader
from ledger.tables import bodies, entries

_BATCH = 200
"""How many entries are in memory, with their bodies, at a time."""
_POSITION, _APPENDED_ON, _DIGEST = 1, 9, 15
_SHA256 = re.compile(r"[0-9a-f]{64}")

_ENTRY_BEHIND = Statement(
    select(func.min(entries.c.position)).where(
        entries.c.domain == bindparam("domain"),
        entries.c.position > bindparam("head"),
    )
)
_BODY_BEHIND = Statement(
    select(func.min(bodies.c.position)).where(
        bodies.c.domain == bindparam("domain"),
        bodies.c.position > bindparam("head"),
    )
)


@dataclass(frozen=True, slots=True)
class Break:
    """A place where the log does not prove itself."""

    position: int
    text: str


@dataclass(frozen=True, slots=True)
class _Link:
    """The entry before; its digest is unknown behind a gap."""

    position: int
    digest: bytes | None
    appended_on: int


def verify_chain(r: Reader) -> Iterator[Break]:
    """Yield every place where the log does not hold, in the order of positions.

    The first is where it begins; the next few may be consequences of it. Needs a
    snapshot.
    """
    # What the connection remembers of dictionaries is no proof that they are there.
    r.conn.codecs = None
    with r.conn.dialect.any_text(r.conn.raw):
        yield from _breaks(r)


def _breaks(r: Reader) -> Iterator[Break]:
    erased = erasures(r)
    last = _Link(0, GENESIS, 0)
    for begin in range(0, r.head.position, _BATCH):
        upto = min(begin + _BATCH, r.head.position)
        for row in r.conn.rows(WITH_BODIES, domain=r.domain, position=begin, last=upto):
            yield from _faults(r, last, row, erased)
            last = _Link(row[_POSITION], row[_DIGEST], row[_APPENDED_ON])
    if last.position < r.head.position:
        yield _gap(last.position, r.head.position + 1)
    elif last.digest != r.head.digest:
        yield Break(last.position, "the head of the domain names another digest")
    elif r.head.appended_on < last.appended_on:
        yield Break(last.position, "the head of the domain names an earlier time")
    yield from _behind_the_head(r)


def _faults(
    r: Reader, last: _Link, row: Sequence[Any], erased: Erasures
) -> Iterator[Break]:
    """Yield what is wrong with an entry, and with what stands before it."""
    position = row[_POSITION]
    if position != last.position + 1:
        yield _gap(last.position, position)
        last = _Link(position - 1, None, last.appended_on)
    try:
        entry = to_entry(row[:-2])
        header = _header_fault(last, entry)
    except (ValueError, TypeError):
        yield Break(position, "the header cannot be read")
        return
    for text in (header, _body_fault(r, entry, row, erased)):
        if text:
            yield Break(position, text)
    for text in _attachment_faults(r, entry, erased):
        yield Break(position, text)


def _gap(before: int, behind: int) -> Break:
    first, last = before + 1, behind - 1
    if first == last:
        return Break(first, "the entry is missing")
    return Break(first, f"the entries from here to {last} are missing")


def _header_fault(last: _Link, entry: Entry) -> str | None:
    if last.digest is not None and chain(last.digest, entry) != entry.digest:
        return "the header was altered or moved"
    if entry.appended_on <= last.appended_on:
        return "its time is not after the one before"
    return None


def _body_fault(
    r: Reader, entry: Entry, row: Sequence[Any], erased: Erasures
) -> str | None:
    number, stored = row[-2:]
    if stored is None:
        return "the body is missing" if entry.body_sha256 is not None else None
    if entry.body_sha256 is None:
        return "a body stands where none belongs"
    try:
        body = unpack(r.conn, r.domain, number, stored)
    except (ValueError, TypeError, MemoryError):
        return "the body cannot be read: it or its dictionary was altered or removed"
    found = hashlib.sha256(body)
    left = erased.bodies.get(entry.position)
    if left is not None:
        same = found.hexdigest() == left
        return None if same else "the body is not the one that its erasure left"
    return None if found.digest() == entry.body_sha256 else "the body was altered"


def _attachment_faults(r: Reader, entry: Entry, erased: Erasures) -> Iterator[str]:
    """Yield what is wrong with attachments; they go by digest, names may be private."""
    named = [found.sha256 for found in entry.attachments]
    for sha256 in sorted({text for text in map(str, named) if _SHA256.fullmatch(text)}):
        try:
            length = length_of_blob(r, sha256)
        except Damaged:
            yield f"the attachment {sha256} was altered"
            continue
        if length is None and erased.blobs.get(sha256, 0) < entry.position:
            yield f"the attachment {sha256} is missing"


def _behind_the_head(r: Reader) -> Iterator[Break]:
    for statement, thing in ((_ENTRY_BEHIND, "an entry"), (_BODY_BEHIND, "a body")):
        behind = r.conn.value(statement, domain=r.domain, head=r.head.position)
        if behind is not None:
            yield Break(behind, f"{thing} stands behind the head of the domain")
