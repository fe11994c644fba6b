"""The proof of files that rows name: what imports were given, and control files.

Their digests stand in the rows of batches and control files, and in the options of
jobs. A file that was dropped lawfully is no fault: by an erasure, which the log names,
or by whoever had the files of an import forgotten, which the job notes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import bindparam, select

from ledger.bodies import length_of_blob
from ledger.erasures import erasures
from ledger.errors import Damaged
from ledger.storage.connection import Statement
from ledger.store import Reader
from ledger.tables import batch_controls, batch_files, jobs

_SHA256 = re.compile(r"[0-9a-f]{64}")
_FORGOTTEN = "forgotten_by"

_CONTROLS = Statement(
    select(batch_controls.c.digest, batch_controls.c.number, batch_controls.c.size)
    .where(batch_controls.c.domain == bindparam("domain"))
    .order_by(batch_controls.c.digest, batch_controls.c.number)
)
_FILES = Statement(
    select(
        batch_files.c.identifier,
        batch_files.c.place,
        batch_files.c.digest,
        batch_files.c.size,
    )
    .where(batch_files.c.domain == bindparam("domain"))
    .order_by(batch_files.c.identifier, batch_files.c.place)
)
_JOBS = Statement(
    select(jobs.c.job_id, jobs.c.options)
    .where(jobs.c.domain == bindparam("domain"))
    .order_by(jobs.c.job_id)
)


@dataclass(frozen=True, slots=True)
class FileFault:
    """A file that is not what a row says; ``place`` names the row."""

    place: str
    text: str

    def __str__(self) -> str:
        """Name the row and what is wrong; names of files may be private."""
        return f"{self.place}: {self.text}"


@dataclass(frozen=True, slots=True)
class _Named:
    """A file as a row names it; ``size`` is in bytes, where the row tells it."""

    place: str
    sha256: Any
    size: Any = None


def verify_files(r: Reader) -> Iterator[FileFault]:
    """Yield every file that a row names and that is not what was stored.

    Needs a snapshot.
    """
    jobs_told = dict(_told(r))
    dropped = {*erasures(r).blobs, *_forgotten(jobs_told)}
    lengths: dict[str, int | str | None] = {}
    for named in (*_of_batches(r), *_of_jobs(jobs_told)):
        text = _fault(r, named, dropped, lengths)
        if text:
            yield FileFault(named.place, text)


def _fault(
    r: Reader,
    named: _Named,
    dropped: set[str],
    lengths: dict[str, int | str | None],
) -> str | None:
    """Return what is wrong with a file; each is read once."""
    sha256 = named.sha256
    if not (isinstance(sha256, str) and _SHA256.fullmatch(sha256)):
        return "the digest of its file was altered"
    if sha256 not in lengths:
        try:
            lengths[sha256] = length_of_blob(r, sha256)
        except Damaged:
            lengths[sha256] = f"the file {sha256} was altered"
    found = lengths[sha256]
    if isinstance(found, str):
        return found
    if found is None:
        return None if sha256 in dropped else f"the file {sha256} is missing"
    if named.size not in {None, found}:
        return f"the file {sha256} has {found} bytes, not {named.size}"
    return None


def _of_batches(r: Reader) -> Iterator[_Named]:
    for digest, number, size in r.conn.rows(_CONTROLS, domain=r.domain):
        yield _Named(f"batch_controls {digest} {number}", digest, size)
    for identifier, place, digest, size in r.conn.rows(_FILES, domain=r.domain):
        yield _Named(f"batch_files {identifier} {place}", digest, size)


def _of_jobs(told: Mapping[str, Mapping[str, Any]]) -> Iterator[_Named]:
    for job_id, options in told.items():
        place = f"jobs {job_id}"
        for file in _files(options):
            yield _Named(place, file.get("sha256"), file.get("length"))
        if "control" in options:
            yield _Named(place, options["control"])


def _told(r: Reader) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the options of jobs; those that cannot be read name no file."""
    for job_id, text in r.conn.rows(_JOBS, domain=r.domain):
        try:
            options = orjson.loads(text)
        except (ValueError, TypeError):
            continue
        if isinstance(options, dict):
            yield job_id, options


def _forgotten(told: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Yield the digests of files that somebody had forgotten with an import."""
    for options in told.values():
        notes = options.get("notes")
        if isinstance(notes, dict) and _FORGOTTEN in notes:
            yield from (str(file.get("sha256")) for file in _files(options))


def _files(options: Mapping[str, Any]) -> list[dict[str, Any]]:
    one, several = options.get("file"), options.get("files")
    given = [one, *several] if isinstance(several, list) else [one]
    return [file for file in given if isinstance(file, dict)]
