"""The proof of files that rows name: of batches, control files and jobs of imports."""

from __future__ import annotations

import json
from hashlib import sha256

import pytest

from importers.jobs.forget_files import forget_files
from ledger.bodies import file_to_store, put_file
from ledger.imports import batches
from ledger.imports.values import BatchState, NewFile
from ledger.jobs import queue as jobs
from ledger.proof.files import verify_files
from projections.rebuild.verify import verify
from tests.kit import build
from tests.kit.intruder import erase, intrude
from tests.kit.intruder import put_file as put_in_its_place

AUTHOR = build.Author(user_id="u1", username="ann")
CONTROL, PEOPLE, SHEET = b'{"a": 1}', b"ref\tname\np1\tAda\n", b"name\nAda\n"
DIGESTS = {
    name: sha256(c).hexdigest()
    for name, c in {"control": CONTROL, "people": PEOPLE, "sheet": SHEET}.items()
}


@pytest.fixture
def kept(store, tmp_path):
    """Keep a control file, two batches, one of them started, and an import's file."""
    build.a_domain(store)
    (tmp_path / "a.csv").write_bytes(SHEET)
    sheet = file_to_store(tmp_path / "a.csv", "a.csv")
    with store.writing(build.DOMAIN) as w:
        about = {"comment": "c", "author": AUTHOR, "now": build.NOW}
        control = batches.put_control(w, CONTROL, **about)
        state = BatchState.UPLOADING
        for identifier in ("waiting", "started"):
            made = batches.create_batch(w, control, **about)
            file = NewFile(name="people", file_name="p.tsv", content=PEOPLE)
            batches.add_files(w, made.identifier, [file], state=state)
            if identifier == "started":
                batches.start_batch(
                    w,
                    made.identifier,
                    state=state,
                    kind="haplo",
                    dry_run=False,
                    author=AUTHOR,
                    now=build.NOW,
                )
        put_file(w, sheet)
        jobs.enqueue(
            w,
            kind="excel",
            options={"file": {"sha256": sheet.sha256, "length": sheet.length}},
            user_id="u1",
            now=build.NOW,
            job_id="excel",
        )
    return store


def faults(store):
    """Return the texts of what is wrong, each once, and how many rows are."""
    with store.snapshot(build.DOMAIN) as reader:
        found = list(verify_files(reader))
    kinds = sorted(fault.place.partition(" ")[0] for fault in found)
    return {fault.text for fault in found}, kinds


def test_files_that_nobody_touched_are_proved(kept):
    """Nothing is found, and the domain verifies."""
    assert faults(kept) == (set(), [])
    assert verify(kept, build.DOMAIN).ok


@pytest.mark.parametrize(
    ("name", "places"),
    [
        ("control", ["batch_controls", "jobs"]),
        ("people", ["batch_files", "batch_files", "jobs"]),
        ("sheet", ["jobs"]),
    ],
)
def test_a_file_that_was_altered_is_named_with_each_row(kept, caseledger, name, places):
    """Before its import and behind it; the proof of the domain fails."""
    digest = DIGESTS[name]
    put_in_its_place(kept, digest, b"invented")
    assert faults(kept) == ({f"the file {digest} was altered"}, places)
    lines, _ = caseledger("verify", "--all", expect=1)
    assert len(lines) == len(places)
    assert all(line.endswith(f": the file {digest} was altered") for line in lines)
    assert all(line.startswith(f"demo: {places[0][:4]}") for line in lines[:1])
    shown, _ = caseledger("verify", "--all", "--json", expect=1)
    told = json.loads("".join(shown))
    assert [t.partition(" ")[0] for t in told["files"]] == places
    assert "invented" not in "".join(shown)


@pytest.mark.parametrize("name", DIGESTS)
def test_a_file_that_is_gone_is_named(kept, name):
    """Nobody had it forgotten."""
    digest = DIGESTS[name]
    intrude(kept, "blobs", f"DELETE FROM blobs WHERE sha256 = '{digest}'")  # noqa: S608
    assert faults(kept)[0] == {f"the file {digest} is missing"}


@pytest.mark.parametrize("table", ["batch_controls", "batch_files"])
def test_a_row_that_names_another_length_is_named(kept, table):
    """What is shown of a file is proved as well."""
    kept.connection.execute(f"UPDATE {table} SET size = size + 1")  # noqa: S608
    texts, places = faults(kept)
    assert all("bytes, not" in text for text in texts)
    assert set(places) == {table}


def test_a_row_whose_digest_is_none_is_named(kept):
    """No file could have it."""
    kept.connection.execute("UPDATE batch_files SET digest = 'ü'")
    assert faults(kept) == (
        {"the digest of its file was altered"},
        ["batch_files", "batch_files"],
    )


def test_a_file_that_was_erased_is_no_fault(kept):
    """The log names what an erasure dropped."""
    gone = [DIGESTS["people"], DIGESTS["sheet"]]
    for digest in gone:
        intrude(kept, "blobs", f"DELETE FROM blobs WHERE sha256 = '{digest}'")  # noqa: S608
    erase(kept, blobs=gone)
    assert faults(kept) == (set(), [])


def test_a_file_that_was_forgotten_is_no_fault(kept):
    """The database lets that happen, and the job tells who had it forgotten.

    Batches that have the same bytes lose them too.
    """
    started = next(
        job_id
        for job_id, kind in kept.connection.raw.execute("SELECT job_id, kind FROM jobs")
        if kind == "haplo"
    )
    for job_id in (started, "excel"):
        key = (build.DOMAIN, job_id)
        with kept.writing(build.DOMAIN) as writer:
            jobs.cancel(writer.conn, key, now=build.NOW)
            clock = build.FixedClock()
            assert (
                forget_files(
                    writer,
                    key,
                    author=build.Author(user_id="u", username="ann"),
                    clock=clock,
                )
                == 1
            )
    assert faults(kept) == (set(), [])
    assert verify(kept, build.DOMAIN).ok
