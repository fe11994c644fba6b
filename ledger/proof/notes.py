"""A log against what was noted of it earlier, and kept where nobody could alter it.

The chain of digests proves that a log fits together. Who can write to the database can
also make a whole new chain that does; only something from outside can tell.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, select

from ledger.domain_list import digest_of_list
from ledger.log import GENESIS
from ledger.proof.chain import Break
from ledger.proof.checkpoint import DIGESTS, HALF, SignedCheckpoint
from ledger.storage.connection import Statement
from ledger.store import Reader
from ledger.tables import entries

_NOTE = re.compile(r"([0-9]{1,18}):([0-9a-fA-F]{64})")

_DIGEST = Statement(
    select(entries.c.digest).where(
        entries.c.domain == bindparam("domain"),
        entries.c.position == bindparam("position"),
    )
)


@dataclass(frozen=True, slots=True)
class Note:
    """The digest that the entry at a position had when somebody wrote it down."""

    position: int
    digest: bytes


Earlier = Note | SignedCheckpoint
"""What a log can be compared with."""


def parse_note(text: str) -> Note | None:
    """Return the note that ``POSITION:DIGEST`` means, nothing for another text."""
    found = _NOTE.fullmatch(text)
    return Note(int(found[1]), bytes.fromhex(found[2])) if found else None


def differences(r: Reader, earlier: Sequence[Earlier]) -> Iterator[Break]:
    """Yield where a log begins to be another one than was noted; needs a snapshot.

    A signed checkpoint names the first entry that differs. A note alone can only say
    that it is not behind its position, nor before what another note confirms.
    """
    confirmed = [0]
    notes: list[Note] = []
    for known in sorted(earlier, key=lambda known: known.position):
        if isinstance(known, Note):
            notes.append(known)
            continue
        if digest_of_list(r.conn, known.domains) != known.domains_digest:
            text = f"the list of domains is not the one of {known.made_on}"
            yield Break(0, text)
        first = _first_difference(r, known)
        if first is not None:
            yield first
        confirmed.append(known.position if first is None else first.position - 1)
    confirmed += [note.position for note in notes if _holds(r, note)]
    for note in notes:
        if not _holds(r, note):
            yield _noted_otherwise(r, note, confirmed)


def _first_difference(r: Reader, known: SignedCheckpoint) -> Break | None:
    """Return the first entry that is not the one of a checkpoint."""
    end = min(known.position, r.head.position)
    expected, digest = 0, GENESIS
    with closing(_digests(r, end)) as stored:
        for expected, (position, digest) in enumerate(stored, start=1):
            if position != expected:
                return _missing(expected, known)
            if digest[:HALF] != known.half(position):
                return _other(position, known)
    if expected < known.position:
        return _missing(expected + 1, known)
    return None if digest == known.digest else _other(expected, known)


def _digests(r: Reader, last: int) -> Generator[tuple[Any, ...], None, None]:
    yield from r.conn.stream(DIGESTS, domain=r.domain, last=last)


def _missing(position: int, known: SignedCheckpoint) -> Break:
    text = f"the entry is missing: the checkpoint of {known.made_on} has it"
    return Break(position, text)


def _other(position: int, known: SignedCheckpoint) -> Break:
    text = f"the entry is not the one in the checkpoint of {known.made_on}"
    return Break(position, text)


def _holds(r: Reader, note: Note) -> bool:
    if note.position == 0:
        return note.digest == GENESIS
    if note.position > r.head.position:
        return False
    stored = r.conn.value(_DIGEST, domain=r.domain, position=note.position)
    return bool(stored == note.digest)


def _noted_otherwise(r: Reader, note: Note, confirmed: Sequence[int]) -> Break:
    if note.position > r.head.position:
        behind = r.head.position + 1
        return Break(behind, f"the entry is missing: {note.position} was noted")
    first = max(position for position in confirmed if position <= note.position) + 1
    if first >= note.position:
        return Break(note.position, "the entry is not the one that was noted")
    text = f"an entry from {first} to here is not the one that was noted"
    return Break(note.position, text)
