"""What is not the whole backup that was written changes nothing."""

from __future__ import annotations

import io
import random

import pytest

from ledger.backup.format import BadBackup
from ledger.backup.write import write_backup
from ledger.errors import Conflict, LedgerError
from projections.rebuild.fresh import silent
from projections.rebuild.verify import verify
from tests.kit import build
from tests.kit.backups import (
    everything,
    is_empty,
    load,
    restore,
    rewritten,
)

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
        lambda tables: (
            tables | {"users": tuple(c for c in tables["users"] if c[0] != "username")}
        ),
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
        conn.execute("INSERT INTO bodies VALUES ('demo', 2, 0, 'x')")
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
