"""The bytes behind the log: bodies with their dictionaries, attachments by digest.

Whatever is read here to be used is held against the digest that names it, in one place
for bodies (``true_body``) and in one for attachments and files (``parts_of_blob``).
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import bindparam, func, select

from ledger.entry import Attachment, Upload
from ledger.erasures import erasures
from ledger.errors import ALTERED, Damaged
from ledger.storage.compression import PLAIN, Codec, DecompressionError, pays, train
from ledger.storage.connection import Connection, Statement
from ledger.storage.dialect import in_list
from ledger.store import Reader, Writer
from ledger.tables import blob_parts, blobs, bodies, dictionaries

PART = 1024 * 1024
"""Bytes of a file in one row: one that is larger is never held whole."""

_SAMPLES = 400
_TRAIN_AT = (256, 20_000, 1_000_000)
"""How many bodies a domain has when it gets its next dictionary."""

_LATEST_DICTIONARY = Statement(
    select(func.max(dictionaries.c.dictionary)).where(
        dictionaries.c.domain == bindparam("domain")
    )
)
_DICTIONARY = Statement(
    select(dictionaries.c.content).where(
        dictionaries.c.domain == bindparam("domain"),
        dictionaries.c.dictionary == bindparam("dictionary"),
    )
)
_LATEST_BODIES = Statement(
    select(bodies.c.dictionary, bodies.c.body)
    .where(
        bodies.c.domain == bindparam("domain"), bodies.c.position > bindparam("after")
    )
    .order_by(bodies.c.position.desc())
    .limit(_SAMPLES)
)
_BLOB = Statement(
    select(blobs.c.content).where(
        blobs.c.domain == bindparam("domain"), blobs.c.sha256 == bindparam("sha256")
    )
)

_PART = Statement(
    select(blob_parts.c.content).where(
        blob_parts.c.domain == bindparam("domain"),
        blob_parts.c.sha256 == bindparam("sha256"),
        blob_parts.c.number == bindparam("number"),
    )
)
_PRESENT_BLOBS = Statement(
    select(blobs.c.sha256).where(
        blobs.c.domain == bindparam("domain"), in_list(blobs.c.sha256, "digests")
    )
)


class _Codecs:
    """The codecs a connection has met, by domain and number; one thread uses it."""

    def __init__(self) -> None:
        self.known: dict[tuple[str, int], Codec] = {}
        self.latest: dict[str, int] = {}
        self.heads: dict[str, bytes] = {}
        self.replaced: dict[str, _Replaced] = {}


@dataclass(slots=True)
class _Replaced:
    """The digests of what erasures left of bodies, by position, as far as looked up."""

    digests: dict[int, str] = field(default_factory=dict)
    upto: int = 0


def pack(conn: Connection, domain: str, body: bytes) -> tuple[int, bytes]:
    """Return the dictionary's number and the compressed bytes of a body."""
    codec = _latest(conn, domain) if pays(body) else PLAIN
    return codec.number, codec.compress(body)


def unpack(conn: Connection, domain: str, dictionary: int, stored: bytes) -> bytes:
    """Return the bytes of a body as they came; raises ``ValueError`` if damaged."""
    try:
        return _codec(conn, domain, dictionary).decompress(stored)
    except DecompressionError as error:
        raise ValueError(str(error)) from error


def true_body(
    r: Reader,
    position: int,
    *,
    sha256: bytes | None,
    dictionary: int,
    stored: bytes,
) -> bytes:
    """Return the bytes of a body, which its entry names by a digest.

    Raises ``Damaged`` for others, unless they are what an erasure has left.
    """
    try:
        body = unpack(r.conn, r.domain, dictionary, stored)
    except (ValueError, TypeError, MemoryError) as error:
        raise damaged_body(r.domain, position) from error
    found = hashlib.sha256(body)
    if found.digest() != sha256 and not _is_replacement(r, position, found.hexdigest()):
        raise damaged_body(r.domain, position)
    return body


def damaged_body(domain: str, position: int) -> Damaged:
    """Return what tells that a body is not the one that its entry names."""
    return Damaged(f"The form at position {position} of '{domain}' {ALTERED}")


def replaced_bodies(r: Reader) -> Mapping[int, str]:
    """Return the digests of what erasures left of bodies, by position.

    Looks up what the connection does not know yet, so it must be asked behind the
    reading of the bodies that it is about.
    """
    known = _codecs(r.conn).replaced.setdefault(r.domain, _Replaced())
    known.digests |= erasures(r, after=known.upto).bodies
    known.upto = max(known.upto, r.head.position)
    return known.digests


def note_replaced(w: Writer, position: int, sha256: str) -> None:
    """Take bytes for those of a body from now on; the entry that says so follows."""
    known = _codecs(w.conn).replaced.setdefault(w.domain, _Replaced())
    known.digests[position] = sha256


def codecs_of(
    conn: Connection, domain: str, numbers: Collection[int]
) -> dict[int, Codec]:
    """Return the codecs of these dictionaries; raises ``ValueError`` for a missing one.

    For many bodies at once, and for processes that have no connection.
    """
    return {number: _codec(conn, domain, number) for number in numbers}


def wants_dictionary(position: int, appended: int) -> bool:
    """Tell whether the log has just grown past a size that earns a new dictionary."""
    return any(position - appended < size <= position for size in _TRAIN_AT)


def add_dictionary(w: Writer) -> bool:
    """Train a dictionary on the latest bodies and use it from now on."""
    rows = w.conn.rows(
        _LATEST_BODIES, domain=w.domain, after=w.head.position - 10 * _SAMPLES
    )
    content = train([unpack(w.conn, w.domain, number, body) for number, body in rows])
    if content is None:
        return False
    number = (w.conn.value(_LATEST_DICTIONARY, domain=w.domain) or 0) + 1
    w.conn.insert(dictionaries, [(w.domain, number, content)])
    forget_dictionaries(w.conn, w.domain)
    return True


def forget_dictionaries(conn: Connection, domain: str) -> None:
    """Look again which dictionary of a domain is the latest."""
    _codecs(conn).latest.pop(domain, None)


def meet_head(w: Writer) -> None:
    """Look again which dictionary is the latest unless the head is as it was left.

    Another process may have appended an erasure, and a dictionary with it that stands
    in the place of one which goes.
    """
    if _codecs(w.conn).heads.get(w.domain) != w.head.digest:
        forget_dictionaries(w.conn, w.domain)


def leave_head(w: Writer) -> None:
    """Remember the head as it is now."""
    _codecs(w.conn).heads[w.domain] = w.head.digest


def put_blobs(w: Writer, uploads: Sequence[Upload]) -> tuple[Attachment, ...]:
    """Store the bytes of attachments by digest and return what the entry keeps."""
    kept = tuple(describe(upload) for upload in uploads)
    rows = {
        attachment.sha256: (w.domain, attachment.sha256, upload.content)
        for attachment, upload in zip(kept, uploads, strict=True)
    }
    w.conn.insert_absent(blobs, list(rows.values()))
    return kept


def describe(upload: Upload) -> Attachment:
    """Return an attachment's name, type, digest and length."""
    return Attachment(
        name=upload.name,
        content_type=upload.content_type,
        sha256=hashlib.sha256(upload.content).hexdigest(),
        length=len(upload.content),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class FileToStore:
    """A file on its way into the store, which is never held whole."""

    name: str
    path: Path
    length: int
    sha256: str


def file_to_store(path: Path, name: str) -> FileToStore:
    """Return a file with its digest; reads all of it, a part at a time."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256")
        length = file.tell()
    return FileToStore(name=name, path=path, length=length, sha256=digest.hexdigest())


def put_file(w: Writer, given: FileToStore) -> None:
    """Store a file under its digest, a part in a row."""
    sha256 = given.sha256
    with given.path.open("rb") as file:
        w.conn.insert_absent(blobs, [(w.domain, sha256, file.read(PART))])
        parts = iter(partial(file.read, PART), b"")
        for number, content in enumerate(parts, start=1):
            w.conn.insert_absent(blob_parts, [(w.domain, sha256, number, content)])
            # What is sent through a pipeline waits in memory until somebody asks.
            present_blobs(w, [sha256])


def get_blob(r: Reader, sha256: str) -> bytes | None:
    """Return the bytes of an attachment or a file; raises ``Damaged``."""
    parts = list(parts_of_blob(r, sha256))
    return b"".join(parts) if parts else None


def length_of_blob(r: Reader, sha256: str) -> int | None:
    """Return how long an attachment or a file is; raises ``Damaged``."""
    lengths = [len(part) for part in parts_of_blob(r, sha256)]
    return sum(lengths) if lengths else None


def parts_of_blob(r: Reader, sha256: str) -> Iterator[bytes]:
    """Yield the bytes of an attachment or a file in parts; none if they are gone.

    Raises ``Damaged`` in the place of the last part when they are others than those
    that the digest names.
    """
    digest = hashlib.sha256()
    held: bytes | None = None
    for part in _stored_parts(r, sha256):
        if held is not None:
            yield held
        if not isinstance(part, bytes):
            raise _damaged_file(r, sha256)
        digest.update(part)
        held = part
    if held is not None:
        if digest.hexdigest() != sha256:
            raise _damaged_file(r, sha256)
        yield held


def present_blobs(r: Reader, digests: Collection[str]) -> set[str]:
    """Return those of these attachments whose bytes are there: none was erased."""
    rows = r.conn.rows(_PRESENT_BLOBS, domain=r.domain, digests=list(digests))
    return {sha256 for (sha256,) in rows}


def _stored_parts(r: Reader, sha256: str) -> Iterator[Any]:
    """Yield what stands in the place of a file's parts, as somebody may have left it.

    SQLite may hold a text there, of any bytes.
    """
    part = _stored_part(r, _BLOB, sha256=sha256)
    number = 0
    while part is not None:
        yield part
        number += 1
        if len(part) != PART:
            return
        part = _stored_part(r, _PART, sha256=sha256, number=number)


def _stored_part(r: Reader, statement: Statement, **key: Any) -> Any:
    with r.conn.dialect.any_text(r.conn.raw):
        return r.conn.value(statement, domain=r.domain, **key)


def _damaged_file(r: Reader, sha256: str) -> Damaged:
    return Damaged(f"The file with the digest {sha256} of '{r.domain}' {ALTERED}")


def _is_replacement(r: Reader, position: int, sha256: str) -> bool:
    """Tell whether an erasure put bytes into the place of a body."""
    known = _codecs(r.conn).replaced.get(r.domain)
    if known is not None and known.digests.get(position) == sha256:
        return True
    return replaced_bodies(r).get(position) == sha256


def _codecs(conn: Connection) -> _Codecs:
    if conn.codecs is None:
        conn.codecs = _Codecs()
    found: _Codecs = conn.codecs
    return found


def _latest(conn: Connection, domain: str) -> Codec:
    codecs = _codecs(conn)
    number = codecs.latest.get(domain)
    if number is None:
        number = conn.value(_LATEST_DICTIONARY, domain=domain) or 0
        codecs.latest[domain] = number
    return _codec(conn, domain, number)


def _codec(conn: Connection, domain: str, number: int) -> Codec:
    if number == 0:
        return PLAIN
    codecs = _codecs(conn).known
    codec = codecs.get((domain, number))
    if codec is None:
        content = conn.value(_DICTIONARY, domain=domain, dictionary=number)
        if content is None:
            raise ValueError(f"the dictionary {number} is missing")
        codec = codecs[domain, number] = Codec(number, content)
    return codec
