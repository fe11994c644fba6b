"""Getting rid of dictionaries that hold pieces of what was erased.

A dictionary is no longer used for new bodies at once; the bodies that were compressed
with it are compressed anew, some in each commit, and then it goes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from xml.sax.saxutils import escape

from sqlalchemy import bindparam, delete, func, select, update

from ledger.bodies import add_dictionary, forget_dictionaries, pack, unpack
from ledger.storage.connection import Statement
from ledger.storage.dialect import in_list
from ledger.store import Writer
from ledger.submit import Needs, Session
from ledger.tables import bodies, dictionaries

_STRETCH = 8
"""Bytes of a value that are enough to tell something."""
_USUAL = ("utf-8",)
_WIDE = ("utf-8", "utf-16-le", "utf-16-be")
"""How forms with NUL bytes may have brought a value."""
_QUOTED = {'"': "&quot;"}

_KEYS = {
    "bodies": ("position",),
    "dictionaries": ("dictionary",),
    "blobs": ("sha256",),
    "blob_parts": ("sha256", "number"),
}

_ALL = Statement(
    select(dictionaries.c.dictionary, dictionaries.c.content).where(
        dictionaries.c.domain == bindparam("domain")
    )
)
_LAST = Statement(
    select(func.max(dictionaries.c.dictionary)).where(
        dictionaries.c.domain == bindparam("domain")
    )
)
_NEXT = Statement(
    select(bodies.c.position, bodies.c.dictionary, bodies.c.body).where(
        bodies.c.domain == bindparam("domain"),
        bodies.c.position > bindparam("after"),
        bodies.c.position <= bindparam("last"),
        in_list(bodies.c.dictionary, "stale"),
    )
)
_SET_BODY = Statement(
    update(bodies)
    .where(bodies.c.domain == bindparam("d"), bodies.c.position == bindparam("p"))
    .values(dictionary=bindparam("number"), body=bindparam("stored"))
)
_DROP = Statement(
    delete(dictionaries).where(
        dictionaries.c.domain == bindparam("domain"),
        dictionaries.c.dictionary == bindparam("number"),
    )
)


@contextmanager
def changeable(w: Writer, table: str) -> Iterator[None]:
    """Lift the guard of a table of the log for the rest of a block.

    The guard is back before the transaction ends: nobody else ever meets the table
    without it.
    """
    dialect = w.conn.dialect
    for statement in dialect.changeable(table):
        w.conn.execute(statement)
    yield
    for statement in dialect.unchangeable(table, *_KEYS[table]):
        w.conn.execute(statement)


def replace_stale(w: Writer, texts: Collection[str]) -> tuple[int, ...]:
    """Put a new dictionary in the place of those that hold one of these texts.

    Returns the ones that must go; the bodies that need them are still as they were.
    """
    known = [_Content(*row) for row in w.conn.rows(_ALL, domain=w.domain)]
    stale = tuple(found.number for found in known if found.holds(texts))
    if stale and not add_dictionary(w):
        # Too few bodies to learn from: an empty one is none.
        last = w.conn.value(_LAST, domain=w.domain) or 0
        w.conn.insert(dictionaries, [(w.domain, last + 1, b"")])
        forget_dictionaries(w.conn, w.domain)
    return stale


class _Content:
    """A dictionary, cut into every stretch that may betray something.

    It is cut out of forms without regard for where a value begins: so of a short text
    all of it betrays it, of a long one any stretch.
    """

    def __init__(self, number: int, content: bytes) -> None:
        self.number = number
        self._content = content
        self._lengths: dict[int, frozenset[bytes]] = {}

    def holds(self, texts: Iterable[str]) -> bool:
        """Tell whether one of these texts, or a stretch of it, is in it."""
        encodings = _WIDE if b"\x00" in self._content else _USUAL
        return any(
            self._has(written.encode(encoding, "replace"))
            for text in texts
            for written in {text, escape(text), escape(text, _QUOTED)}
            for encoding in encodings
        )

    def _has(self, whole: bytes) -> bool:
        length = min(len(whole), _STRETCH)
        return not self._cut(length).isdisjoint(_stretches(whole, length))

    def _cut(self, length: int) -> frozenset[bytes]:
        if length not in self._lengths:
            self._lengths[length] = frozenset(_stretches(self._content, length))
        return self._lengths[length]


def _stretches(whole: bytes, length: int) -> Iterator[bytes]:
    for start in range(len(whole) - length + 1):
        yield whole[start : start + length]


@dataclass(frozen=True, slots=True, kw_only=True)
class Repack:
    """Compress some bodies anew that were compressed with dictionaries that must go.

    Appends nothing: what the bodies say, and their digests, stay the same.
    """

    stale: tuple[int, ...]
    after: int = 0
    most: int = 2_000

    @property
    def size(self) -> int:
        """Return about how many bytes it handles."""
        return 1024 * self.most

    def needs(self) -> Needs:
        """Look up nothing."""
        return Needs()

    def run(self, session: Session) -> int | None:
        """Return the last position that is done; ``None`` when all of it is."""
        w = session.writer
        if self.after >= w.head.position:
            self._drop(w)
            return None
        # Another process may have made the dictionary that is used from now on.
        forget_dictionaries(w.conn, w.domain)
        last = min(self.after + self.most, w.head.position)
        rows = w.conn.rows(
            _NEXT, domain=w.domain, after=self.after, last=last, stale=list(self.stale)
        )
        if rows:
            with changeable(w, "bodies"):
                for position, number, stored in rows:
                    self._pack(w, position, unpack(w.conn, w.domain, number, stored))
        return last

    def failed(self, session: Session, error: Exception) -> None:
        """Keep nothing: it can be run again."""

    def _pack(self, w: Writer, position: int, body: bytes) -> None:
        number, stored = pack(w.conn, w.domain, body)
        if number in self.stale:
            raise AssertionError("no dictionary stands in the place of a stale one")
        w.conn.run(_SET_BODY, d=w.domain, p=position, number=number, stored=stored)

    def _drop(self, w: Writer) -> None:
        with changeable(w, "dictionaries"):
            for number in self.stale:
                w.conn.run(_DROP, domain=w.domain, number=number)
        forget_dictionaries(w.conn, w.domain)
