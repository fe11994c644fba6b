"""Random values of random rows are altered: ``verify`` must say something each time.

The server is stopped, and whoever alters has the owner's rights: the guards of the
database are taken off first. Then the value is put back, and all must be well again.
"""

from __future__ import annotations

import random
import time
from collections.abc import Collection
from typing import Any

from sqlalchemy import Column, Integer, LargeBinary, Table

from ledger.proof.directory import fold_of
from ledger.proof.domains import domains_anywhere, list_faults
from ledger.proof.unproved import UNPROVED
from ledger.stated import STATED
from ledger.store import Store
from ledger.tables import metadata
from projections.rebuild.verify import verify
from projections.tables import case_tables, form_tables
from tests.kit.intruder import intrude
from tests.siege.city import LOAD, City
from tests.siege.tally import Tally

ME = "alterations"
BOOKS = frozenset({"clocks", "failed_tries"})
"""What an installation notes for itself: no domain's, and no proof's."""


def findings(store: Store, *, of: Collection[str] = ()) -> list[str]:
    """Return everything that all proofs say, or those of some domains and the list."""
    found = list(store.look(list_faults))
    for domain in store.look(domains_anywhere):
        if of and domain not in of:
            continue
        proof = verify(store, domain)
        found += [f"{domain}: {broken.text}" for broken in proof.breaks]
        found += map(str, (*proof.differences, *proof.files))
    return found


def provable(store: Store) -> list[tuple[Table, Column[Any]]]:
    """Return the columns that a proof covers, of kept tables and of read tables."""
    with store.reading(LOAD) as reader:
        live = reader.head.live
    kept = [t for t in metadata.sorted_tables if t.name not in BOOKS]
    read = (
        *case_tables(live["cases"]).metadata.sorted_tables,
        *form_tables(live["forms"]).metadata.sorted_tables,
    )
    return [
        (table, column)
        for table in (*kept, *read)
        for column in table.columns
        if column.name not in UNPROVED.get(table.name, ())
        # It is the name of tables, which are not there then.
        and (table.name, column.name) != ("generations", "generation")
    ]


def attack(city: City, tally: Tally, *, seed: int, seconds: float) -> None:
    """Alter one value at a time until the time is over, three at least."""
    rng = random.Random(seed)
    store = city.store
    if found := findings(store):
        tally.fault(ME, "before", f"not ok before anything was altered: {found[:5]}")
        return
    columns = provable(store)
    for table in {table for table, _ in columns}:
        intrude(store, table.name)
    until, altered = time.monotonic() + seconds, 0
    while altered < 3 or time.monotonic() < until:
        table, column = rng.choice(columns)
        place = Place(store, table, column, rng)
        if not place.is_proved(store) or not place.alter(rng):
            tally.note(
                ME, "no such row, or it decides nothing, or the database refuses"
            )
            continue
        altered += 1
        found = findings(store, of=place.domains)
        fault = None if found else f"{place} was altered, and nobody noticed"
        tally.check(ME, f"{_plain(table)}", fault=fault)
        place.put_back()
    found = findings(store)
    fault = f"not ok after all was put back: {found[:5]}" if found else None
    tally.check(ME, "put back", fault=fault)


class Place:
    """A column of a random row."""

    def __init__(
        self, store: Store, table: Table, column: Column[Any], rng: random.Random
    ) -> None:
        """Choose a row."""
        self._raw = store.connection.raw
        self._mark = "%s" if store.dialect.write_needs_lock else "?"
        self._table, self._column = table, column
        self._key = [c.name for c in table.primary_key]
        rows = self._raw.execute(f"SELECT * FROM {table.name}").fetchall()  # noqa: S608
        names = [c.name for c in table.columns]
        rows = [dict(zip(names, row, strict=True)) for row in rows]
        # Most rows are of one domain, whose proof takes longest.
        domain = rng.choice(sorted({row.get("domain", "") for row in rows} or {""}))
        rows = [row for row in rows if row.get("domain", "") == domain]
        self._row: dict[str, Any] = rng.choice(rows) if rows else {}
        self._new: dict[str, Any] = {}

    @property
    def domains(self) -> set[str]:
        """Return whose proofs must see it; none where it is everybody's."""
        return {row["domain"] for row in (self._row, self._new) if "domain" in row}

    def is_proved(self, store: Store) -> bool:
        """Tell whether there is a row, and the log says anything of it."""
        name, row = self._table.name, self._row
        if row.get("n") == 0 and self._column.name != "n":
            # A counter of nothing is as good as none.
            return False
        if name == "import_rows":
            return bool(row) and bool(row["form_id"] or row["error_id"])
        stated = STATED.get(name)
        if not row or stated is None:
            return bool(row)
        with store.snapshot(row["domain"]) as reader:
            fold = fold_of(reader)
        key = tuple(row[part] for part in stated.key)
        return key in fold.rows[name] or not stated.excused(row, fold)

    def alter(self, rng: random.Random) -> bool:
        """Give it another value; tell whether that was possible."""
        name = self._column.name
        self._new = {**self._row, name: another(self._column, self._row[name], rng)}
        try:
            self._set(self._row, self._new)
        except Exception as error:
            # Checks, keys and types are guards too.
            if type(error).__name__ in {"IntegrityError", "CheckViolation"}:
                return False
            if type(error).__name__ in {"UniqueViolation", "NumericValueOutOfRange"}:
                return False
            raise
        return True

    def put_back(self) -> None:
        """Give it its own value again."""
        self._set(self._new, self._row)

    def _set(self, row: dict[str, Any], to: dict[str, Any]) -> None:
        where = " AND ".join(f"{name} = {self._mark}" for name in self._key)
        name = self._column.name
        order = f"UPDATE {self._table.name} SET {name} = {self._mark} WHERE {where}"  # noqa: S608
        self._raw.execute(order, (to[name], *(row[n] for n in self._key)))

    def __str__(self) -> str:
        key = {name: self._row[name] for name in self._key}
        name = self._column.name
        values = f"{self._row[name]!r} -> {self._new[name]!r}"
        return f"{self._table.name}.{name} of {key}: {values}"


def another(column: Column[Any], value: Any, rng: random.Random) -> Any:
    """Return another value that fits a column."""
    if isinstance(column.type, LargeBinary):
        found = bytearray(value or b"\0")
        place = rng.randrange(len(found) or 1)
        return bytes([*found[:place], (found or b"\0")[place] ^ 1, *found[place + 1 :]])
    if isinstance(column.type, Integer):
        return (value or 0) + rng.choice([1, 1000])
    return f"{value or ''}{rng.choice('xyz')}"


def _plain(table: Table) -> str:
    stem, _, number = table.name.rpartition("_")
    return stem if number.isdigit() else table.name
