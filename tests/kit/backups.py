"""A ledger with something of everything, its backup, and views of what came back."""

from __future__ import annotations

import io
import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from sqlalchemy import Integer, LargeBinary, SmallInteger

from ledger.backup.format import BackupReader, BackupWriter
from ledger.backup.load import domains_without_tables, load_backup
from ledger.backup.write import heads_of, kept_tables, write_backup
from ledger.bodies import add_dictionary
from ledger.directory.api_keys import create_key
from ledger.directory.domains import DomainSettings, save_settings
from ledger.directory.users import create_user
from ledger.entry import Author, IdempotencyKey, Kind
from ledger.erasure.erase import EraseCases
from ledger.imports.batches import add_files, create_batch, put_control
from ledger.imports.values import NewFile
from ledger.migrations import migrate
from ledger.proof.directory import restate
from ledger.store import Store, open_store
from ledger.tables import metadata
from projections.lists.property_names import build_step, start_index
from projections.rebuild.fresh import silent
from projections.rebuild.replay import replay
from tests.kit import build
from tests.kit.prepared import LONG_AGO

OPERATOR = Author(user_id="operator", username="operator")
FORMS = 270
LARGE = 3 * 1024 * 1024
LIVE = slice(4, 6)
"""Where a row of ``domains`` tells which generations are live."""


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
    fill_batches(store)
    fill_empty_tables(store)


def commands(domain: str):
    """Return writes of many kinds, with the same ids in every domain."""
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
        build.a_submission(edited("2")),
        build.a_submission(edited("3")),
        build.an_act(Kind.ARCHIVE, "edited"),
        build.a_flag("late"),
    ]


def edited(turn: str) -> bytes:
    """Return a version of a form."""
    block = build.a_create("edited", update={"turn": turn})
    return build.a_form([block], form_id="edited")


def fill_directory(store: Store, domain: str) -> None:
    """Make a user with a password and a key, and change a setting."""
    with store.writing(domain) as w:
        user = create_user(w, "ann", role="admin", password="pw", author=OPERATOR)
        create_key(w, user, name="laptop", read_only=False, author=OPERATOR)
        settings = DomainSettings(secure_submissions=True)
        save_settings(w, settings, author=OPERATOR, now=build.NOW)


def fill_batches(store: Store) -> None:
    """Keep a control file, and a batch with a file that waits to be started."""
    with store.writing(build.DOMAIN) as w:
        about = {"comment": "c", "author": OPERATOR, "now": build.NOW}
        control = put_control(w, b"{}", **about)
        batch = create_batch(w, control, **about)
        file = NewFile(name="people", file_name="p.tsv", content=b"ref\tname\n")
        add_files(w, batch.identifier, [file], state=batch.state)


def fill_empty_tables(store: Store) -> None:
    """Put a made-up row into each kept table that has none yet, and state those."""
    with store.administering() as conn:
        for table in kept_tables():
            if not build.rows_of(conn.raw, table, build.DOMAIN):
                row = [made_up(column) for column in table.columns]
                conn.insert(table, [(build.DOMAIN, *row[1:])])
    with store.writing(build.DOMAIN) as w:
        restate(w, author=OPERATOR)


def made_up(column):
    """Return a value that fits a column."""
    if column.name in {"form_id", "error_id"}:
        return None  # there is no such form
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
    """Tell whether no kept table has any row, but for those it was prepared with."""
    conn = store.connection.raw
    names = {table.name for table in metadata.sorted_tables} - {"generations", "clocks"}
    made = f"SELECT 1 FROM generations WHERE changed_on <> {LONG_AGO}"  # noqa: S608
    return not conn.execute(made).fetchone() and not any(
        conn.execute(f"SELECT 1 FROM {name} LIMIT 1").fetchone()  # noqa: S608
        for name in sorted(names)
    )


def a_small_ledger(store: Store) -> None:
    """Make a ledger with three forms."""
    build.a_domain(store)
    for number in range(3):
        build.submit(store, build.a_form([build.a_create(f"c{number}")]))


def saved_of(folder: Path, make: Callable[[Store], None]) -> bytes:
    """Return the backup of a ledger that is made for it alone."""
    store = open_store(f"sqlite:///{folder}/source.db")
    migrate(store)
    make(store)
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
