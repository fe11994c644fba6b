"""The read side as the ledger sees it: both projections behind one batch."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache

from sqlalchemy import select

from ledger.case import Case
from ledger.connection import Statement
from ledger.entry import Entry
from ledger.form import Form
from ledger.store import Reader, Writer
from ledger.tables import domains
from projections.case_batch import CaseBatch
from projections.form_rows import FormRow, form_rows
from projections.rows import CaseRow
from projections.steps import stamp_of
from projections.tables import CASES, FORMS, case_tables, form_tables

_DOMAINS = Statement(select(domains.c.domain, domains.c.live_cases))


class LiveBatch:
    """Both projections of one domain in one transaction."""

    def __init__(self, reader: Reader, cases: CaseBatch, forms_generation: int) -> None:
        """Join the batches of the two projections."""
        self._reader = reader
        self._cases = cases
        self._forms = form_tables(forms_generation).forms
        self._form_rows: dict[str, FormRow] = {}
        self._rows: dict[str, tuple[Case, CaseRow]] = {}

    def load(self, *, case_ids: Iterable[str], external_ids: Iterable[str]) -> None:
        """Load cases by id and by external id."""
        self._cases.load(case_ids=case_ids, external_ids=external_ids)

    def other_domains(self) -> Sequence[str]:
        """Return the other domains of the installation."""
        return [d for domains in self._cases.elsewhere().values() for d in domains]

    def expect_new(self, case_ids: Iterable[str]) -> None:
        """Take ids that were just made as unknown."""
        self._cases.expect_new(case_ids)

    def case(self, case_id: str) -> Case | None:
        """Return a loaded case, deleted ones included."""
        return self._cases.case(case_id)

    def by_external(self, external_id: str) -> Sequence[Case]:
        """Return the live cases with an external id."""
        return self._cases.by_external(external_id)

    def row(self, case_id: str) -> CaseRow:
        """Return the row of a case as it is now; raises ``KeyError``."""
        return self._cases.row(case_id)

    def project(self, entry: Entry, form: Form) -> int:
        """Fold a form; return how many cases it touched."""
        return len(self._cases.project(form, stamp_of(entry)))

    def set_deleted(self, case_ids: Iterable[str], entry: Entry) -> int:
        """Flag cases as deleted or restored."""
        return len(self._cases.set_deleted(case_ids, entry))

    def record(self, entry: Entry) -> None:
        """Note what an entry means for the table of forms."""
        for row in form_rows(entry):
            self._form_rows[row[1]] = row

    def scratch(self) -> LiveBatch:
        """Return a copy to try something on; it must never be saved."""
        copy = LiveBatch(
            self._reader,
            self._cases.scratch(),
            self._reader.head.live[FORMS],
        )
        copy._form_rows = dict(self._form_rows)
        return copy

    def save(self) -> None:
        """Write both projections."""
        self._cases.save()
        self._reader.conn.upsert(
            self._forms, [row for _, row in sorted(self._form_rows.items())]
        )


class LiveProjector:
    """Opens the live read tables of a domain for a transaction that writes."""

    def open(self, writer: Writer) -> LiveBatch:
        """Return a batch over the live generations that the head names."""
        live = writer.head.live
        cases = CaseBatch(
            writer,
            case_tables(live[CASES]),
            indexed=writer.head.indexed,
            elsewhere=_elsewhere(writer),
        )
        return LiveBatch(writer, cases, live[FORMS])


def _elsewhere(writer: Writer) -> Callable[[], Mapping[int, Sequence[str]]]:
    """Ask for the other domains by the generation that answers for them."""
    ask = writer.conn.ask(_DOMAINS)

    @cache
    def get() -> Mapping[int, Sequence[str]]:
        others: dict[int, list[str]] = {}
        for domain, generation in ask():
            if domain != writer.domain:
                others.setdefault(generation, []).append(domain)
        return others

    return get
