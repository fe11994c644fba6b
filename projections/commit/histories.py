"""The histories of cases: their rows, and the forms behind them parsed again."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from functools import lru_cache

from sqlalchemy import bindparam, select

from ledger import log
from ledger.cases.case import FoldKey
from ledger.entry import Entry
from ledger.forms.form_xml import parse_for_fold
from ledger.projector import Revision
from ledger.storage.connection import Connection, Statement
from ledger.storage.dialect import in_list
from ledger.store import Reader
from projections.rule.steps import Step, Version, version_of
from projections.tables import CaseTables, case_tables


class Histories:
    """The histories of the cases that one transaction touches.

    What is stored is read when a rebuild first needs it; what this transaction adds
    is laid over it.
    """

    def __init__(self, reader: Reader, conn: Connection, tables: CaseTables) -> None:
        """Read the log through ``reader``; the tables are behind ``conn``."""
        self._reader = reader
        self._conn = conn
        self._tables = tables
        self._stored: dict[str, list[Step]] = {}
        self._added: dict[str, list[Step]] = {}
        self._versions: dict[int, Version] = {}

    def add(self, step: Step) -> None:
        """Take in a row of history, in place of one with the same key."""
        self._added.setdefault(step.case_id, []).append(step)

    def know(self, version: Version) -> None:
        """Keep a version of a form at hand for the rebuilds of this transaction."""
        self._versions[version[1].position] = version

    def load(self, case_ids: Iterable[str]) -> None:
        """Read the histories of cases, and the forms in force of each."""
        wanted = [case_id for case_id in case_ids if case_id not in self._stored]
        if wanted:
            self._stored.update({case_id: [] for case_id in wanted})
            for step in steps_of(
                self._conn, self._tables, self._reader.domain, case_ids=wanted
            ):
                self._stored[step.case_id].append(step)

    def of(self, case_id: str) -> dict[FoldKey, Step]:
        """Return the history of a case that was loaded, by key."""
        steps = {step.key: step for step in self._stored[case_id]}
        steps.update((step.key, step) for step in self._added.get(case_id, ()))
        return steps

    def versions(self, positions: Iterable[int]) -> dict[int, Version]:
        """Return the versions of forms at these positions; reads those not at hand."""
        missing = {p for p in positions if p not in self._versions}
        if missing:
            self._versions.update(versions_at(self._reader, missing))
        return self._versions

    def forget_versions(self) -> None:
        """Read every version of a form again: an erasure has left less of some."""
        self._versions.clear()

    def rows(self) -> Iterator[tuple[str, str, int, int, int, int, int]]:
        """Yield the rows that were added, for the table ``case_forms``."""
        latest = {
            (step.case_id, step.key): step
            for case_id in sorted(self._added)
            for step in self._added[case_id]
        }
        for (case_id, key), step in latest.items():
            yield (
                self._reader.domain,
                case_id,
                key.received_on,
                key.position,
                step.position,
                step.actions,
                step.place,
            )

    def settle(self) -> None:
        """Forget everything: it is written, and the next batch reads it again."""
        self._stored.clear()
        self._added.clear()
        self._versions.clear()

    def scratch(self) -> Histories:
        """Return a copy to try something on."""
        copy = Histories(self._reader, self._conn, self._tables)
        copy._stored = dict(self._stored)
        copy._added = {case_id: list(steps) for case_id, steps in self._added.items()}
        copy._versions = dict(self._versions)
        return copy


def steps_of(
    conn: Connection, tables: CaseTables, domain: str, *, case_ids: Collection[str]
) -> list[Step]:
    """Return the histories of cases, each in the order of its keys."""
    rows = conn.rows(_steps(tables.generation), domain=domain, case_ids=list(case_ids))
    return [
        Step(
            case_id=case_id,
            key=FoldKey(received_on=received_on, position=form_position),
            position=position,
            actions=actions,
            place=place,
        )
        for case_id, received_on, form_position, position, actions, place in sorted(
            rows
        )
    ]


def versions_at(r: Reader, positions: Collection[int]) -> dict[int, Version]:
    """Return the versions of forms whose bytes stand at these positions."""
    return versions_of(r, log.entries_at(r, positions).values())


def versions_of(r: Reader, entries: Collection[Entry]) -> dict[int, Version]:
    """Return the versions of forms whose bytes these entries hold, by position."""
    found = _revisions(r, entries)
    return {position: version_of(*revision) for position, revision in found.items()}


def revisions_at(r: Reader, positions: Collection[int]) -> dict[int, Revision]:
    """Return the same with the entries themselves."""
    return _revisions(r, log.entries_at(r, positions).values())


def _revisions(r: Reader, entries: Collection[Entry]) -> dict[int, Revision]:
    bodies = log.bodies_at(r, [entry.position for entry in entries])
    return {
        entry.position: (entry, parse_for_fold(bodies[entry.position]))
        for entry in entries
    }


@lru_cache(maxsize=64)
def _steps(generation: int) -> Statement:
    table = case_tables(generation).case_forms
    return Statement(
        select(
            table.c.case_id,
            table.c.received_on,
            table.c.form_position,
            table.c.position,
            table.c.actions,
            table.c.place,
        ).where(
            table.c.domain == bindparam("domain"),
            in_list(table.c.case_id, "case_ids"),
        )
    )
