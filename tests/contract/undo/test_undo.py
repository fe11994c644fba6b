"""Undo takes back what somebody did, no more and no less, and can be undone itself."""

from __future__ import annotations

from dataclasses import replace

import pytest

from importers.job_kinds import HANDLERS
from importers.jobs.undo import enqueue_undo, select
from importers.jobs.values import UndoRequest
from ledger.commands.form_states import ChangeForms
from ledger.directory.domains import DomainSettings, save_settings
from ledger.entry import Author, Kind
from ledger.errors import Conflict, NotFound
from ledger.jobs.values import JobState
from projections.rebuild.verify import verify
from projections.rule.case_changes import values_of
from projections.undo import preview as undo_preview
from projections.undo.acts import acts_of, chunks
from projections.undo.preview import preview
from projections.undo.values import Overlap
from tests.kit import build
from tests.kit.build import DOMAIN, NOW
from tests.kit.jobs import KIND, append_forms, enqueue, in_name_of, job_of, working

ADMIN = Author(user_id="u-admin")
KINDS = {**HANDLERS, KIND: append_forms}


@pytest.fixture(autouse=True)
def domain(store):
    return build.a_domain(store)


def values(store):
    """Return every value of every case, and which are gone."""
    cases = build.cases_of(store)
    return {
        case_id: {n: v for n, v in values_of(case).items() if n != "deleted_on"}
        for case_id, case in cases.items()
        if case.deleted_on is None
    }


def tried(store, **wish):
    with store.snapshot(DOMAIN) as reader:
        acts = acts_of(reader, select(reader, UndoRequest(**wish)))
        return preview(reader, acts, clock=build.FixedClock())


async def undone(store, **wish):
    """Undo, and return the job when it has ended."""
    with store.writing(DOMAIN) as writer:
        job = enqueue_undo(
            writer, UndoRequest(**wish), author=ADMIN, clock=build.FixedClock()
        )
    async with working(store, KINDS) as worker:
        await worker.drain()
    ended = job_of(store, job)
    assert ended.state is JobState.DONE, ended.problem
    return ended


def act(store, kind, *form_ids, author=ADMIN):
    command = ChangeForms(form_ids=form_ids, kind=kind, author=author)
    (outcomes,) = build.write(store, command)
    return outcomes


def submit(store, *blocks, form_id, user_id=build.USER, clock=None):
    author = Author(user_id=user_id)
    body = build.a_form(blocks, form_id=form_id)
    return build.submit(store, body, author=author, clock=clock)


async def a_job(store, *bodies):
    """Run a job that brings these forms in one chunk."""
    job = enqueue(store, kind="bring")

    async def bring(context):
        commands = [in_name_of(context.job, build.a_submission(b)) for b in bodies]
        await context.step(commands, lambda _: {"done": 1, "total": 1})
        return {}

    async with working(store, {"bring": bring}) as worker:
        await worker.drain()
    return job


async def test_a_form_is_taken_back(store):
    """Its cases are as if it had never come."""
    submit(store, build.a_create("c1", update={"p": "1"}), form_id="f1")
    before = values(store)
    submit(store, build.an_update("c1", p="2", q="x"), form_id="f2")
    job = await undone(store, form_id="f2")
    assert values(store) == before
    assert job.result == {
        "changed": {"archived": 1},
        "skipped": 0,
        "problems": [],
        "left": {},
    }
    assert verify(store, DOMAIN).ok


async def test_a_job_is_taken_back_and_nothing_else(store):
    """Forms that came between its chunks stay."""
    job = enqueue(store, options={"chunks": 5})
    async with working(store, KINDS) as worker:
        worker.tell = lambda told: submit(
            store,
            build.a_create(f"other-{told.progress['done']}"),
            form_id=f"other-{told.progress['done']}",
        )
        await worker.drain()
    assert len(values(store)) == 10
    found = await undone(store, job_id=job.job_id)
    assert sorted(values(store)) == [f"other-{n}" for n in range(1, 6)]
    assert found.result["changed"] == {"archived": 5}
    assert found.progress["done"] == found.progress["total"] == 5
    assert verify(store, DOMAIN).ok


async def test_a_user_is_taken_back_within_a_time_span(store):
    """From the first moment on, until before the last one."""
    clock = build.FixedClock()
    for n, user_id in enumerate(["a", "b", "a", "b", "a"]):
        clock.now = NOW + n * 1_000_000
        submit(
            store,
            build.a_create(f"c{n}"),
            form_id=f"f{n}",
            user_id=user_id,
            clock=clock,
        )
    span = {"since": NOW, "until": NOW + 4_000_000}
    await undone(store, user="a", **span)
    assert sorted(values(store)) == ["c1", "c3", "c4"]
    await undone(store, user="nobody", **span)
    assert sorted(values(store)) == ["c1", "c3", "c4"]


async def test_an_undo_can_be_undone_and_that_too(store):
    """Each time the cases are what they were the time before."""
    submit(store, build.a_create("c0"), form_id="f0")
    before = values(store)
    job = await a_job(
        store,
        build.a_form([build.a_create("c1", index={"parent": "c0"})], form_id="f1"),
        build.a_form([build.an_update("c1", p="1")], form_id="f2"),
        build.a_form([build.an_update("c0", q="2")], form_id="f3"),
    )
    after = values(store)
    first = await undone(store, job_id=job.job_id)
    assert values(store) == before
    second = await undone(store, job_id=first.job_id)
    assert values(store) == after
    assert second.result["changed"] == {"unarchived": 3}
    third = await undone(store, job_id=second.job_id)
    assert values(store) == before
    assert third.result["changed"] == {"archived": 3}
    assert verify(store, DOMAIN).ok


async def test_only_what_an_undo_archived_comes_back(store):
    """A form that somebody had archived before stays archived."""
    bodies = [build.a_form([build.a_create(f"c{n}")], form_id=f"f{n}") for n in "123"]
    job = await a_job(store, *bodies)
    act(store, Kind.ARCHIVE, "f2")
    first = await undone(store, job_id=job.job_id)
    assert first.result["changed"] == {"archived": 2}
    assert first.result["problems"] == [
        {
            "form_id": "f2",
            "state": "archived",
            "problem": "its state is archived already",
        }
    ]
    await undone(store, job_id=first.job_id)
    assert sorted(values(store)) == ["c1", "c3"]


async def test_the_first_act_of_somebody_on_a_form_counts(store):
    """What came after it in the selection goes with it."""
    submit(store, build.a_create("c1"), form_id="theirs", user_id="b")
    submit(store, build.a_create("c2"), form_id="own", user_id="a")
    mine = Author(user_id="a")
    act(store, Kind.ARCHIVE, "theirs", author=mine)
    act(store, Kind.ARCHIVE, "own", author=mine)
    act(store, Kind.UNARCHIVE, "own", author=mine)
    assert sorted(values(store)) == ["c2"]
    job = await undone(store, user="a", since=NOW, until=NOW + 10**9)
    assert sorted(values(store)) == ["c1"]
    assert job.result["changed"] == {"archived": 1, "unarchived": 1}


async def test_what_a_form_caused_goes_with_it(store):
    """The closing of extensions comes from another form, which is withdrawn too."""
    closing = DomainSettings(close_extensions=True)
    with store.writing(build.DOMAIN) as writer:
        save_settings(writer, closing, author=ADMIN, now=NOW)
    extends = {"host": ("h", "patient", "extension")}
    submit(store, build.a_create("h"), form_id="f1")
    submit(store, build.a_create("e", index=extends), form_id="f2")
    before = values(store)
    submit(store, build.a_block("h", close=True), form_id="f3", user_id="a")
    after = values(store)
    assert before["e"]["closed"] is False
    assert after["e"]["closed"] is True
    for wish in (
        {"form_id": "f3"},
        {"user": "a", "since": NOW, "until": NOW + 10**9},
    ):
        first = await undone(store, **wish)
        assert values(store) == before
        assert first.result["changed"] == {"archived": 2}
        await undone(store, job_id=first.job_id)
        assert values(store) == after
    assert verify(store, DOMAIN).ok


async def test_what_cannot_be_taken_back_is_counted(store):
    """An edit of an older form and the deletion of a case are left."""
    submit(store, build.a_create("c1", update={"p": "1"}), form_id="f", user_id="b")
    submit(store, build.a_create("c1", update={"p": "2"}), form_id="f", user_id="a")
    build.write(store, replace(build.a_flag("c1"), author=Author(user_id="a")))
    span = {"since": NOW, "until": NOW + 10**9}
    job = await undone(store, user="a", **span)
    assert job.result["left"] == {"edit": 1, "case_delete": 1}
    assert job.result["changed"] == {}
    assert tried(store, user="a", **span).left == job.result["left"]


async def test_forms_that_did_nothing_are_nothing_to_undo(store):
    """Errors and duplicates changed no case."""
    submit(store, build.a_create("c1"), form_id="f1", user_id="b")
    submit(store, build.a_block("c2", index={"p": "none"}), form_id="f2", user_id="a")
    submit(store, build.a_create("c1"), form_id="f1", user_id="a")
    job = await undone(store, user="a", since=NOW, until=NOW + 10**9)
    assert (job.result["changed"], job.result["skipped"]) == ({}, 0)


async def test_a_form_that_cannot_be_withdrawn_is_told(store):
    """Whoever names an XFormError learns why nothing happens."""
    submit(store, build.a_block("c2", index={"p": "none"}), form_id="f")
    found = tried(store, form_id="f")
    assert [(o.form_id, o.state) for o in found.skipped] == [("f", "error")]
    job = await undone(store, form_id="f")
    [problem] = job.result["problems"]
    assert problem["problem"] == "Form 'f' cannot be archived: its state is error"


async def test_a_preview_tells_what_will_happen(store):
    """Every case that changes, from what to what; and nothing is appended."""
    submit(store, build.a_create("c1", update={"p": "1"}), form_id="f0")
    job = await a_job(
        store,
        build.a_form([build.an_update("c1", p="2")], form_id="f1"),
        build.a_form([build.a_create("c2")], form_id="f2"),
    )
    before, dumped = values(store), build.dump(store)
    found = tried(store, job_id=job.job_id)
    assert build.dump(store) == dumped
    first = await undone(store, job_id=job.job_id)
    assert found.forms == {Kind.ARCHIVE: 2}
    assert found.cases == counted(changed=1, deleted=1)
    assert applied(before, found) == values(store)
    back = tried(store, job_id=first.job_id)
    assert back.forms == {Kind.UNARCHIVE: 2}
    assert back.cases == counted(changed=1, present=1)
    assert applied(values(store), back) == before


def counted(**words):
    return dict.fromkeys(undo_preview.BECOMES, 0) | words


def applied(before, found):
    """Return the values of cases after the changes that a preview tells."""
    after = {case_id: dict(known) for case_id, known in before.items()}
    for case in found.detailed:
        known = after.setdefault(case.case_id, {})
        for change in case.changes:
            known[change.name] = change.new
        if case.becomes == "deleted":
            del after[case.case_id]
    return {
        case_id: {n: v for n, v in known.items() if v is not None and n != "deleted_on"}
        for case_id, known in after.items()
    }


async def test_a_preview_names_later_forms_about_the_same_values(store):
    """By form and value; forms before it, or about other values, are not named."""
    submit(store, build.a_create("c1", update={"p": "0"}), form_id="f0")
    submit(store, build.an_update("c1", p="1", q="1"), form_id="f1")
    submit(store, build.an_update("c1", r="2"), form_id="f2")
    submit(store, build.an_update("c1", p="3", s="3"), form_id="f3")
    submit(
        store,
        build.a_block("c1", update={"q": "4", "case_name": "N"}),
        form_id="f4",
    )
    (case,) = tried(store, form_id="f1").detailed
    assert (case.becomes, case.changes) == ("unchanged", ())
    assert case.overlaps == (
        Overlap(form_id="f3", names=("properties.p",)),
        Overlap(form_id="f4", names=("properties.q",)),
    )
    (case,) = tried(store, form_id="f4").detailed
    assert case.overlaps == ()


async def test_a_long_preview_is_cut_and_says_so(store, monkeypatch):
    """All cases are counted; details and forms have their limits."""
    bodies = [build.a_form([build.a_create(f"c{n}")]) for n in range(5)]
    job = await a_job(store, *bodies)
    monkeypatch.setattr(undo_preview, "MOST_CASES", 2)
    found = tried(store, job_id=job.job_id)
    assert (found.cases, len(found.detailed)) == (counted(deleted=5), 2)
    assert not found.truncated
    monkeypatch.setattr(undo_preview, "MOST_FORMS", 3)
    found = tried(store, job_id=job.job_id)
    assert (found.cases, found.truncated) == (counted(deleted=3), True)


async def test_a_job_that_has_not_ended_cannot_be_undone(store):
    """It would go on adding to what is taken away."""
    job = enqueue(store)
    with pytest.raises(Conflict, match="is queued; cancel it, or undo it when it has"):
        await undone(store, job_id=job.job_id)
    with pytest.raises(NotFound, match="Job 'nope' not found"):
        await undone(store, job_id="nope")
    with pytest.raises(NotFound, match="Form 'nope' not found"):
        await undone(store, form_id="nope")


async def test_a_job_that_did_nothing_is_undone_at_once(store):
    """There is nothing to take back."""
    job = enqueue(store, options={"chunks": 0})
    async with working(store, KINDS) as worker:
        await worker.drain()
    found = await undone(store, job_id=job.job_id)
    assert found.result["changed"] == {}


async def test_chunks_are_short(store):
    """A hundred forms at most, and no more than some hundred cases."""
    small = [build.a_form([build.a_create(f"c{n}")]) for n in range(130)]
    large = [
        build.a_form([build.a_create(f"d{n}-{m}") for m in range(100)])
        for n in range(20)
    ]
    job = await a_job(store, *small, *large)
    with store.snapshot(DOMAIN) as reader:
        acts = acts_of(reader, select(reader, UndoRequest(job_id=job.job_id))).acts
    lengths = [len(chunk) for chunk in chunks(acts)]
    assert sum(lengths) == 150
    assert max(lengths) == 100
    assert lengths[0] < 10
