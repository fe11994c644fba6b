"""A backup holds all that cannot be derived, and a restore brings back all of it."""

from __future__ import annotations

import io
import os
import sqlite3
from itertools import pairwise

import psycopg
import pytest

from ledger.backup.format import BackupReader
from ledger.backup.load import domains_without_tables
from ledger.backup.write import LEFT_OUT, write_backup
from ledger.directory.passwords import verify_password
from ledger.directory.users import create_user, find_user
from ledger.errors import Conflict
from ledger.migrations import migrate
from ledger.store import Store, open_store
from ledger.tables import metadata
from projections.rebuild.fresh import silent
from projections.rebuild.replay import replay
from projections.rebuild.verify import verify
from tests.kit import build
from tests.kit.backups import (
    OPERATOR,
    everything,
    fill,
    is_empty,
    load,
    restore,
    saved,
)

REFUSED = (sqlite3.IntegrityError, psycopg.errors.RaiseException)


@pytest.fixture
def lend(request, tmp_path, record_property):
    """Lend an empty database of a kind, as often as it is asked for."""
    stores: list[Store] = []
    lent: list[str] = []

    def make(kind: str) -> Store:
        record_property("database", kind)
        if kind == "sqlite":
            url = f"sqlite:///{tmp_path}/{len(stores)}.db"
        else:
            url = request.getfixturevalue("postgres_server").lend()
            lent.append(url)
        stores.append(open_store(url))
        migrate(stores[-1])
        return stores[-1]

    yield make
    for store in stores:
        store.close()
    for url in lent:
        request.getfixturevalue("postgres_server").take_back(url)


# There and back


@pytest.mark.parametrize(
    "kinds",
    [("sqlite", "postgresql", "sqlite"), ("postgresql", "sqlite", "postgresql")],
    ids=" → ".join,
)
def test_a_ledger_moves_between_databases_and_back(lend, kinds):
    """rules/design.md 2.7: rows, digests and read tables are equal at each stop."""
    stores = [lend(kind) for kind in kinds]
    fill(stores[0])
    before = everything(stores[0])
    for source, target in pairwise(stores):
        restore(target, saved(source))
        assert everything(target) == before
        for domain in (build.DOMAIN, "other"):
            assert verify(target, domain).ok
    assert all(before["kept"].values()), "a table had nothing to be moved"
    assert {row[2] for row in before["kept"]["bodies"]} == {0, 1}
    assert before["derived"][build.DOMAIN]["property_index"]


def test_every_table_that_is_kept_is_in_a_backup(whole):
    """A table is left out only if a replay makes it anew."""
    header = BackupReader(io.BytesIO(whole)).header
    assert set(header.tables) == set(metadata.tables) - LEFT_OUT
    assert header.program == "1.2.3"


def test_a_restored_ledger_is_in_use_again(store, whole):
    """Users come in with their passwords; forms are appended, in a new domain too."""
    restore(store, whole)
    with store.reading(build.DOMAIN) as reader:
        user = find_user(reader, "ann")
        position = reader.head.position
    assert verify_password("pw", user.password_hash)
    clock = build.FixedClock(build.NOW * 2)
    receipt = build.submit(store, build.a_form([build.a_create("new")]), clock=clock)
    assert receipt.position == position + 1
    build.a_domain(store, "third")
    build.submit(store, build.a_form([build.a_create("c1")]), domain="third")
    assert verify(store, build.DOMAIN).ok
    assert verify(store, "third").ok


@pytest.mark.parametrize("table", build.LOG_TABLES)
def test_a_restored_log_is_append_only(store, whole, table):
    """rules/design.md 2.1 holds for what was restored, too."""
    restore(store, whole)
    with pytest.raises(REFUSED, match="the log is append-only"):
        store.connection.execute(f"DELETE FROM {table}")  # noqa: S608


def test_a_ledger_without_domains_can_be_moved(lend, store):
    """An empty ledger is a ledger."""
    target = restore(lend("sqlite"), saved(store))
    assert is_empty(target)


class Meddler(io.BytesIO):
    """A file; whenever it is written to, others write to the ledger."""

    def __init__(self, store: Store) -> None:
        """Keep where to write."""
        super().__init__()
        self.store = store
        self.turns = 0

    def write(self, data) -> int:
        """Append a form, make a user and a domain, then take the bytes."""
        self.turns += 1
        build.submit(self.store, build.a_form([build.a_create(f"m{self.turns}")]))
        with self.store.writing("other") as w:
            name = f"user-{self.turns}"
            create_user(w, name, role="mobile", password=None, author=OPERATOR)
        build.a_domain(self.store, f"d{self.turns}")
        return super().write(data)


def test_a_backup_shows_one_moment_of_a_ledger_in_use(lend, store, url):
    """Whatever is written while it runs, it shows the ledger as it was before."""
    fill(store)
    before = everything(store)
    other = open_store(url)
    try:
        file = Meddler(other)
        write_backup(store, file, program="x", progress=silent)
    finally:
        other.close()
    assert file.turns > 5
    assert everything(restore(lend("sqlite"), file.getvalue())) == before
    assert everything(store) != before


# Interruptions


class Stop(BaseException):
    """The process ends here."""


def stop(_done, _total):
    raise Stop


def test_a_restore_that_was_stopped_leaves_nothing(store, whole):
    """All in one transaction; the next one takes it."""
    with pytest.raises(Stop):
        load(store, whole, progress=stop)
    assert is_empty(store)
    assert verify(restore(store, whole), build.DOMAIN).ok


def test_a_restore_that_was_stopped_before_it_could_be_read_goes_on(store, whole):
    """The log is there, the tables are not: a second restore makes them."""
    load(store, whole)
    assert domains_without_tables(store.connection) == [build.DOMAIN, "other"]
    replay(store, "other")
    with store.writing("other") as w:
        create_user(w, "eve", role="mobile", password=None, author=OPERATOR)
    assert domains_without_tables(store.connection) == [build.DOMAIN]
    restore(store, whole)
    assert domains_without_tables(store.connection) == []
    assert verify(store, build.DOMAIN).ok
    with pytest.raises(Conflict):
        load(store, whole)


def test_a_half_made_restore_of_another_backup_is_left_alone(store, whole, small):
    """Only the same backup can go on where one was stopped."""
    load(store, whole)
    with pytest.raises(Conflict, match="already has domains"):
        load(store, small)


def test_a_broken_pipe_of_the_database_is_not_called_damage(store, whole):
    """Trouble that is not the file's keeps its own name."""
    store.connection.execute("DROP TABLE idempotency")
    with pytest.raises((sqlite3.OperationalError, psycopg.errors.UndefinedTable)):
        load(store, whole)


def test_the_file_is_written_in_pieces(store):
    """Memory is bounded by the largest value, not by the ledger."""
    build.a_domain(store)
    files = [build.a_file(f"{n}", os.urandom(256 * 1024)) for n in range(20)]
    form = build.a_form([build.a_create()])
    build.write(store, build.a_submission(form, attachments=files))

    class Pieces(io.BytesIO):
        largest = 0

        def write(self, data):
            self.largest = max(self.largest, len(data))
            return super().write(data)

    file = Pieces()
    write_backup(store, file, program="x", progress=silent)
    assert len(file.getvalue()) > 5_000_000
    assert file.largest < 1_600_000
