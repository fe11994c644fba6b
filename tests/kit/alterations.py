"""Rows beside the log in the hands of an intruder, and what the proof says of them."""

from __future__ import annotations

from sqlalchemy import Integer, LargeBinary

from ledger.imports import batches
from ledger.imports.values import BatchState, NewFile
from ledger.proof.directory import directory_differences, fold_of
from ledger.tables import metadata
from tests.kit import build
from tests.kit.directory import OPERATOR
from tests.kit.intruder import intrude

KEPT = metadata.tables


def findings(store):
    """Return what the proof of the directory says."""
    with store.snapshot(build.DOMAIN) as reader:
        wrong = directory_differences(reader, fold_of(reader), {}, {})
        return [str(found) for found in wrong]


class Table:
    """A table in the hands of somebody with the owner's rights."""

    def __init__(self, store, name):
        """Take the guards off."""
        self._raw = store.connection.raw
        self._mark = "%s" if store.dialect.write_needs_lock else "?"
        self.name = name
        self.columns = list(KEPT[name].columns)
        intrude(store, name)

    def rows(self):
        """Return the rows by primary key."""
        key = ", ".join(c.name for c in KEPT[self.name].primary_key)
        asked = f"SELECT * FROM {self.name} ORDER BY {key}"  # noqa: S608
        return [tuple(row) for row in self._raw.execute(asked).fetchall()]

    def set(self, row, column, value):
        """Give a row another value in a column; return the row as it is then."""
        where, key = self._where(row)
        order = f"UPDATE {self.name} SET {column.name} = {self._mark} WHERE {where}"  # noqa: S608
        self._raw.execute(order, (value, *key))
        place = self.columns.index(column)
        return (*row[:place], value, *row[place + 1 :])

    def delete(self, row):
        """Delete a row."""
        where, key = self._where(row)
        self._raw.execute(f"DELETE FROM {self.name} WHERE {where}", key)  # noqa: S608

    def insert(self, row):
        """Insert a row."""
        marks = ", ".join([self._mark] * len(row))
        self._raw.execute(f"INSERT INTO {self.name} VALUES ({marks})", row)  # noqa: S608

    def _where(self, row):
        names = [c.name for c in KEPT[self.name].primary_key]
        values = dict(zip([c.name for c in self.columns], row, strict=True))
        where = " AND ".join(f"{name} = {self._mark}" for name in names)
        return where, tuple(values[name] for name in names)


def another(column, value):
    """Return another value than this one that fits the column."""
    if isinstance(column.type, LargeBinary):
        return bytes([(value or b"\0")[0] ^ 1]) + (value or b"\0")[1:]
    if isinstance(column.type, Integer):
        return (value or 0) + 1000
    return f"{value or ''}x"


def start_batch(people, n, *, dry_run=False):
    """Add a batch of two files and start it."""
    with people.store.writing(build.DOMAIN) as w:
        control = batches.put_control(
            w, b"{%d}" % n, comment=f"control {n}", author=OPERATOR, now=build.NOW
        )
        batch = batches.create_batch(
            w, control, comment=f"batch {n}", author=OPERATOR, now=build.NOW
        )
        files = [
            NewFile(name=name, file_name=f"{n}.json", content=f"{n}{name}".encode())
            for name in ("a", "b")
        ]
        batches.add_files(w, batch.identifier, files, state=BatchState.UPLOADING)
        return batches.start_batch(
            w,
            batch.identifier,
            state=BatchState.UPLOADING,
            kind="haplo",
            dry_run=dry_run,
            author=OPERATOR,
            now=build.NOW + n,
        )
