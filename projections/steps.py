"""The forms behind a case: its rows of history, and their bytes parsed again."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache

from sqlalchemy import bindparam, select

from ledger import log
from ledger.case import FoldKey
from ledger.connection import Connection, Statement
from ledger.entry import Entry
from ledger.form import Form
from ledger.formxml import parse_for_fold
from ledger.store import Reader
from ledger.times import format_micros
from projections.fold import Stamp
from projections.tables import CaseTables, case_tables


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One row of a case's history: a form in the fold and where its entry is."""

    case_id: str
    key: FoldKey
    position: int
    actions: int


def steps_of(
    conn: Connection, tables: CaseTables, domain: str, case_id: str
) -> list[Step]:
    """Return the history of a case, in the order of the fold."""
    rows = conn.rows(_steps(tables.generation), domain=domain, case_id=case_id)
    return [
        Step(
            case_id=case_id,
            key=FoldKey(received_on=received_on, position=form_position),
            position=position,
            actions=actions,
        )
        for received_on, form_position, position, actions in rows
    ]


def forms_at(r: Reader, positions: Collection[int]) -> dict[int, tuple[Entry, Form]]:
    """Return the entries at these positions with the forms they speak of.

    An entry that ran an old form again has no bytes of its own.
    """
    entries = log.entries_at(r, positions)
    sources = {
        position: entry.form_position if entry.body_sha256 is None else position
        for position, entry in entries.items()
    }
    bodies = log.bodies_at(r, set(sources.values()))
    return {
        position: (entry, parse_for_fold(bodies[sources[position]]))
        for position, entry in entries.items()
    }


def stamp_of(entry: Entry) -> Stamp:
    """Return what an entry that carries a form says of it to the fold."""
    return Stamp(
        domain=entry.domain,
        form_id=entry.form_id or "",
        position=entry.position,
        appended_on=entry.appended_on,
        key=FoldKey(received_on=entry.received_on, position=entry.form_position),
        received_on=format_micros(entry.received_on),
        attachments={a.name: a for a in entry.attachments},
    )


@lru_cache(maxsize=64)
def _steps(generation: int) -> Statement:
    table = case_tables(generation).case_forms
    return Statement(
        select(
            table.c.received_on,
            table.c.form_position,
            table.c.position,
            table.c.actions,
        )
        .where(
            table.c.domain == bindparam("domain"),
            table.c.case_id == bindparam("case_id"),
        )
        .order_by(table.c.received_on, table.c.form_position)
    )
