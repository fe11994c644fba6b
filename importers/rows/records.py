"""A form for each record, and what became of it in the commit of the form.

``rules/batch-imports.md`` R0.3 to R0.7.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from importers.rows.append import Append, NotInForce, append_built
from importers.rows.rules.form import Origin, build_record
from importers.rows.rules.kept import Kept
from importers.rows.rules.told import Touched
from ledger.entry import Kind
from ledger.forms.case_block import CaseBlock
from ledger.imports.results import put_rows, rows_of
from ledger.store import Reader
from ledger.submit import Draft, Session
from ledger.times import Instant

_AT_ONCE = 1000


def append_record(
    origin: Origin,
    number: int,
    *,
    blocks: Sequence[CaseBlock],
    head: Mapping[str, str],
    now: Instant,
    append: Append,
) -> NotInForce | None:
    """Append the form of a record; return why it is not in force, if so.

    ``head`` are the texts of its root behind those that every record has.
    """
    form_id = origin.form_id(number)
    build = partial(build_record, blocks, origin, number=number, head=head, now=now)
    draft = Draft(
        Kind.NORMAL,
        form_id,
        xmlns=origin.xmlns,
        user_id=origin.author.user_id,
        details={"job": origin.job_id, "source": origin.api, "record": number},
    )
    return append_built(build, draft, append=append)


def touched_before(r: Reader, *, api: str, job_id: str) -> Touched:
    """Return the cases that the records of a job have made or changed so far."""
    touched, after = Touched(), -1
    while rows := rows_of(r, api, job_id, after=after, most=_AT_ONCE):
        for row in rows:
            number = row.record if row.row_number is None else row.row_number
            touched.take((row.file, number), row.case_ids)
        after = rows[-1].record
    return touched


def keep(session: Session, kept: Kept) -> None:
    """Have what became of records written in this commit, also that of a dry run."""
    session.also.append(partial(put_rows, rows=kept.rows))
