"""All normal forms of a domain with their bytes, in memory that does not grow."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass
from functools import lru_cache

from sqlalchemy import bindparam, func, select

from ledger.forms.lineage import NORMAL
from ledger.storage.connection import Statement
from ledger.store import Reader
from ledger.tables import entries
from projections.forms.stored import stored_select, to_stored
from projections.names import FORMS
from projections.rule.form_json import StoredForm
from projections.tables import form_tables


def stream_forms(
    r: Reader, xmlns: str | None = None
) -> Generator[StoredForm, None, None]:
    """Yield the normal forms in the order of their ids.

    ``r`` is a snapshot, and nothing else streams from it meanwhile. Served by the
    primary keys of the forms and of the log. Raises ``Damaged``.
    """
    statements = _statements(r.head.live[FORMS])
    if xmlns is None:
        rows = r.conn.stream(statements.every, domain=r.domain)
    else:
        rows = r.conn.stream(statements.of_xmlns, domain=r.domain, xmlns=xmlns)
    with closing(rows):
        yield from (to_stored(r, row) for row in rows)


def count_forms(r: Reader, xmlns: str | None = None) -> int:
    """Return how many forms ``stream_forms`` yields."""
    statements = _statements(r.head.live[FORMS])
    if xmlns is None:
        counted: int = r.conn.value(statements.count, domain=r.domain)
    else:
        counted = r.conn.value(statements.count_of_xmlns, domain=r.domain, xmlns=xmlns)
    return counted


@dataclass(frozen=True, slots=True)
class _Statements:
    """The streams of one generation, and how long each is."""

    every: Statement
    of_xmlns: Statement
    count: Statement
    count_of_xmlns: Statement


@lru_cache(maxsize=16)
def _statements(generation: int) -> _Statements:
    forms = form_tables(generation).forms
    mine = (forms.c.domain == bindparam("domain"), forms.c.state == NORMAL)
    every = (
        stored_select(generation)
        .where(forms.c.state == NORMAL)
        .order_by(forms.c.form_id)
    )
    count = select(func.count()).select_from(forms).where(*mine)
    joined = (entries.c.domain == forms.c.domain) & (
        entries.c.position == forms.c.version
    )
    of_xmlns = entries.c.xmlns == bindparam("xmlns")
    count_of_xmlns = (
        select(func.count())
        .select_from(forms.join(entries, joined))
        .where(*mine, of_xmlns)
    )
    return _Statements(
        every=Statement(every),
        of_xmlns=Statement(every.where(of_xmlns)),
        count=Statement(count),
        count_of_xmlns=Statement(count_of_xmlns),
    )
