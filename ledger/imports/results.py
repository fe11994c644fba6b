"""What became of each record of a batch import (``rules/batch-imports.md`` R0.5).

Written in the commit of the record's form. No projection: a rebuild of the read tables
leaves these rows alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import orjson
from sqlalchemy import bindparam, func, select

from ledger.imports.values import ImportRow, Outcome
from ledger.storage.connection import Statement
from ledger.storage.dialect import Row
from ledger.store import Reader, Writer
from ledger.tables import import_rows

_NO_MESSAGES = "[]"
_AT_ONCE = 200

_THIS = (
    import_rows.c.domain == bindparam("domain"),
    import_rows.c.api == bindparam("of_api"),
    import_rows.c.job_id == bindparam("of_job"),
)
_PAGE = Statement(
    select(*import_rows.c)
    .where(*_THIS, import_rows.c.record > bindparam("after"))
    .order_by(import_rows.c.record)
    .limit(bindparam("most"))
)
_TELLING = Statement(
    select(*import_rows.c)
    .where(
        *_THIS,
        import_rows.c.record > bindparam("after"),
        import_rows.c.messages != _NO_MESSAGES,
    )
    .order_by(import_rows.c.record)
    .limit(_AT_ONCE)
)
_COUNTS = Statement(
    select(import_rows.c.outcome, func.count())
    .where(*_THIS)
    .group_by(import_rows.c.outcome)
)


def put_rows(w: Writer, rows: Iterable[ImportRow]) -> None:
    """Keep what became of records; one that is kept already is replaced."""
    w.conn.upsert(import_rows, [_to_row(w.domain, row) for row in rows])


def rows_of(
    r: Reader, api: str, job_id: str, *, after: int, most: int
) -> list[ImportRow]:
    """Return what became of the records behind number ``after``, in order.

    Served by the primary key.
    """
    found = r.conn.rows(
        _PAGE, domain=r.domain, of_api=api, of_job=job_id, after=after, most=most
    )
    return [_from_row(row) for row in found]


def rows_with_messages(r: Reader, api: str, job_id: str) -> Iterator[ImportRow]:
    """Yield what became of the records that there is something to say of, in order.

    Served by the primary key.
    """
    this = {"domain": r.domain, "of_api": api, "of_job": job_id}
    after = -1
    while rows := r.conn.rows(_TELLING, **this, after=after):
        for found in map(_from_row, rows):
            after = found.record
            yield found


def outcomes_of(r: Reader, api: str, job_id: str) -> dict[Outcome, int]:
    """Return how many records of a job ended in which way; each way is there."""
    found = r.conn.rows(_COUNTS, domain=r.domain, of_api=api, of_job=job_id)
    counts = {Outcome(word): count for word, count in found}
    return {outcome: counts.get(outcome, 0) for outcome in Outcome}


def _to_row(domain: str, row: ImportRow) -> Row:
    return (
        domain,
        row.api,
        row.job_id,
        row.record,
        row.file,
        row.row_number,
        row.outcome.value,
        row.form_id,
        orjson.dumps(list(row.case_ids)).decode(),
        row.error_id,
        orjson.dumps(list(row.messages)).decode(),
        None if row.shown is None else orjson.dumps(row.shown).decode(),
    )


def _from_row(row: Row) -> ImportRow:
    _, api, job_id, record, file, number, outcome, form_id, cases, *rest = row
    error_id, messages, shown = rest
    return ImportRow(
        api=api,
        job_id=job_id,
        record=record,
        file=file,
        row_number=number,
        outcome=Outcome(outcome),
        form_id=form_id,
        case_ids=tuple(orjson.loads(cases)),
        error_id=error_id,
        messages=tuple(orjson.loads(messages)),
        shown=None if shown is None else orjson.loads(shown),
    )
