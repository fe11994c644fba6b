"""The read side as the ledger sees it: both projections behind one batch."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache, lru_cache

from sqlalchemy import bindparam, select

from ledger.cases.case import Case
from ledger.entry import Entry
from ledger.forms.form import Form
from ledger.projector import Revision
from ledger.storage.connection import Statement
from ledger.store import Reader, Writer
from ledger.tables import domains
from projections.commit.case_batch import CaseBatch
from projections.commit.extensions import open_extensions
from projections.rule.case_row import CaseRow
from projections.rule.form_row import FormRow, form_rows
from projections.rule.steps import Version, stamp_of
from projections.tables import CASES, FORMS, case_tables, form_tables

_DOMAINS = Statement(select(domains.c.domain, domains.c.live_cases))


class LiveBatch:
    """Both projections of one domain in one transaction."""

    def __init__(self, reader: Reader, cases: CaseBatch, forms_generation: int) -> None:
        """Join the batches of the two projections."""
        self._reader = reader
        self._cases = cases
        self._generation = forms_generation
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

    def project(self, entry: Entry, form: Form) -> list[str]:
        """Fold a form; return the cases it touched."""
        return _ids(self._cases.project(form, stamp_of(entry)))

    def revise(
        self, entry: Entry, old: Revision | None, new: Revision | None
    ) -> list[str]:
        """Put a version of a form in the place of another."""
        return _ids(self._cases.revise(entry, _version(old), _version(new)))

    def rebuild(self, case_ids: Iterable[str], entry: Entry) -> list[str]:
        """Fold cases from nothing."""
        return _ids(self._cases.rebuild(case_ids, entry))

    def form_state(self, form_id: str) -> str | None:
        """Return the state of a form by the table of forms."""
        noted = self._form_rows.get(form_id)
        if noted is not None:
            return noted[5]
        state: str | None = self._reader.conn.value(
            _form_state(self._generation), domain=self._reader.domain, form_id=form_id
        )
        return state

    def closed_extensions(self, case_ids: Iterable[str]) -> Sequence[str]:
        """Return the open extensions of those of these cases that are closed."""
        return open_extensions(self._cases, case_ids)

    def set_deleted(self, case_ids: Iterable[str], entry: Entry) -> list[str]:
        """Flag cases as deleted or restored."""
        return _ids(self._cases.set_deleted(case_ids, entry))

    def erase(self, case_ids: Iterable[str], entry: Entry) -> list[str]:
        """Fold cases anew from what an erasure left, and delete them."""
        return _ids(self._cases.erase(case_ids, entry))

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


@lru_cache(maxsize=64)
def _form_state(generation: int) -> Statement:
    forms = form_tables(generation).forms
    return Statement(
        select(forms.c.state).where(
            forms.c.domain == bindparam("domain"),
            forms.c.form_id == bindparam("form_id"),
        )
    )


def _ids(cases: Iterable[Case]) -> list[str]:
    return [case.case_id for case in cases]


def _version(revision: Revision | None) -> Version | None:
    return None if revision is None else (revision[1], stamp_of(revision[0]))


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
