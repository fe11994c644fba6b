"""Whatever somebody alters behind the program's back is found and named."""

from __future__ import annotations

import hashlib

import pytest

from ledger import bodies, tables
from ledger.erasures import erasures
from ledger.proof.checkpoint import read_checkpoint
from ledger.proof.notes import Note, parse_note
from projections.rebuild.verify import verify
from tests.kit import build
from tests.kit.intruder import (
    FORMS,
    LAST,
    PHOTO,
    PHOTO_SHA256,
    against,
    bodies_of,
    breaks,
    cut_off,
    digest_at,
    erase,
    forged,
    head_of,
    intrude,
    log_bodies,
    put_body,
    rewrite,
    swap,
)

# What an intruder with the owner's rights can do


def test_a_log_that_nobody_touched_verifies(ledger, noted, caseledger):
    """The proof of a sound log finds nothing, also against what was noted of it."""
    assert breaks(ledger) == []
    assert verify(ledger, build.DOMAIN, against=[read_checkpoint(noted)]).ok
    [line], _ = caseledger("verify", "--domain", build.DOMAIN, "--against", noted)
    assert line.startswith(f"ok demo: {LAST} entries (1 directory, {FORMS} normal); ")
    note = f"{LAST}:{head_of(ledger).digest.hex()}"
    assert line.endswith(f"; as noted at position {LAST}; head {note}")
    caseledger("verify", "--domain", build.DOMAIN, "--against", note)


def test_each_altered_byte_of_a_stored_body_is_found(ledger):
    """Whichever byte of the stored bytes is altered, the entry is named."""
    stored = dict(bodies_of(ledger))[3]
    intrude(ledger, "bodies")
    whole = log_bodies(ledger)[3]
    for place in range(len(stored)):
        damaged = bytearray(stored)
        damaged[place] ^= 0x01
        put_body(ledger, 3, bytes(damaged))
        found = breaks(ledger)
        # Some bits of a compressed frame mean nothing: the body is then what it was.
        unharmed = not found and log_bodies(ledger)[3] == whole
        assert unharmed or [position for position, _ in found] == [3], place
    put_body(ledger, 3, stored)
    assert breaks(ledger) == []


def test_an_altered_body_is_named_on_the_command_line(ledger, caseledger):
    """One letter in one answer of one form: exit code 1, and its position."""
    intrude(ledger, "bodies")
    forged = log_bodies(ledger)[4].replace(b"yes", b"yet")
    with ledger.writing(build.DOMAIN) as writer:
        packed = bodies.pack(writer.conn, build.DOMAIN, forged)[1]
    put_body(ledger, 4, packed)
    lines, _ = caseledger("verify", "--all", expect=1)
    assert lines == ["demo: position 4: the body was altered"]


@pytest.mark.parametrize(
    "change",
    [
        "kind = 'error'",
        "kind = 'duplicate', problem = 'Form is a duplicate of another! (f1)'",
        "kind = 'nonsense'",
        "problem = 'altered'",
        'details = \'{"cause":"f0"}\'',
        "details = '{\"cause\":'",
        "details = '[1]'",
        "user_id = 'u-eve'",
        "form_id = NULL",
        "received_on = received_on - 1",
        "attachments = '[[\"a\"]]'",
        "attachments = '[[1,2,3,4]]'",
        "body_sha256 = NULL",
    ],
)
def test_an_altered_verdict_is_found(ledger, caseledger, change):
    """Kind, problem, details, author: no word of a header can be altered unseen."""
    order = f"UPDATE entries SET {change} WHERE position = 4"  # noqa: S608
    intrude(ledger, "entries", order)
    assert breaks(ledger)[0][0] == 4
    assert verify(ledger, build.DOMAIN).breaks[0].position == 4
    lines, _ = caseledger("verify", "--all", expect=1)
    assert lines[0].startswith("demo: position 4: the header ")


@pytest.mark.parametrize("column", ["kind", "details", "user_id", "attachments"])
def test_a_header_that_is_no_text_any_more_is_named(ledger, caseledger, column):
    """A broken disk leaves bytes that no reader of texts takes."""
    if ledger.dialect.write_needs_lock:
        pytest.skip("PostgreSQL keeps no text that is not UTF-8")
    order = f"UPDATE entries SET {column} = CAST(X'41ff' AS TEXT) WHERE position = 4"  # noqa: S608
    intrude(ledger, "entries", order)
    assert breaks(ledger) == [(4, "the header cannot be read")]
    lines, _ = caseledger("verify", "--all", expect=1)
    assert lines == ["demo: position 4: the header cannot be read"]


def test_a_removed_entry_is_named(ledger, caseledger):
    """The gap is told, and nothing that stands behind it is blamed."""
    for table in ("entries", "bodies"):
        intrude(ledger, table, f"DELETE FROM {table} WHERE position = 4")  # noqa: S608
    assert breaks(ledger) == [(4, "the entry is missing")]
    lines, _ = caseledger("verify", "--all", expect=1)
    assert lines == ["demo: position 4: the entry is missing"]


def test_several_removed_entries_are_one_gap(ledger):
    """Where many are gone, the first and the last are named."""
    for table in ("entries", "bodies"):
        between = f"DELETE FROM {table} WHERE position IN (3, 4, 5)"  # noqa: S608
        intrude(ledger, table, between)
    assert breaks(ledger) == [(3, "the entries from here to 5 are missing")]


def test_a_gap_as_long_as_what_is_read_at_once_is_one_gap(store):
    """The walk goes on behind a hole of any length."""
    build.a_domain(store)
    commands = [build.a_submission(build.a_form()) for _ in range(2_300)]
    build.write(store, *commands)
    for table in ("entries", "bodies"):
        intrude(store, table, f"DELETE FROM {table} WHERE position BETWEEN 5 AND 2200")  # noqa: S608
    assert breaks(store) == [(5, "the entries from here to 2200 are missing")]


def test_two_swapped_entries_are_found(ledger, caseledger):
    """Entries that changed places, with their bodies: the first of them is named."""
    for table in ("entries", "bodies"):
        intrude(ledger, table, *swap(table))
    assert {3, 5} <= {position for position, _ in breaks(ledger)}
    lines, _ = caseledger("verify", "--all", expect=1)
    assert lines[0] == "demo: position 3: the header was altered or moved"


def test_two_swapped_bodies_are_found(ledger, caseledger):
    """Bodies that changed places are both named; headers are not blamed."""
    intrude(ledger, "bodies", *swap("bodies"))
    assert breaks(ledger) == [(3, "the body was altered"), (5, "the body was altered")]
    lines, _ = caseledger("verify", "--all", expect=1)
    assert lines[0] == "demo: position 3: the body was altered"


def test_an_entry_that_was_put_in_is_found(ledger):
    """A forged entry behind the head, or a body without an entry, is named."""
    intrude(ledger, "domains", "UPDATE domains SET position = 6")
    assert (7, "an entry stands behind the head of the domain") in breaks(ledger)
    intrude(ledger, "domains", "UPDATE domains SET position = 7")
    with ledger.administering() as conn:
        conn.insert(tables.bodies, [(build.DOMAIN, 9, 0, b"x")])
    assert breaks(ledger) == [(9, "a body stands behind the head of the domain")]


def test_a_dictionary_that_was_removed_is_told_at_each_of_its_bodies(ledger):
    """Bodies that nothing can unpack any more are named, by whoever looks."""
    forms = [build.a_form([build.an_update(f"d{n}", x=str(n))]) for n in range(80)]
    build.write(ledger, *map(build.a_submission, forms))
    with ledger.writing(build.DOMAIN) as writer:
        assert bodies.add_dictionary(writer)
    build.submit(ledger, build.a_form([build.an_update("d1", x="y")]))
    assert breaks(ledger) == []
    intrude(ledger, "dictionaries", "DELETE FROM dictionaries")
    [(position, text)] = breaks(ledger)
    assert position == LAST + 81
    assert text.startswith("the body cannot be read")


@pytest.mark.parametrize(
    ("order", "text"),
    [
        ("DELETE FROM blobs", f"the attachment {PHOTO_SHA256} is missing"),
        (
            "UPDATE blobs SET content = substr(content, 2)",
            f"the attachment {PHOTO_SHA256} was altered",
        ),
    ],
)
def test_a_damaged_attachment_is_named_with_its_entry(ledger, caseledger, order, text):
    """The bytes of files are part of the proof; they go by their digest."""
    intrude(ledger, "blobs", order)
    assert breaks(ledger) == [(3, text)]
    lines, _ = caseledger("verify", "--all", expect=1)
    assert lines == [f"demo: position 3: {text}"]


# What the chain cannot tell, and only something from outside can


def test_a_tail_that_was_cut_off_is_found_against_what_was_noted(
    ledger, noted, caseledger
):
    """The last entries gone, the head set back: the shorter log holds in itself."""
    note = Note(LAST, head_of(ledger).digest)
    cut_off(ledger, behind=4)
    assert breaks(ledger) == []
    told = against(ledger, read_checkpoint(noted))
    assert [position for position, _ in told] == [5]
    assert against(ledger, note) == [(5, f"the entry is missing: {LAST} was noted")]
    lines, _ = caseledger(
        "verify", "--domain", build.DOMAIN, "--against", noted, expect=1
    )
    assert lines[0].startswith("demo: position 5: the entry is missing: the checkpoint")


@pytest.mark.parametrize("position", [1, 4, LAST])
def test_a_log_that_was_rewritten_whole_is_found_against_a_checkpoint(
    ledger, noted, caseledger, position
):
    """All digests made anew: the checkpoint names the first entry that differs."""
    note = Note(LAST, head_of(ledger).digest)
    rewrite(ledger, lambda entry: forged(entry, position))
    assert breaks(ledger) == []
    told = against(ledger, read_checkpoint(noted))
    assert [found for found, _ in told] == [position]
    assert told[0][1].startswith("the entry is not the one in the checkpoint of 2")
    text = "an entry from 1 to here is not the one that was noted"
    assert against(ledger, note) == [(LAST, text)]
    words = ("verify", "--domain", build.DOMAIN, "--against")
    lines, _ = caseledger(*words, noted, expect=1)
    assert lines[0].startswith(f"demo: position {position}: the entry is not the one")
    noted_text = f"{note.position}:{note.digest.hex()}"
    lines, _ = caseledger(*words, noted_text, expect=1)
    assert lines == [f"demo: position {LAST}: {text}"]


def test_several_notes_narrow_down_where_a_rewriting_begins(ledger):
    """What an earlier note confirms is not suspected; neighbours name the entry."""
    notes = [Note(n, digest_at(ledger, n)) for n in range(LAST + 1)]
    rewrite(ledger, lambda entry: forged(entry, 4))
    assert against(ledger, notes[2], notes[6]) == [
        (6, "an entry from 3 to here is not the one that was noted")
    ]
    assert against(ledger, notes[3], notes[0], notes[4]) == [
        (4, "the entry is not the one that was noted")
    ]


def test_a_log_that_grew_is_still_the_one_that_was_noted(ledger, noted):
    """New entries are no difference."""
    note = Note(LAST, head_of(ledger).digest)
    build.submit(ledger, build.a_form([build.a_create("later")]))
    assert against(ledger, read_checkpoint(noted), note) == []


def test_a_break_in_the_chain_is_named_beside_a_note(ledger, caseledger):
    """With a digest alone, an altered header is still named by the chain."""
    note = f"{LAST}:{head_of(ledger).digest.hex()}"
    intrude(ledger, "entries", "UPDATE entries SET xmlns = 'x' WHERE position = 5")
    words = ("verify", "--domain", build.DOMAIN, "--against", note)
    lines, _ = caseledger(*words, expect=1)
    assert lines == ["demo: position 5: the header was altered or moved"]


def test_a_note_is_written_as_position_and_digest():
    """``POSITION:DIGEST`` and nothing else."""
    assert parse_note("7:" + "aB" * 32) == Note(7, b"\xab" * 32)
    wrong = [
        "",
        "7",
        "7:",
        "7:ab",
        "-1:" + "ab" * 32,
        "7:" + "xy" * 32,
        "²:" + "0" * 64,
    ]
    assert [parse_note(text) for text in wrong] == [None] * len(wrong)


# What was erased lawfully


def test_what_an_erasure_took_is_no_fault(ledger):
    """The redacted body and the missing photo are the ones that the log speaks of."""
    redacted = b"<data/>"
    erase(
        ledger, bodies={"3": hashlib.sha256(redacted).hexdigest()}, blobs=[PHOTO_SHA256]
    )
    assert [position for position, _ in breaks(ledger)] == [3]
    intrude(ledger, "bodies")
    with ledger.writing(build.DOMAIN) as writer:
        packed = bodies.pack(writer.conn, build.DOMAIN, redacted)[1]
    put_body(ledger, 3, packed)
    intrude(ledger, "blobs", "DELETE FROM blobs")
    assert breaks(ledger) == []


def test_a_body_that_came_back_after_its_erasure_is_named(ledger):
    """An old copy put back is not what the erasure left."""
    erase(ledger, bodies={"3": "0" * 64}, blobs=[])
    assert breaks(ledger) == [(3, "the body is not the one that its erasure left")]


def test_an_erasure_excuses_only_what_stood_before_it(ledger):
    """A file that is sent again later must be there; so must a later body."""
    erase(ledger, bodies={str(LAST + 2): "0" * 64}, blobs=[PHOTO_SHA256])
    intrude(ledger, "blobs", "DELETE FROM blobs")
    assert breaks(ledger) == []
    build.submit(ledger, build.a_form(), attachments=[PHOTO])
    assert breaks(ledger) == []
    intrude(ledger, "blobs", "DELETE FROM blobs")
    assert breaks(ledger) == [(LAST + 2, f"the attachment {PHOTO_SHA256} is missing")]


def test_of_several_erasures_the_later_counts(ledger):
    """What is erased again is what the last erasure left."""
    erase(ledger, bodies={"3": "1" * 64, "4": "2" * 64}, blobs=["a"])
    erase(ledger, bodies={"3": "3" * 64}, blobs=["a", "b"])
    with ledger.snapshot(build.DOMAIN) as reader:
        found = erasures(reader)
    assert found.bodies == {3: "3" * 64, 4: "2" * 64}
    assert found.blobs == {"a": LAST + 2, "b": LAST + 2}


@pytest.mark.parametrize(
    "details",
    ["[]", "{", '{"bodies": 1, "blobs": 2}', '{"bodies": {"x": 1, "²": 1}}', "{}"],
)
def test_an_erasure_that_was_forged_excuses_nothing(ledger, details):
    """An entry that was turned into an erasure is found, whatever it says."""
    order = f"UPDATE entries SET kind = 'erase', details = '{details}'"  # noqa: S608
    intrude(ledger, "entries", f"{order} WHERE position = 5")
    assert breaks(ledger)[0][0] == 5
