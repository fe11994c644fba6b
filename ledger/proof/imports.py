"""The proof of what became of the records of imports, against the forms in the log.

An entry that a record made names the job and the record. So every row that tells of a
form has an entry that says the same, and every such entry has its row.
"""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping, Sequence
from itertools import islice
from typing import Any, NamedTuple

import orjson
from sqlalchemy import bindparam, or_, select

from ledger.entry import Kind
from ledger.erasures import erasures
from ledger.forms.form_xml import named_case_ids
from ledger.log import bodies_at
from ledger.proof.differences import Difference
from ledger.storage.connection import Statement
from ledger.storage.dialect import in_list
from ledger.store import Reader
from ledger.tables import entries, import_rows

_TABLE = "import_rows"
_AT_ONCE = 500
_APPLIED, _FAILED = "applied", "failed"
_VERDICTS = {Kind.NORMAL.value: _APPLIED, Kind.ERROR.value: _FAILED}

_OF_RECORDS = Statement(
    select(entries.c.position, entries.c.kind, entries.c.form_id, entries.c.details)
    .where(
        entries.c.domain == bindparam("domain"),
        or_(*(entries.c.kind == kind for kind in _VERDICTS)),
        entries.c.details.like('%"record":%'),
    )
    .order_by(entries.c.position)
)
_COLUMNS = (
    import_rows.c.api,
    import_rows.c.job_id,
    import_rows.c.record,
    import_rows.c.outcome,
    import_rows.c.form_id,
    import_rows.c.error_id,
    import_rows.c.case_ids,
)
_ROWS = Statement(
    select(*_COLUMNS).where(
        import_rows.c.domain == bindparam("domain"),
        in_list(import_rows.c.api, "apis"),
        in_list(import_rows.c.job_id, "job_ids"),
        in_list(import_rows.c.record, "records"),
    )
)
_TOLD = Statement(
    select(*_COLUMNS)
    .where(
        import_rows.c.domain == bindparam("domain"),
        or_(import_rows.c.form_id.is_not(None), import_rows.c.error_id.is_not(None)),
    )
    .order_by(import_rows.c.api, import_rows.c.job_id, import_rows.c.record)
)

Key = tuple[Any, ...]


class _Made(NamedTuple):
    """An entry that a record made, as its header tells."""

    position: int
    verdict: str
    form_id: str
    key: Key


class _Told(NamedTuple):
    """A row of what became of a record."""

    api: str
    job_id: str
    record: int
    outcome: str
    form_id: str | None
    error_id: str | None
    case_ids: str

    @property
    def key(self) -> Key:
        return self.api, self.job_id, self.record


def import_differences(
    r: Reader, counted: MutableMapping[str, int]
) -> Iterator[Difference]:
    """Yield where a row is not what the entry of its record says; needs a snapshot.

    Counts the rows that were compared. Raises ``Damaged`` for a body that is not the
    one of its entry.
    """
    erased, seen = erasures(r).bodies, _Records()
    counted[_TABLE] = 0
    made_by_records = _made(r)
    while some := list(islice(made_by_records, _AT_ONCE)):
        rows = _rows(r, some)
        bodies = bodies_at(r, [made.position for made in some])
        for made in some:
            row = rows.get(made.key)
            if row is None:
                yield _difference(made.key, fresh=made)
                continue
            counted[_TABLE] += 1
            seen.add(made.key)
            body = None if made.position in erased else bodies.get(made.position)
            for column in _wrong(row, made, body):
                yield _difference(made.key, column, live=row, fresh=made)
    for found in r.conn.stream(_TOLD, domain=r.domain):
        row = _Told._make(found)
        if row.key not in seen:
            yield _difference(row.key, live=row)


def _made(r: Reader) -> Iterator[_Made]:
    """Yield the entries that records made, in the order of the log."""
    for position, kind, form_id, text in r.conn.stream(_OF_RECORDS, domain=r.domain):
        details = orjson.loads(text)
        key = (details.get("source"), details.get("job"), details.get("record"))
        if isinstance(key[0], str) and isinstance(key[2], int):
            yield _Made(position, _VERDICTS[kind], form_id, key)


def _rows(r: Reader, some: Sequence[_Made]) -> dict[Key, _Told]:
    """Return the rows of some records; more may come along, of other jobs."""
    columns = zip(*(made.key for made in some), strict=True)
    apis, job_ids, records = (sorted(set(values)) for values in columns)
    wanted = {"apis": apis, "job_ids": job_ids, "records": records}
    found = r.conn.rows(_ROWS, domain=r.domain, **wanted)
    return {row.key: row for row in map(_Told._make, found)}


def _wrong(row: _Told, made: _Made, body: bytes | None) -> Iterator[str]:
    """Yield the columns that do not say what an entry does."""
    if row.outcome != made.verdict:
        yield "outcome"
    failed = made.verdict == _FAILED
    if row.error_id != (made.form_id if failed else None):
        yield "error_id"
    if row.form_id != made.form_id and not (failed and row.form_id is None):
        yield "form_id"
    if failed:
        named: Sequence[str] = ()
    elif body is not None:
        named = named_case_ids(body)
    else:
        return
    if not _names(row, named):
        yield "case_ids"


def _names(row: _Told, case_ids: Sequence[str]) -> bool:
    """Tell whether a row names these cases and no others."""
    try:
        told = orjson.loads(row.case_ids)
    except (ValueError, TypeError):
        return False
    return isinstance(told, list) and sorted(set(map(str, told))) == list(case_ids)


class _Records:
    """Records of jobs, a bit each: an import may have hundreds of thousands."""

    def __init__(self) -> None:
        self._bits: dict[Key, bytearray] = {}

    def add(self, key: Key) -> None:
        *job, record = key
        bits = self._bits.setdefault(tuple(job), bytearray())
        byte, bit = divmod(record, 8)
        bits.extend(bytes(max(byte + 1 - len(bits), 0)))
        bits[byte] |= 1 << bit

    def __contains__(self, key: Key) -> bool:
        *job, record = key
        bits = self._bits.get(tuple(job), b"")
        byte, bit = divmod(record, 8)
        return 0 <= byte < len(bits) and bool(bits[byte] >> bit & 1)


def _difference(
    key: Key, column: str = "", *, live: Any = None, fresh: Any = None
) -> Difference:
    return Difference(table=_TABLE, key=key, column=column, live=live, fresh=fresh)
