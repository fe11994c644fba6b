"""The signed checkpoint: a file that says what a log was, and who says so.

Lines of JSON. The first says of which domain, up to which position, when and by which
key; its digest stands for the whole log up to there. Then come the first halves of the
digests of all entries, a thousand to a line, so that a log that was rewritten can be
told at which entry the rewriting begins. The last line signs all lines before it.
"""

from __future__ import annotations

import hashlib
from base64 import b64decode, b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import IO, Any

import orjson
from sqlalchemy import bindparam, select

from ledger.domain_list import end_of_list
from ledger.errors import Conflict
from ledger.log import GENESIS, entry_at
from ledger.proof.signing import SigningKey, Untrusted, is_signed
from ledger.storage.connection import Statement
from ledger.store import Reader
from ledger.tables import entries
from ledger.times import Micros, format_micros

HALF = 16
"""Bytes of each entry's digest in the file: enough to tell two entries apart."""

_IS = "signed checkpoint"
_VERSION = 1
_PER_LINE = 1_000
_LONGEST_LINE = 64 * 1024

DIGESTS = Statement(
    select(entries.c.position, entries.c.digest)
    .where(
        entries.c.domain == bindparam("domain"),
        entries.c.position <= bindparam("last"),
    )
    .order_by(entries.c.position)
)
"""The digests of the entries up to a position, by the primary key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedCheckpoint:
    """What a file says of a log; its signature fits, whoever ``public_key`` is.

    ``domains`` is how long the list of all domains was, ``domains_digest`` what covered
    it; files of older releases say nothing of it.
    """

    domain: str
    position: int
    digest: bytes
    appended_on: str
    made_on: str
    program: str
    public_key: str
    halves: bytes
    domains: int = 0
    domains_digest: bytes = GENESIS

    def half(self, position: int) -> bytes:
        """Return the first half of the digest of an entry."""
        return self.halves[(position - 1) * HALF : position * HALF]


def make_checkpoint(
    r: Reader, key: SigningKey, *, program: str, made_on: Micros
) -> Iterator[bytes]:
    """Yield the lines of the signed checkpoint of a log; needs a snapshot.

    Raises ``Conflict`` when an entry is missing or the head names another digest.
    """
    seal = hashlib.sha256()
    header = _header(r, key.public_key, program=program, made_on=made_on)
    for line in chain([header], _halves(r)):
        seal.update(line)
        yield line
    signature = b64encode(key.sign(_message(seal.hexdigest()))).decode()
    yield _line({"signature": signature})


def read_checkpoint(path: Path) -> SignedCheckpoint:
    """Return what a signed checkpoint says.

    Raises ``Untrusted`` when the file is none, or is not as it was signed.
    """
    try:
        with path.open("rb") as file:
            return _read(file, path)
    except (ValueError, KeyError, TypeError):
        text = f"{path} is no signed checkpoint, or a part of it is missing"
        raise Untrusted(text) from None


def _read(file: IO[bytes], path: Path) -> SignedCheckpoint:
    first = _next_line(file)
    seal, halves = hashlib.sha256(first), bytearray()
    line = _next_line(file)
    while line.startswith(b'"'):
        seal.update(line)
        halves += b64decode(orjson.loads(line), validate=True)
        line = _next_line(file)
    if file.read(1):
        raise ValueError(path)
    header = orjson.loads(first)
    signature = b64decode(orjson.loads(line)["signature"], validate=True)
    message = _message(seal.hexdigest())
    if not is_signed(message, signature, public_key=header["public_key"]):
        raise Untrusted(f"{path} was altered: its signature does not fit")
    return _checkpoint(header, bytes(halves))


def _next_line(file: IO[bytes]) -> bytes:
    line = file.readline(_LONGEST_LINE)
    if not line.endswith(b"\n"):
        raise ValueError(line)
    return line


def _checkpoint(header: dict[str, Any], halves: bytes) -> SignedCheckpoint:
    if (header["caseledger"], header["version"]) != (_IS, _VERSION):
        raise ValueError(header)
    found = SignedCheckpoint(
        domain=header["domain"],
        position=header["position"],
        digest=bytes.fromhex(header["digest"]),
        appended_on=header["appended_on"],
        made_on=header["made_on"],
        program=header["program"],
        public_key=header["public_key"],
        halves=halves,
        domains=header.get("domains", 0),
        domains_digest=bytes.fromhex(header.get("domains_digest", GENESIS.hex())),
    )
    if len(halves) != found.position * HALF:
        raise ValueError(header)
    return found


def _header(r: Reader, public_key: str, *, program: str, made_on: Micros) -> bytes:
    last = entry_at(r, r.head.position)
    domains, domains_digest = end_of_list(r.conn)
    return _line(
        {
            "caseledger": _IS,
            "version": _VERSION,
            "domain": r.domain,
            "position": r.head.position,
            "digest": r.head.digest.hex(),
            "appended_on": "" if last is None else format_micros(last.appended_on),
            "made_on": format_micros(made_on),
            "program": program,
            "public_key": public_key,
            "domains": domains,
            "domains_digest": domains_digest.hex(),
        }
    )


def _halves(r: Reader) -> Iterator[bytes]:
    """Yield the halves of all digests, line by line."""
    waiting, expected, digest = bytearray(), 1, b""
    for position, digest in r.conn.stream(
        DIGESTS, domain=r.domain, last=r.head.position
    ):
        if position != expected:
            break
        expected += 1
        waiting += digest[:HALF]
        if len(waiting) == _PER_LINE * HALF:
            yield _line(b64encode(waiting).decode())
            waiting.clear()
    if expected != r.head.position + 1 or digest != r.head.digest:
        text = f"the log is broken at position {expected}: run caseledger verify"
        raise Conflict(text)
    if waiting:
        yield _line(b64encode(waiting).decode())


def _message(seal: str) -> bytes:
    """Return what is signed; the words in front keep it apart from all else."""
    return f"caseledger {_IS} {_VERSION} sha256 {seal}\n".encode()


def _line(value: Any) -> bytes:
    return orjson.dumps(value) + b"\n"
