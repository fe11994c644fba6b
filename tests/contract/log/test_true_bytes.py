"""Bytes that are used are those that their digest names, or they are not used."""

from __future__ import annotations

import hashlib
import sqlite3

import psycopg
import pytest

from ledger import bodies, log
from ledger.bodies import PART, file_to_store, get_blob, parts_of_blob, put_file
from ledger.errors import Damaged
from ledger.store import open_store
from projections.forms.stream import stream_forms
from projections.forms.view import attachment_of, form_bytes
from projections.rebuild.replay import replay
from tests.kit import build
from tests.kit.erasing import erase
from tests.kit.intruder import (
    PHOTO,
    PHOTO_SHA256,
    bodies_of,
    intrude,
    put_body,
)
from tests.kit.intruder import (
    put_file as put_in_its_place,
)

SECRET = b"kwashiorkor"
ALTERED = "is not what was stored; run caseledger verify"


def told(position):
    return f"The form at position {position} of 'demo' {ALTERED}"


def alter(store, position, old, new):
    """Put another body, soundly compressed, into the place of one."""
    with store.writing(build.DOMAIN) as writer:
        body = log.bodies_at(writer, [position])[position]
        number, packed = bodies.pack(writer.conn, build.DOMAIN, body.replace(old, new))
    stored = {row[1]: row[2] for row in build.dump(store)["bodies"]}
    assert stored[position] == number
    intrude(store, "bodies")
    put_body(store, position, packed)


READS = {
    "by position": lambda r: log.bodies_at(r, [4]),
    "entries behind a position": lambda r: log.entries_after(r, 0, limit=9),
    "the bytes of a form": lambda r: form_bytes(r, "f2"),
    "all forms": lambda r: list(stream_forms(r)),
}


@pytest.mark.parametrize("read", READS.values(), ids=READS)
def test_a_body_that_was_altered_is_not_read(ledger, read):
    """Whoever reads it is told the place, and never what stands there."""
    with ledger.snapshot(build.DOMAIN) as reader:
        assert read(reader)
    alter(ledger, 4, b"c2", SECRET)
    with ledger.snapshot(build.DOMAIN) as reader, pytest.raises(Damaged) as error:
        read(reader)
    assert str(error.value) == told(4)


@pytest.mark.parametrize("stored", [b"", b"no frame", b"\x28\xb5\x2f\xfd"])
def test_a_body_that_cannot_be_unpacked_is_not_read(ledger, stored):
    """It is told like any other that was altered."""
    intrude(ledger, "bodies")
    put_body(ledger, 4, stored)
    with ledger.snapshot(build.DOMAIN) as reader, pytest.raises(Damaged) as error:
        log.bodies_at(reader, [4])
    assert str(error.value) == told(4)


@pytest.mark.parametrize("workers", [1, 2])
def test_a_replay_folds_no_body_that_was_altered(ledger, workers):
    """Also where helpers unpack it; the tables that are there stay in use."""
    before = build.derived(ledger)
    alter(ledger, 4, b"c2", SECRET)
    with pytest.raises(Damaged) as error:
        replay(ledger, build.DOMAIN, workers=workers)
    assert str(error.value) == told(4)
    assert build.derived(ledger) == before


def test_an_edit_of_a_form_that_was_altered_changes_no_case(ledger):
    """What the old version did cannot be taken back, so nothing is."""
    alter(ledger, 4, b"c2", SECRET)
    before = build.derived(ledger)["cases"]
    edit = build.a_form([build.a_create("c2", update={"a": "1"})], form_id="f2")
    with pytest.raises(Damaged) as error:
        build.submit(ledger, edit)
    assert str(error.value) == told(4)
    assert build.derived(ledger)["cases"] == before


def test_what_an_erasure_left_is_read(ledger, url):
    """By who erased, by who has read before, and by who comes later."""
    with ledger.reading(build.DOMAIN) as reader:
        before = log.bodies_at(reader, [3, 4])
    other = open_store(url)
    with other.reading(build.DOMAIN) as reader:
        assert log.bodies_at(reader, [3, 4]) == before
    erase(ledger, "c1")
    left = []
    for store in (ledger, other, open_store(url)):
        with store.snapshot(build.DOMAIN) as reader:
            left.append(log.bodies_at(reader, [3, 4]))
        if store is not ledger:
            store.close()
    assert left[0] == left[1] == left[2]
    assert left[0][3] != before[3]
    assert left[0][4] == before[4]
    replay(ledger, build.DOMAIN)


def test_what_an_erasure_left_is_not_read_when_it_was_altered(ledger):
    """The entry of the erasure names it, as another names other bodies."""
    erase(ledger, "c1")
    alter(ledger, 3, b"</", b" </")
    with ledger.snapshot(build.DOMAIN) as reader, pytest.raises(Damaged) as error:
        log.bodies_at(reader, [3])
    assert str(error.value) == told(3)


def test_a_body_that_somebody_else_erased_is_no_excuse(ledger):
    """Bytes of one form are not those of another."""
    erase(ledger, "c1")
    packed = dict(bodies_of(ledger))
    intrude(ledger, "bodies")
    put_body(ledger, 4, packed[3])
    with ledger.snapshot(build.DOMAIN) as reader, pytest.raises(Damaged):
        log.bodies_at(reader, [4])


# -- attachments and files ---------------------------------------------------


def a_file(store, folder, length=3 * PART + 7):
    """Keep a file of several parts; return its digest."""
    path = folder / "people.csv"
    path.write_bytes((SECRET * (length // len(SECRET) + 1))[:length])
    file = file_to_store(path, path.name)
    with store.writing(build.DOMAIN) as writer:
        put_file(writer, file)
    return file.sha256


def texts_in_the_place_of_bytes(store, sha256):
    if store.dialect.write_needs_lock:
        pytest.skip("PostgreSQL keeps no text in the place of bytes")
    order = "UPDATE blobs SET content = CAST(X'ff41' AS TEXT)"
    intrude(store, "blobs", order)


ALTERATIONS = {
    "the first part": lambda s, sha: put_in_its_place(s, sha, b"x" * PART),
    "a shorter first part": lambda s, sha: put_in_its_place(s, sha, b"x"),
    "an empty first part": lambda s, sha: put_in_its_place(s, sha, b""),
    "a further part": lambda s, _: intrude(
        s, "blob_parts", "UPDATE blob_parts SET content = substr(content, 2)"
    ),
    "the last part is gone": lambda s, _: intrude(
        s, "blob_parts", "DELETE FROM blob_parts WHERE number = 3"
    ),
    "parts have changed places": lambda s, _: intrude(
        s,
        "blob_parts",
        "UPDATE blob_parts SET number = 9 WHERE number = 1",
        "UPDATE blob_parts SET number = 1 WHERE number = 3",
    ),
    "a text": texts_in_the_place_of_bytes,
}


@pytest.mark.parametrize("change", ALTERATIONS.values(), ids=ALTERATIONS)
def test_a_file_that_was_altered_is_not_read(ledger, tmp_path, change):
    """It is noticed before the last part is handed out, wherever it was altered."""
    sha256 = a_file(ledger, tmp_path)
    with ledger.snapshot(build.DOMAIN) as reader:
        assert hashlib.sha256(get_blob(reader, sha256)).hexdigest() == sha256
    change(ledger, sha256)
    got = []
    with ledger.snapshot(build.DOMAIN) as reader, pytest.raises(Damaged) as error:
        got.extend(parts_of_blob(reader, sha256))
    assert str(error.value) == f"The file with the digest {sha256} of 'demo' {ALTERED}"
    assert sum(map(len, got)) <= 3 * PART
    with ledger.snapshot(build.DOMAIN) as reader, pytest.raises(Damaged):
        get_blob(reader, sha256)


def test_an_attachment_that_was_altered_is_not_served(ledger):
    """The form that has it is."""
    with ledger.snapshot(build.DOMAIN) as reader:
        assert attachment_of(reader, "f1", PHOTO.name)[1] == PHOTO.content
    put_in_its_place(ledger, PHOTO_SHA256, SECRET)
    with ledger.snapshot(build.DOMAIN) as reader:
        assert form_bytes(reader, "f1")
        with pytest.raises(Damaged):
            attachment_of(reader, "f1", PHOTO.name)


def test_a_file_that_is_sent_again_does_not_touch_the_one_that_is_kept(
    ledger, tmp_path
):
    """The database refuses to change it, and who sends it again does not notice."""
    sha256 = a_file(ledger, tmp_path)
    assert a_file(ledger, tmp_path) == sha256
    again = build.a_form([build.a_create("again")], form_id="again")
    build.submit(ledger, again, attachments=[PHOTO])
    with ledger.snapshot(build.DOMAIN) as reader:
        assert attachment_of(reader, "again", PHOTO.name)[1] == PHOTO.content
        assert get_blob(reader, sha256)


@pytest.mark.parametrize(
    ("table", "key"),
    [("blobs", "domain, sha256"), ("blob_parts", "domain, sha256, number")],
)
def test_no_row_of_a_file_is_replaced_by_an_insert(ledger, tmp_path, table, key):
    """Whichever way a database knows to do that."""
    a_file(ledger, tmp_path)
    order = f"INSERT OR REPLACE INTO {table} SELECT {key}, 'x' FROM {table}"  # noqa: S608
    if ledger.dialect.write_needs_lock:
        order = (
            f"INSERT INTO {table} SELECT {key}, 'x'::bytea FROM {table} "  # noqa: S608
            f"ON CONFLICT ({key}) DO UPDATE SET content = excluded.content"
        )
    refused = (sqlite3.IntegrityError, psycopg.errors.RaiseException)
    before = rows_of(ledger, table)
    with pytest.raises(refused, match="the log is append-only"):
        ledger.connection.execute(order)
    assert rows_of(ledger, table) == before


def rows_of(store, table):
    """Return all rows of a table of files."""
    return store.connection.raw.execute(f"SELECT * FROM {table}").fetchall()  # noqa: S608
