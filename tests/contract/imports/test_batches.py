"""Control files and batches in the database (rules/batch-imports.md 1.1 and 1.3)."""

from __future__ import annotations

from hashlib import sha256

import pytest

from ledger.bodies import get_blob
from ledger.errors import Conflict, NotFound
from ledger.imports import batches
from ledger.imports.results import put_rows, rows_with_messages
from ledger.imports.values import BatchState, ImportRow, NewFile, Outcome
from ledger.jobs import queue as jobs
from ledger.jobs.values import JobState
from tests.kit import build
from tests.kit.plans import plans, sorts, walks

AUTHOR = build.Author(user_id="u1", username="ann")
CONTENT = b'{"a": 1}'
UNKNOWN = "x" * 44


@pytest.fixture(autouse=True)
def domain(store):
    """Make the domain of the tests and one beside it."""
    build.a_domain(store)
    build.a_domain(store, "beside")


def put(store, content=CONTENT, *, comment="c", now=build.NOW):
    with store.writing(build.DOMAIN) as writer:
        return batches.put_control(
            writer, content, comment=comment, author=AUTHOR, now=now
        )


def create(store, *files, control=None, now=build.NOW, state=BatchState.UPLOADING):
    control = control or put(store)
    with store.writing(build.DOMAIN) as writer:
        made = batches.create_batch(
            writer, control, comment="b", author=AUTHOR, now=now, state=state
        )
        batches.add_files(writer, made.identifier, files, state=state)
    return made.identifier


def add(store, identifier, *files, state=BatchState.UPLOADING):
    with store.writing(build.DOMAIN) as writer:
        return batches.add_files(writer, identifier, files, state=state)


def start(store, identifier, *, dry_run=False, state=BatchState.UPLOADING):
    with store.writing(build.DOMAIN) as writer:
        return batches.start_batch(
            writer,
            identifier,
            state=state,
            kind="haplo",
            dry_run=dry_run,
            author=AUTHOR,
            now=build.NOW,
        )


def got(store, identifier):
    with store.reading(build.DOMAIN) as reader:
        return batches.get_batch(reader, identifier)


def a_file(name="people", content=b"x", file_name="p.tsv"):
    return NewFile(name=name, file_name=file_name, content=content)


def test_the_same_bytes_are_kept_once_for_each_comment(store):
    """One digest; another record only for a comment that is new."""
    first, again = put(store), put(store, now=build.NOW + 1)
    other = put(store, comment="d", now=build.NOW + 2)
    assert first.digest == sha256(CONTENT).hexdigest() == other.digest
    assert again == first
    with store.reading(build.DOMAIN) as reader:
        assert batches.list_controls(reader, limit=9) == [other, first]
        assert batches.get_control(reader, first.digest) == other
        assert get_blob(reader, first.digest) == CONTENT


@pytest.mark.parametrize("digest", ["0" * 64, "", "a\0b", "\ufffe"])
def test_an_unknown_control_file(store, digest):
    """Also one that no column could hold."""
    put(store)
    with store.reading(build.DOMAIN) as reader, pytest.raises(NotFound) as told:
        batches.get_control(reader, digest)
    assert str(told.value) == f"Control file not found: {digest}"


@pytest.mark.parametrize("identifier", [UNKNOWN, "", "a\0b", "\ufffe"])
def test_an_unknown_batch(store, identifier):
    """Also one that no column could hold."""
    create(store)
    with pytest.raises(NotFound) as told:
        got(store, identifier)
    assert str(told.value) == f"Batch not found: {identifier}"


def test_what_is_of_another_domain_is_unknown(store):
    """A digest and an identifier."""
    identifier = create(store, a_file())
    with store.reading("beside") as reader:
        with pytest.raises(NotFound):
            batches.get_batch(reader, identifier)
        with pytest.raises(NotFound):
            batches.get_control(reader, sha256(CONTENT).hexdigest())
        assert batches.files_of(reader, identifier) == []
        assert batches.list_batches(reader, limit=9) == []
        assert batches.list_controls(reader, limit=9) == []


def test_files_stand_in_the_order_they_came(store):
    """The same name and the same bytes may come twice."""
    identifier = create(store, a_file("a"), a_file("b"))
    add(store, identifier, a_file("a", b"y"))
    with store.reading(build.DOMAIN) as reader:
        files = batches.files_of(reader, identifier)
        assert get_blob(reader, files[2].digest) == b"y"
    assert [(file.name, file.size) for file in files] == [("a", 1), ("b", 1), ("a", 1)]
    assert files[0].digest == files[1].digest == sha256(b"x").hexdigest()


def test_a_batch_goes_on_as_a_job(store):
    """Its files, its control file and who started it are the job's options."""
    identifier = create(store, a_file())
    job = start(store, identifier, dry_run=True)
    assert (job.job_id, job.kind, job.user_id) == (identifier, "haplo", "u1")
    assert job.options == {
        "control": sha256(CONTENT).hexdigest(),
        "dry_run": True,
        "files": [
            {
                "name": "people",
                "sha256": sha256(b"x").hexdigest(),
                "length": 1,
                "file_name": "p.tsv",
            }
        ],
        "author": {"user_id": "u1", "username": "ann"},
        "owner_id": "",
    }


@pytest.mark.parametrize("state", [BatchState.UPLOADING, BatchState.READY])
def test_a_batch_is_started_once_and_from_its_own_state(store, state):
    """Nothing can be added to it or started in another state."""
    (other,) = {BatchState.UPLOADING, BatchState.READY} - {state}
    identifier = create(store, state=state)
    assert got(store, identifier).state is state
    for act in (start, add):
        with pytest.raises(Conflict) as told:
            act(store, identifier, state=other)
        text = f"Batch {identifier} is not in the '{other}' state"
        assert told.value.text == text
    start(store, identifier, state=state)
    for act in (start, add):
        with pytest.raises(Conflict):
            act(store, identifier, state=state)


ENDS = {
    BatchState.COMPLETE: lambda c, j: jobs.finish(c, j, result={}, now=build.NOW),
    BatchState.DRY_RUN: lambda c, j: jobs.finish(c, j, result={}, now=build.NOW),
    BatchState.ERROR: lambda c, j: jobs.fail(c, j, problem="p", now=build.NOW),
}


@pytest.mark.parametrize("state", ENDS)
def test_the_state_follows_the_job(store, state):
    """Rule 1.3: scheduled, running, then the end; errors count from the end on."""
    identifier = create(store)
    job = start(store, identifier, dry_run=state is BatchState.DRY_RUN)
    assert got(store, identifier).state is BatchState.SCHEDULED
    with store.writing(build.DOMAIN) as writer:
        held = jobs.claim_one(writer.conn, job.key, now=build.NOW, until=build.NOW + 9)
        jobs.advance(writer, held, {"done": 1, "total": 2, "errors": 3}, first=1)
    running = got(store, identifier)
    assert (running.state, running.errors) == (BatchState.RUNNING, None)
    with store.administering() as conn:
        ENDS[state](conn, held)
    ended = got(store, identifier)
    assert (ended.state, ended.errors) == (state, 3)
    with store.reading(build.DOMAIN) as reader:
        assert batches.list_batches(reader, limit=9) == [ended]


def test_a_cancelled_batch_is_an_error(store):
    """Nothing says that it is complete."""
    identifier = create(store)
    job = start(store, identifier)
    with store.administering() as conn:
        assert jobs.cancel(conn, job.key, now=build.NOW).state is JobState.CANCELLED
    ended = got(store, identifier)
    assert (ended.state, ended.errors) == (BatchState.ERROR, 0)


def test_a_copy_is_ready_and_has_the_same_files(store):
    """Rule 1.3: a new identifier; the one before stays as it is."""
    identifier = create(store, a_file("a"), a_file("b"))
    start(store, identifier)
    with store.writing(build.DOMAIN) as writer:
        copy = batches.copy_batch(writer, identifier, author=AUTHOR, now=build.NOW + 5)
    assert got(store, copy.identifier) == copy
    assert (copy.state, copy.comment) == (BatchState.READY, "b (copy)")
    assert copy.control_digest == sha256(CONTENT).hexdigest()
    with store.reading(build.DOMAIN) as reader:
        files = batches.files_of(reader, copy.identifier)
        assert files == batches.files_of(reader, identifier)
    assert got(store, identifier).state is BatchState.SCHEDULED


def test_lists_have_pages(store):
    """The newest first, also of those with the same time."""
    times = [0, 1, 1, 2]
    made = {create(store, now=build.NOW + time) for time in times}
    controls = {
        put(store, b"%d" % n, now=build.NOW + n // 2 + 5).digest for n in range(4)
    }
    with store.reading(build.DOMAIN) as reader:
        found, before = [], None
        while page := batches.list_batches(reader, limit=1, before=before):
            found += page
            before = (page[-1].created_on, page[-1].identifier)
        told, before = [], None
        while page := batches.list_controls(reader, limit=1, before=before):
            told += page
            before = (page[-1].created_on, page[-1].digest)
    assert [b.created_on - build.NOW for b in found] == sorted(times, reverse=True)
    assert {b.identifier for b in found} == made
    assert {c.digest for c in told[:4]} == controls


def test_rows_with_messages_are_found_among_many(store):
    """In order, page after page; rows that have nothing to say are passed over."""
    rows = [
        ImportRow(
            api="haplo",
            job_id="b1",
            record=n,
            file="f",
            outcome=Outcome.APPLIED,
            messages=("m",) if n % 2 else (),
        )
        for n in range(900)
    ]
    with store.writing(build.DOMAIN) as writer:
        put_rows(writer, rows)
    with store.reading(build.DOMAIN) as reader:
        found = list(rows_with_messages(reader, "haplo", "b1"))
        assert list(rows_with_messages(reader, "haplo", "b2")) == []
    assert found == rows[1::2]


QUESTIONS = {
    "a batch": ("batches", batches.get_batch),
    "its files": ("batch_files", batches.files_of),
    "the last of its files": (
        "batch_files",
        lambda w, batch: batches.add_files(w, batch, [], state=BatchState.UPLOADING),
    ),
    "a control file": (
        "batch_controls",
        lambda r, _: batches.get_control(r, sha256(CONTENT).hexdigest()),
    ),
    "batches": ("ix_batches_created", lambda r, _: batches.list_batches(r, limit=9)),
    "older batches": (
        "ix_batches_created",
        lambda r, _: batches.list_batches(r, limit=9, before=(build.NOW, "x")),
    ),
    "control files": (
        "ix_batch_controls_created",
        lambda r, _: batches.list_controls(r, limit=9),
    ),
    "older control files": (
        "ix_batch_controls_created",
        lambda r, _: batches.list_controls(r, limit=9, before=(build.NOW, "x")),
    ),
    "rows with messages": (
        "import_rows",
        lambda r, batch: list(rows_with_messages(r, "haplo", batch)),
    ),
}


@pytest.mark.parametrize("title", QUESTIONS)
def test_the_question_walks_its_index(store, title):
    """Nothing is read whole, and nothing is sorted."""
    batch = create(store)
    index, ask = QUESTIONS[title]
    with store.writing(build.DOMAIN) as writer:
        found = plans(writer.conn, lambda: ask(writer, batch))
    assert any(index in plan for plan in found), found
    assert not any(walks(plan) or sorts(plan) for plan in found), found
