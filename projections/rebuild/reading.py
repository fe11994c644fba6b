"""Reading a log portion by portion, to be folded: replay and verify share it."""

from __future__ import annotations

from collections.abc import Mapping

from ledger import log
from ledger.bodies import codecs_of, replaced_bodies
from ledger.entry import Entry
from ledger.storage.connection import Connection
from ledger.store import Reader
from projections.rebuild.parsing import WITH_FORMS, Chunk

CHUNK = 1_000
"""How many entries are read and parsed at a time, at most."""
CHUNK_BYTES = 4 * 1024 * 1024
"""How many bytes their bodies have: a form of a hundred cases is as large as sixty."""


def pass_through(conn: Connection) -> None:
    """Have a connection keep nothing at hand of what is read once, end to end.

    Pages of a file that is mapped count as memory of the process until it ends.
    """
    for statement in conn.dialect.passing_through:
        conn.execute(statement)


def read(reader: Reader, position: int, *, last: int) -> Chunk:
    """Return entries behind a position up to another, their bodies as stored.

    As many as are read and parsed at a time.
    """
    most = min(CHUNK, last - position)
    end = log.portion_end(reader, position, limit=most, most_bytes=CHUNK_BYTES)
    stored = log.stored_after(reader, position, limit=end - position)
    replaced = replaced_bodies(reader)
    sources = [
        (entry.position, *body, _named(entry, replaced))
        for entry, body in stored
        if entry.kind in WITH_FORMS and body is not None
    ]
    numbers = {number for _, number, *_ in sources}
    codecs = codecs_of(reader.conn, reader.domain, numbers)
    return Chunk(stored, sources, codecs)


def _named(entry: Entry, replaced: Mapping[int, str]) -> tuple[str, ...]:
    """Return the digests of the bytes that a body may have."""
    own = "" if entry.body_sha256 is None else entry.body_sha256.hex()
    return own, replaced.get(entry.position, own)
