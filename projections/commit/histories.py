"""The histories of cases: their rows, and the forms behind them parsed again."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import chain

from sqlalchemy import bindparam, select

from ledger import log
from ledger.cases.case import Case, FoldKey
from ledger.entry import Entry
from ledger.forms.case_block import CaseBlock
from ledger.forms.form_xml import parse_for_fold
from ledger.projector import Revision
from ledger.storage.connection import Connection, Statement
from ledger.storage.dialect import in_list
from ledger.store import Reader
from projections.commit.rolls import Key, Mark, Rolls
from projections.rule.decisive import traits_of
from projections.rule.fold import blocks_by_case
from projections.rule.refold import fold_steps
from projections.rule.roll import Roll
from projections.rule.steps import Step, Version, version_of
from projections.tables import CaseTables, case_tables

_SLICE = 200
"""How many forms of long histories are parsed at a time."""


class Histories:
    """The histories of the cases that one transaction touches.

    What is stored is read when a rebuild first needs it, or was left at hand by an
    earlier commit; what this transaction adds is laid over it.
    """

    def __init__(
        self,
        reader: Reader,
        conn: Connection,
        tables: CaseTables,
        *,
        rolls: Rolls,
    ) -> None:
        """Read the log through ``reader``; the tables are behind ``conn``."""
        self._reader = reader
        self._conn = conn
        self._tables = tables
        self._rolls = rolls
        self._open: dict[str, Roll] = {}
        self._made: dict[str, tuple[list[Step], Case | None]] = {}
        self._added: dict[str, list[Step]] = {}
        self._versions: dict[int, Version] = {}
        self._is_trial = False

    def add(self, step: Step, stored: Case | None) -> None:
        """Take in a row of history, in place of one with the same key.

        ``stored`` is the case as it is in the tables.
        """
        added = self._added.get(step.case_id)
        if added is None:
            if self._rolls:
                # From now on what was left at hand is no longer all there is.
                self._is_open(step.case_id, stored)
            added = self._added[step.case_id] = []
        added.append(step)

    def know(self, version: Version) -> None:
        """Keep a version of a form at hand for the rebuilds of this transaction."""
        self._versions[version[1].position] = version

    def load(self, cases: Mapping[str, Case | None]) -> None:
        """Have the histories of cases at hand; each case as it is in the tables."""
        wanted = [i for i, case in cases.items() if not self._is_open(i, case)]
        if wanted:
            self._read(wanted)

    def of(self, case_id: str) -> Roll:
        """Return the history of a case that was loaded."""
        return self._open[case_id]

    def follow(self, step: Step, blocks: Sequence[CaseBlock], version: Version) -> None:
        """Take a new form into a history that is at hand; others wait to be read."""
        if step.case_id in self._open:
            self.put(step, blocks, version)

    def put(self, step: Step, blocks: Sequence[CaseBlock], version: Version) -> None:
        """Put a form in force in the history of a case that was loaded."""
        self._open[step.case_id].put(step, traits_of(blocks, *version))

    def folded(self, case_id: str) -> Case | None:
        """Fold a case that was loaded: the forms that decide it are enough."""
        wanted = self._open[case_id].decisive()
        made = self._made.get(case_id)
        if made is None or made[0] != wanted:
            made = self._made[case_id] = wanted, self._fold(case_id, wanted)
        return made[1]

    def folded_from_all(self, case_id: str) -> Case | None:
        """Fold a case that was loaded from every form in force."""
        return self._fold(case_id, self._open[case_id].in_force())

    def forget_versions(self) -> None:
        """Read everything again: an erasure has left less of some forms."""
        self._versions.clear()
        self._made.clear()
        self._open.clear()
        self._rolls.forget(self._reader.domain)

    def release_versions(self) -> None:
        """Let go of the forms: a replay cannot keep them all."""
        self._versions.clear()

    def rows(self) -> Iterator[tuple[str, str, int, int, int, int, int]]:
        """Yield the rows that were added, for the table ``case_forms``."""
        domain = self._reader.domain
        for case_id, steps in sorted(self._added.items()):
            latest = {step.key: step for step in steps}
            for _, key, position, actions, place in latest.values():
                yield domain, case_id, *key, position, actions, place

    def leave(self, cases: Mapping[str, Case | None]) -> None:
        """Leave what is at hand to the commits that follow this one."""
        head = self._reader.head
        for case_id, roll in self._open.items():
            case = cases[case_id]
            if case is not None:
                mark = Mark(case.position, head.position, head.digest)
                self._rolls.leave(self._key(case_id), mark, roll)
        self._open.clear()

    def settle(self) -> None:
        """Forget everything: it is written, and the next batch reads it again."""
        self._open.clear()
        self._made.clear()
        self._added.clear()
        self._versions.clear()

    def scratch(self) -> Histories:
        """Return a copy to try something on."""
        copy = Histories(self._reader, self._conn, self._tables, rolls=self._rolls)
        copy._open = {case_id: roll.copy() for case_id, roll in self._open.items()}
        copy._made = dict(self._made)
        copy._added = {case_id: list(steps) for case_id, steps in self._added.items()}
        copy._versions = dict(self._versions)
        copy._is_trial = True
        return copy

    def _is_open(self, case_id: str, stored: Case | None) -> bool:
        """Tell whether a history is at hand; takes over what was left, if it is true.

        What this transaction did to the case before would be missing in it.
        """
        if case_id in self._open:
            return True
        key = self._key(case_id)
        if key not in self._rolls or stored is None or case_id in self._added:
            return False
        found = self._rolls.take(key)
        if found is None:
            return False
        mark, roll = found
        if mark.case_position != stored.position or not self._is_same_log(mark):
            return False
        if self._is_trial:
            self._rolls.leave(key, mark, roll)
            roll = roll.copy()
        self._open[case_id] = roll
        return True

    def _is_same_log(self, mark: Mark) -> bool:
        """Tell whether the log holds all that it held at a mark."""
        if mark.digest == self._reader.head.digest:
            return True
        return log.digest_at(self._reader, mark.position) == mark.digest

    def _key(self, case_id: str) -> Key:
        return Key(self._reader.domain, self._tables.generation, case_id)

    def _read(self, case_ids: Sequence[str]) -> None:
        """Read histories from the tables, and of each form what it does."""
        self._open.update({case_id: Roll() for case_id in case_ids})
        stored = steps_of(
            self._conn, self._tables, self._reader.domain, case_ids=case_ids
        )
        added = (step for i in case_ids for step in self._added.get(i, ()))
        steps = {(s.case_id, s.key): s for s in chain(stored, added) if s.is_form}
        waiting: dict[int, list[Step]] = {}
        for step in steps.values():
            if step.in_force:
                waiting.setdefault(step.position, []).append(step)
            else:
                self._open[step.case_id].set_aside(step)
        for version in self._parsed(sorted(waiting)):
            blocks = blocks_by_case(version[0])
            for step in waiting[version[1].position]:
                self.put(step, blocks.get(step.case_id, ()), version)

    def _parsed(self, positions: Sequence[int]) -> Iterator[Version]:
        """Yield the versions at some positions; the latest ones stay at hand.

        Many at once would take much memory, and it is the latest that mostly decide.
        """
        for start in range(0, len(positions), _SLICE):
            some = positions[start : start + _SLICE]
            missing = [p for p in some if p not in self._versions]
            found = self.versions(missing)
            yield from (found[position] for position in some)
            if some[-1] != positions[-1]:
                for position in missing:
                    del found[position]

    def versions(self, positions: Iterable[int]) -> dict[int, Version]:
        """Return the versions of forms at these positions; reads those not at hand."""
        missing = {p for p in positions if p not in self._versions}
        if missing:
            self._versions.update(versions_at(self._reader, missing))
        return self._versions

    def _fold(self, case_id: str, steps: Sequence[Step]) -> Case | None:
        versions = self.versions(step.position for step in steps)
        return fold_steps(case_id, steps, versions)


def steps_of(
    conn: Connection, tables: CaseTables, domain: str, *, case_ids: Collection[str]
) -> list[Step]:
    """Return the histories of cases, each in the order of its keys."""
    rows = conn.rows(_steps(tables.generation), domain=domain, case_ids=list(case_ids))
    return [
        Step(case_id, FoldKey(received_on, form_position), position, actions, place)
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
