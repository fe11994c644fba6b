"""A log, and what somebody with the owner's rights can do to it."""

from __future__ import annotations

import hashlib
from dataclasses import replace

from ledger import log, tables
from ledger.entry import Entry, Kind
from ledger.proof.chain import verify_chain
from ledger.proof.checkpoint import make_checkpoint
from ledger.proof.notes import differences
from tests.kit import build

FORMS = 6
LAST = FORMS + 1
"""The log of a test: the note of its domain's birth, then these forms."""
PHOTO = build.a_file(content=b"\xff\xd8what the phone saw")
PHOTO_SHA256 = hashlib.sha256(PHOTO.content).hexdigest()


def a_log(store):
    """Make a log that has some forms, the second with a photo."""
    build.a_domain(store)
    clock = build.FixedClock()
    for number in range(FORMS):
        clock.now += 1_000_000
        form = build.a_form([build.a_create(f"c{number}")], form_id=f"f{number}")
        photos = [PHOTO] if number == 1 else []
        build.submit(store, form, attachments=photos, clock=clock)
    return store


def breaks(store):
    """Return what the proof of the log finds: positions and texts."""
    with store.snapshot(build.DOMAIN) as reader:
        return [(found.position, found.text) for found in verify_chain(reader)]


def against(store, *earlier):
    """Return where the log is another one than was noted."""
    with store.snapshot(build.DOMAIN) as reader:
        return [(found.position, found.text) for found in differences(reader, earlier)]


def checkpoint(store, key, path):
    """Write the signed checkpoint of a log; return its path."""
    with store.snapshot(build.DOMAIN) as reader:
        lines = make_checkpoint(reader, key, program="tests", made_on=build.NOW)
        path.write_bytes(b"".join(lines))
    return path


def head_of(store):
    """Return the head of the log."""
    with store.reading(build.DOMAIN) as reader:
        return reader.head


def digest_at(store, position):
    """Return the digest of the entry at a position."""
    if position == 0:
        return log.GENESIS
    with store.reading(build.DOMAIN) as reader:
        return log.entry_at(reader, position).digest


def log_bodies(store):
    """Return the bodies of the log by position."""
    with store.reading(build.DOMAIN) as reader:
        return log.bodies_at(reader, range(1, LAST + 1))


def bodies_of(store):
    """Return positions and bodies as they are stored."""
    return [(row[1], row[3]) for row in build.dump(store)["bodies"]]


def intrude(store, table, *orders):
    """Do what somebody with the owner's rights can do, guards or not."""
    conn = store.connection
    if store.dialect.write_needs_lock:
        conn.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
    else:
        for verb in ("update", "delete", "insert"):
            conn.execute(f"DROP TRIGGER IF EXISTS {table}_refuses_{verb}")
    for order in orders:
        conn.execute(order)


def put_body(store, position, stored):
    """Put bytes into the place of a stored body."""
    mark = "%s" if store.dialect.write_needs_lock else "?"
    order = f"UPDATE bodies SET body = {mark} WHERE position = {mark}"  # noqa: S608
    store.connection.raw.execute(order, (stored, position))


def put_file(store, sha256, content, *, table="blobs"):
    """Put bytes into the place of a stored file, or of a part of it."""
    intrude(store, table)
    mark = "%s" if store.dialect.write_needs_lock else "?"
    order = f"UPDATE {table} SET content = {mark} WHERE sha256 = {mark}"  # noqa: S608
    store.connection.raw.execute(order, (content, sha256))


def swap(table):
    """Return the orders that make the rows at positions 3 and 5 change places."""
    moves = [(3, 99), (5, 3), (99, 5)]
    return [f"UPDATE {table} SET position = {b} WHERE position = {a}" for a, b in moves]  # noqa: S608


def cut_off(store, *, behind):
    """Remove the tail of a log and set its head back, so that all fits together."""
    digest = digest_at(store, behind).hex()
    hexed = f"'\\x{digest}'" if store.dialect.write_needs_lock else f"X'{digest}'"
    for table in ("entries", "bodies"):
        intrude(store, table, f"DELETE FROM {table} WHERE position > {behind}")  # noqa: S608
    intrude(
        store,
        "domains",
        f"UPDATE domains SET position = {behind}, digest = {hexed}",  # noqa: S608
    )


def forged(entry, position):
    """Return an entry, another one at a position."""
    if entry.position != position:
        return entry
    return entry._replace(user_id="u-eve")


def rewrite(store, forge):
    """Forge entries and make every digest anew: a log that fits together."""
    with store.snapshot(build.DOMAIN) as reader:
        items = log.entries_after(reader, 0, limit=10_000)
    digest, rows = log.GENESIS, []
    for entry in (forge(entry) for entry, _ in items):
        digest = log.chain(digest, entry)
        rows.append(log.to_row(entry, digest))
    intrude(store, "entries", "DELETE FROM entries")
    with store.writing(build.DOMAIN) as writer:
        writer.conn.insert(tables.entries, rows)
        writer.head = replace(writer.head, digest=digest)
        writer.save_head()


def erase(store, **details):
    """Append the entry of an erasure."""
    with store.writing(build.DOMAIN) as writer:
        head = writer.head
        tick = head.appended_on + 1
        entry = Entry(
            domain=build.DOMAIN,
            position=head.position + 1,
            kind=Kind.ERASE,
            form_id=None,
            form_position=head.position + 1,
            received_on=tick,
            appended_on=tick,
            details=details,
        )
        log.append(writer, [(entry, None)])
        writer.head = replace(writer.head, appended_on=tick)
        writer.save_head()
