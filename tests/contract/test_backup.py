"""A backup holds all that cannot be derived, and comes back whole or not at all."""

from __future__ import annotations

import io
import os
import random
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import psycopg
import pytest
from sqlalchemy import Integer, LargeBinary, SmallInteger

from ledger.backup import LEFT_OUT, heads_of, kept_tables, write_backup
from ledger.backup_format import BackupReader, BackupWriter, BadBackup
from ledger.backup_load import domains_without_tables, load_backup
from ledger.bodies import add_dictionary
from ledger.directory.api_keys import create_key
from ledger.directory.domains import DomainSettings, save_settings
from ledger.directory.passwords import verify_password
from ledger.directory.users import create_user, find_user
from ledger.entry import Author, IdempotencyKey, Kind
from ledger.erasure import EraseCases
from ledger.errors import Conflict, LedgerError
from ledger.migrations import migrate
from ledger.store import Store, open_store
from ledger.tables import LOG_TABLES, metadata
from projections.property_names import build_step, start_index
from projections.rebuild import silent
from projections.replay import replay
from projections.verify import verify
from tests import build

OPERATOR = Author(user_id="operator", username="operator")
REFUSED = (sqlite3.IntegrityError, psycopg.errors.RaiseException)
FORMS = 270
LARGE = 3 * 1024 * 1024
LIVE = slice(4, 6)
"""Where a row of ``domains`` tells which generations are live."""


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


# What there is to be saved


def fill(store: Store) -> None:
    """Make a ledger with something of everything that is kept, in two domains."""
    build.a_domain(store)
    build.a_domain(store, "other")
    forms = [
        build.a_form(
            [build.a_create(f"c{n % 40}", create={"case_name": f"n{n % 7}"})],
            form_id=f"f{n}",
        )
        for n in range(FORMS)
    ]
    build.write(store, *map(build.a_submission, forms))
    for domain in (build.DOMAIN, "other"):
        with store.writing(domain) as writer:
            add_dictionary(writer)
        build.write(store, *commands(domain), domain=domain)
        fill_directory(store, domain)
    erasure = EraseCases(case_ids=("c1",), author=OPERATOR, reason="asked for")
    assert build.write(store, erasure)[0].bodies
    with store.writing(build.DOMAIN) as writer:
        start_index(writer, "turn")
        while build_step(writer, "turn"):
            pass
    fill_empty_tables(store)


def commands(domain: str):
    """Return writes of many kinds; ids are unique over the installation."""
    again = build.a_form([build.a_create("late", update={"turn": "1"})])
    photo = build.a_file("photo.jpg", random.Random(domain).randbytes(LARGE))
    refused = build.a_form([build.a_block("c9", index={"parent": "nobody"})])
    key = IdempotencyKey(key="k1", user_id=build.USER, request_sha256=b"\x00" * 32)
    return [
        build.a_submission(again),
        build.a_submission(again),
        build.a_submission(refused),
        build.a_submission(b"<no form \xff"),
        build.a_submission(
            build.a_form([build.an_update("late", long="ä" * 40_000)]),
            attachments=[build.a_file(), build.a_file("empty", b""), photo],
        ),
        build.changes(build.a_change(external_id="x"), key=key),
        build.a_submission(edited(domain, "2")),
        build.a_submission(edited(domain, "3")),
        build.an_act(Kind.ARCHIVE, f"edited-{domain}"),
        build.a_flag("late"),
    ]


def edited(domain: str, turn: str) -> bytes:
    """Return a version of a form."""
    block = build.a_create("edited", update={"turn": turn})
    return build.a_form([block], form_id=f"edited-{domain}")


def fill_directory(store: Store, domain: str) -> None:
    """Make a user with a password and a key, and change a setting."""
    with store.writing(domain) as w:
        user = create_user(w, "ann", role="admin", password="pw", author=OPERATOR)
        create_key(w, user, name="laptop", read_only=False, author=OPERATOR)
        settings = DomainSettings(secure_submissions=True)
        save_settings(w, settings, author=OPERATOR, now=build.NOW)


def fill_empty_tables(store: Store) -> None:
    """Put a made-up row into each kept table that has none yet."""
    with store.administering() as conn:
        for table in kept_tables():
            if not build.rows_of(conn.raw, table, build.DOMAIN):
                row = [made_up(column) for column in table.columns]
                conn.insert(table, [(build.DOMAIN, *row[1:])])


def made_up(column):
    """Return a value that fits a column."""
    if isinstance(column.type, LargeBinary):
        return b"\x00\xff bytes"
    return 7 if isinstance(column.type, Integer | SmallInteger) else "ünïcode"


# Ways and views


def saved(store: Store) -> bytes:
    """Return the backup of a ledger."""
    file = io.BytesIO()
    write_backup(store, file, program="1.2.3", progress=silent)
    return file.getvalue()


def load(store: Store, data: bytes, progress=silent) -> None:
    """Load a backup without making it readable."""
    load_backup(store, BackupReader(io.BytesIO(data)), progress=progress)


def restore(store: Store, data: bytes) -> Store:
    """Load a backup and make it readable."""
    load(store, data)
    for domain in domains_without_tables(store.connection):
        replay(store, domain)
    return store


def kept(store: Store) -> dict[str, list]:
    """Return every row that a backup should hold, without the numbers of tables."""
    with store.snapshot_of_all() as conn:
        found = {
            table.name: [
                row
                for head in heads_of(conn)
                for row in build.rows_of(conn.raw, table, head.domain)
            ]
            for table in kept_tables()
        }
    found["domains"] = [
        (*row[: LIVE.start], *row[LIVE.stop :]) for row in found["domains"]
    ]
    return found


def everything(store: Store) -> dict[str, object]:
    """Return every kept row, every row of the read tables, and every digest."""
    heads = heads_of(store.connection)
    derived = {head.domain: build.derived(store, head.domain) for head in heads}
    return {"kept": kept(store), "derived": derived, "heads": heads}


def is_empty(store: Store) -> bool:
    """Tell whether no kept table has any row."""
    conn = store.connection.raw
    names = [table.name for table in metadata.sorted_tables]
    return not any(
        conn.execute(f"SELECT 1 FROM {name} LIMIT 1").fetchone()  # noqa: S608
        for name in names
    )


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> bytes:
    """Return the backup of a full ledger."""
    store = open_store(f"sqlite:///{tmp_path_factory.mktemp('whole')}/full.db")
    migrate(store)
    fill(store)
    data = saved(store)
    store.close()
    return data


@pytest.fixture(scope="module")
def small(tmp_path_factory) -> bytes:
    """Return the backup of a ledger with a few forms."""
    store = open_store(f"sqlite:///{tmp_path_factory.mktemp('small')}/small.db")
    migrate(store)
    build.a_domain(store)
    for number in range(3):
        build.submit(store, build.a_form([build.a_create(f"c{number}")]))
    data = saved(store)
    store.close()
    return data


def rewritten(
    data: bytes,
    *,
    tables: Callable[[dict], dict] = dict,
    rows: Callable[[str, list], list] = lambda _, rows: rows,
) -> bytes:
    """Return a backup with other tables or rows, and a digest that is right."""
    source = BackupReader(io.BytesIO(data))
    header = replace(source.header, tables=tables(source.header.tables))
    file = io.BytesIO()
    writer = BackupWriter(file, header)
    for name, found in source.rows():
        if name in header.tables:
            writer.rows(name, rows(name, found))
    writer.close()
    return file.getvalue()


# There and back


@pytest.mark.parametrize(
    "kinds",
    [("sqlite", "postgresql", "sqlite"), ("postgresql", "sqlite", "postgresql")],
    ids=" → ".join,
)
def test_a_ledger_moves_between_databases_and_back(lend, kinds):
    """scale-out.md T6: rows, digests and read tables are equal at each stop."""
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


@pytest.mark.parametrize("table", LOG_TABLES)
def test_a_restored_log_is_append_only(store, whole, table):
    """Ruling R-2 holds for what was restored."""
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


# Refusals


def test_a_flipped_byte_anywhere_is_noticed(store, small):
    """A damaged backup changes nothing, wherever the damage is."""
    chance = random.Random(7)
    for place in [*range(25), *chance.sample(range(len(small)), 25), len(small) - 1]:
        spoilt = bytearray(small)
        spoilt[place] ^= chance.randrange(1, 256)
        with pytest.raises(BadBackup):
            load(store, bytes(spoilt))
        assert is_empty(store), place
    assert verify(restore(store, small), build.DOMAIN).ok


def test_a_backup_that_was_cut_short_is_noticed(store, small):
    """A backup of which the end is missing changes nothing."""
    cuts = [0, 1, 10, 19, 20, 60, 500, -500, -33, -32, -31, -1]
    for part in [small[:cut] for cut in cuts]:
        with pytest.raises(BadBackup):
            load(store, part)
        assert is_empty(store), len(part)
    assert verify(restore(store, small), build.DOMAIN).ok


def test_bytes_behind_the_end_are_noticed(store, small):
    """Two backups in one file are not one backup."""
    for more in (b"\n", small):
        with pytest.raises(BadBackup):
            load(store, small + more)
    assert is_empty(store)


def test_damage_is_noticed_on_both_databases_and_does_no_harm(store, whole):
    """After any number of refusals a good backup is taken."""
    for place in (len(whole) // 2, len(whole) - 40):
        spoilt = whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :]
        with pytest.raises(BadBackup, match="damaged or cut short"):
            load(store, spoilt)
        assert is_empty(store)
    assert verify(restore(store, whole), build.DOMAIN).ok


@pytest.mark.parametrize("data", [b"", b"SQLite format 3\0" * 50, b"\n" * 100])
def test_a_foreign_file_is_no_backup(store, data):
    """It is not taken for a damaged one."""
    with pytest.raises(BadBackup, match="no backup of caseledger"):
        load(store, data)


def test_a_newer_format_is_told_as_such(store, small):
    """Who has an old program learns that the file is good."""
    newer = small.replace(b"caseledger backup 1\n", b"caseledger backup 2\n", 1)
    with pytest.raises(BadBackup, match=r"has the format '2'.*use a newer caseledger"):
        load(store, newer)


@pytest.mark.parametrize(
    "tables",
    [
        lambda tables: tables | {"tickets": (("domain", "text"),)},
        lambda tables: tables | {"users": (*tables["users"], ("shoe_size", "bigint"))},
        lambda tables: tables | {"users": tables["users"][:-1]},
    ],
    ids=["a table", "a column", "a column that must be filled"],
)
def test_tables_of_another_release_are_refused(store, small, tables):
    """What this program could not keep, or would lack, is not passed over."""
    with pytest.raises(BadBackup, match=r"written by caseledger 1\.2\.3"):
        load(store, rewritten(small, tables=tables))
    assert is_empty(store)


def test_a_table_and_a_column_that_were_added_later_stay_empty(store, small):
    """A backup of an older release is taken if nothing essential is missing."""

    def older(tables):
        left = {name: columns for name, columns in tables.items() if name != "jobs"}
        return left | {"api_keys": tables["api_keys"][:-1]}

    restore(store, rewritten(small, tables=older))
    assert verify(store, build.DOMAIN).ok


def drop_last(wanted):
    """Return what drops the last row of a table."""
    return lambda name, rows: rows[:-1] if name == wanted else rows


def set_value(wanted, column, value):
    """Return what changes a value of the last row of a table."""

    def change(name, rows):
        if name == wanted:
            rows[-1][column] = value
        return rows

    return change


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        (drop_last("entries"), "'demo' in the backup is damaged at position 4"),
        (drop_last("bodies"), "position 4: the body is missing"),
        (drop_last("domains"), "does not hold the domains that it names"),
        (set_value("entries", 2, "error"), "position 4: the header was altered"),
        (set_value("entries", 15, b"\0" * 32), "position 4"),
        (set_value("bodies", 3, b"\x28\xb5"), "position 4: the body cannot be read"),
        (set_value("domains", 3, b"\0" * 32), "does not hold the domains"),
    ],
    ids=lambda value: None if callable(value) else value,
)
def test_a_log_that_does_not_prove_itself_is_refused(store, small, rows, told):
    """The chain and the bodies are recomputed from what has arrived."""
    with pytest.raises(BadBackup, match=told):
        load(store, rewritten(small, rows=rows))
    assert is_empty(store)


def test_a_log_that_does_not_prove_itself_is_not_written(store):
    """Nobody learns on the day of the restore that the backup was worthless."""
    build.a_domain(store)
    with store.administering() as conn:
        conn.execute("INSERT INTO bodies VALUES ('demo', 1, 0, 'x')")
    file = io.BytesIO()
    with pytest.raises(LedgerError, match="no backup was written: the log of 'demo'"):
        write_backup(store, file, program="x", progress=silent)
    assert file.getvalue() == b""


def test_a_database_with_domains_is_refused(store, small):
    """A restore never mixes two ledgers."""
    build.a_domain(store, "mine")
    before = everything(store)
    with pytest.raises(Conflict, match=r"already has domains \(mine\)"):
        load(store, small)
    assert everything(store) == before


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
