"""The ``forms`` projection at work: rows gathered entry by entry, saved at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache

from sqlalchemy import bindparam, select

from ledger.entry import Entry
from ledger.storage.connection import Connection, Statement
from ledger.storage.dialect import in_list
from projections.rule.form_row import FormRow, form_rows
from projections.tables import FormTables, form_tables


class FormStates:
    """The states of forms that some entries of a domain decide."""

    def __init__(self, conn: Connection, domain: str, tables: FormTables) -> None:
        """Start empty; the table is behind ``conn``."""
        self._conn = conn
        self._domain = domain
        self._tables = tables
        self._rows: dict[str, FormRow] = {}

    def note(self, entry: Entry) -> None:
        """Take in what an entry decides about forms."""
        for row in form_rows(entry):
            self._rows[row.form_id] = row

    def state(self, form_id: str) -> str | None:
        """Return the state of a form: as noted, else as it stands in the table."""
        noted = self._rows.get(form_id)
        if noted is not None:
            return noted.state
        state: str | None = self._conn.value(
            _state(self._tables.generation), domain=self._domain, form_id=form_id
        )
        return state

    def ask(self, form_ids: Iterable[str]) -> Callable[[], frozenset[str]]:
        """Ask which of these ids the table has; return how to get them."""
        rows = self._conn.ask(
            _known(self._tables.generation),
            domain=self._domain,
            form_ids=list(form_ids),
        )
        return lambda: frozenset(form_id for (form_id,) in rows())

    def scratch(self) -> FormStates:
        """Return a copy to try something on."""
        copy = FormStates(self._conn, self._domain, self._tables)
        copy._rows = dict(self._rows)
        return copy

    def save(self) -> None:
        """Write the rows that were gathered."""
        self._conn.upsert(
            self._tables.forms, [row for _, row in sorted(self._rows.items())]
        )

    def settle(self) -> None:
        """Forget what was written."""
        self._rows.clear()


@lru_cache(maxsize=64)
def _known(generation: int) -> Statement:
    forms = form_tables(generation).forms
    return Statement(
        select(forms.c.form_id).where(
            forms.c.domain == bindparam("domain"),
            in_list(forms.c.form_id, "form_ids"),
        )
    )


@lru_cache(maxsize=64)
def _state(generation: int) -> Statement:
    forms = form_tables(generation).forms
    return Statement(
        select(forms.c.state).where(
            forms.c.domain == bindparam("domain"),
            forms.c.form_id == bindparam("form_id"),
        )
    )
