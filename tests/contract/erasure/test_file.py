"""What an erasure leaves in the file of a SQLite database: nothing."""

from __future__ import annotations

import sqlite3

from ledger.entry import Author
from ledger.erasure.erase import EraseCases
from ledger.migrations import migrate
from ledger.store import open_store
from tests.kit import build

SECRET = "scar on the left hand"


def test_the_file_and_its_log_hold_none_of_it(sqlite_url, tmp_path):
    """Freed bytes are overwritten, and the write-ahead log is emptied."""
    store = open_store(sqlite_url)
    migrate(store)
    build.a_domain(store)
    body = build.a_form([build.a_create("c1", update={"mark": SECRET})])
    build.submit(store, body)
    for place in range(40):
        build.submit(store, build.a_form([build.an_update("c1", n=str(place))]))
    file, log = tmp_path / "caseledger.db", tmp_path / "caseledger.db-wal"
    assert SECRET.encode() in file.read_bytes() + log.read_bytes()
    command = EraseCases(case_ids=("c1",), author=Author(user_id="r"), reason="asked")
    build.write(store, command)
    store.connection.dialect.scrub(store.connection.raw)
    assert SECRET.encode() not in file.read_bytes() + log.read_bytes()
    store.close()
    with sqlite3.connect(file) as check:
        assert check.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    check.close()
