"""Where else a case can survive its erasure, and that it does not.

Every promise holds on both databases.
"""

from __future__ import annotations

import orjson
import pytest

from ledger import log
from ledger.commands.case_changes import ChangeCases
from ledger.entry import Answer, IdempotencyKey, Kind
from ledger.erasure.erase import search
from ledger.erasure.values import Search
from ledger.jobs import queue as jobs
from ledger.migrations import migrate
from ledger.store import open_store
from projections.erasure.preview import preview_erasure, unknown_among
from projections.feed.changed import changed_cases
from projections.lists.property_names import build_step, start_index
from projections.past.history import history
from projections.rebuild import reading
from projections.rebuild import replay as replaying
from projections.rebuild.parsing import FormParser
from projections.rebuild.replay import replay
from tests.kit import build
from tests.kit.backups import restore, saved
from tests.kit.erasing import (
    ADMIN,
    SECRET,
    a_secret,
    erase,
    erase_wholly,
    everything,
    is_gone,
    is_sound,
)


@pytest.fixture(autouse=True)
def domain(store):
    return build.a_domain(store)


# Forms that are hard to read


@pytest.mark.parametrize(
    "body",
    [
        build.a_form([a_secret()]).replace(
            b' xmlns="http://example.org/forms/visit"', b""
        ),
        build.a_form([a_secret()]).decode().encode("utf-16"),
        b"<cut off case_id='c1' " + SECRET.encode(),
        build.a_form(inside=f"<case><case_id>c1</case_id><n>{SECRET}</n></case>"),
        build.a_form(
            [a_secret()], xmlns="http://code.javarosa.org/devicereport", user_id=None
        ),
        build.a_form([a_secret(attach={"p": {"src": "lost.jpg"}})]),
    ],
    ids=["no xmlns", "utf-16", "cut off", "version 1", "device log", "rejected"],
)
def test_forms_of_every_sort_are_redacted(store, body):
    """Whatever became of them, and however they are written."""
    build.submit(store, build.a_form([build.a_create("c1")]))
    build.submit(store, body)
    erase_wholly(store, "c1")
    assert is_gone(store)
    assert is_sound(store)


def test_a_case_that_was_never_made_is_erased_from_the_forms_that_failed(store):
    """Its registration was rejected, so there is no case, but there is the form."""
    build.submit(store, build.a_form([a_secret(index={"parent": "nobody"})]))
    erased = erase_wholly(store, "c1")
    assert erased.bodies == 1
    assert is_gone(store)
    assert is_sound(store)
    assert "c1" not in build.cases_of(store)
    assert build.entries_of(store)[-1].details["never_made"] == ["c1"]


def test_a_bulk_of_the_case_api_keeps_its_other_cases(store):
    """A form of the server with a hundred cases."""
    seen = []
    rows = [
        build.a_change(external_id=f"x{n}", properties={"note": f"note number {n}"})
        for n in range(100)
    ]
    build.write(store, build.changes(*rows, seen=seen.append))
    case_ids = [row.case_id for row in seen[0].cases]
    others = build.cases_of(store)
    erase_wholly(store, case_ids[7], case_ids[8])
    said = [f"note number {n}<".encode() in everything(store) for n in range(6, 10)]
    assert said == [True, False, False, True]
    now = build.cases_of(store)
    for place, case_id in enumerate(case_ids):
        if place in {7, 8}:
            assert (now[case_id].properties, now[case_id].external_id) == ({}, None)
        else:
            assert now[case_id] == others[case_id]
    assert is_sound(store)


def test_cases_that_point_at_it_stay_as_they_are(store):
    """Their forms say nothing of it, so no byte of them changes."""
    build.submit(store, build.a_form([a_secret()]))
    child = build.a_create("c2", index={"parent": "c1"})
    build.submit(store, build.a_form([child], form_id="f2"))
    before = build.dump(store)["bodies"][-1], build.case_of(store, "c2")
    erase_wholly(store, "c1")
    assert (build.dump(store)["bodies"][-1], build.case_of(store, "c2")) == before
    assert build.case_of(store, "c2").live_indices["parent"].case_id == "c1"
    assert is_sound(store)


# Files


def test_a_file_that_a_later_version_carries_along_goes(store):
    """The version that is in force does not speak of the case any more."""
    photo = build.a_file("me.jpg", b"my face")
    mine = build.a_create("c1", attach={"p": {"src": "me.jpg"}})
    build.submit(store, build.a_form([mine], form_id="f"), attachments=[photo])
    build.submit(store, build.a_form([build.a_create("c2")], form_id="f"))
    assert erase_wholly(store, "c1").blobs == 1
    assert is_gone(store, "my face")
    assert is_sound(store)


def test_a_version_that_comes_afterwards_carries_no_file_that_went(store):
    """Its entry would name bytes that nobody has, behind the erasure."""
    mine = build.a_create("c1", attach={"p": {"src": "me.jpg"}})
    other = build.a_create("c2", attach={"p": {"src": "2.jpg"}})
    files = [build.a_file("me.jpg", b"my face"), build.a_file("2.jpg", b"other face")]
    build.submit(store, build.a_form([mine, other], form_id="f"), attachments=files)
    erase_wholly(store, "c1")
    build.submit(store, build.a_form([other], form_id="f"))
    assert [a.name for a in build.entries_of(store)[-1].attachments] == ["2.jpg"]
    assert build.case_of(store, "c2").attachments
    assert is_sound(store)


def test_a_file_that_a_later_version_speaks_of_stays(store):
    """It is another case's now, too."""
    photo = build.a_file("a&b.jpg", b"a face")
    for case_id in ("c1", "c2"):
        block = build.a_create(case_id, attach={"p": {"src": "a&b.jpg"}})
        build.submit(store, build.a_form([block], form_id="f"), attachments=[photo])
        photo = build.a_file("other.jpg", b"other")
    assert erase_wholly(store, "c1").blobs == 0
    assert b"a face" in everything(store)
    assert is_sound(store)


def test_a_file_that_two_cases_sent_goes_with_the_second(store):
    """What an earlier erasure left of a form does not hold it."""
    for case_id in ("c1", "c2"):
        block = build.a_create(case_id, attach={"p": {"src": "me.jpg"}})
        photo = build.a_file("me.jpg", b"my face")
        build.submit(store, build.a_form([block]), attachments=[photo])
    assert erase_wholly(store, "c1").blobs == 0
    assert erase_wholly(store, "c2").blobs == 1
    assert is_gone(store, "my face")
    assert is_sound(store)


# Kept answers and jobs


@pytest.mark.parametrize("shown", ["case_id", "value", "neither"])
def test_kept_answers_that_show_the_case_are_forgotten(store, shown):
    """Also those that were asked to leave the id out; all others are kept."""
    case_id = 'c"1'

    def answer(key, case_id, text):
        told = {"case_id": {"id": case_id}, "value": {"x": [text, 7]}, "neither": {}}
        body = orjson.dumps(told[shown])
        return ChangeCases(
            changes=(build.a_change(case_id=case_id, properties={"mark": text}),),
            author=ADMIN,
            render=lambda _receipt: Answer(200, body),
            idempotency=IdempotencyKey(
                key=key, user_id=ADMIN.user_id, request_sha256=bytes(32)
            ),
        )

    build.submit(store, build.a_form([build.a_create(case_id), build.a_create("c2")]))
    build.write(store, answer("k1", case_id, SECRET), answer("k2", "c2", "other"))
    build.write(store, answer("k3", "c2", "another"))
    erase(store, case_id)
    keys = store.connection.raw.execute("SELECT key FROM idempotency").fetchall()
    kept = {key for (key,) in keys}
    assert kept == ({"k1", "k2", "k3"} if shown == "neither" else {"k2", "k3"})
    assert is_gone(store)


def test_what_jobs_tell_of_the_forms_is_forgotten(store):
    """A problem may repeat a value; the rest of the job stays."""
    build.submit(store, build.a_form([build.a_create("c1")], form_id="f1"))
    build.submit(store, build.a_form([a_secret()], form_id="f2"))
    told = [{"form_id": i, "problem": f"no {i}: {SECRET}"} for i in ("f2", "f9")]
    told[1]["problem"] = "stays"
    with store.writing(build.DOMAIN) as writer:
        conn = writer.conn
        for job_id, end in (("j1", jobs.finish), ("j2", jobs.fail)):
            jobs.enqueue(
                writer,
                kind="undo",
                options={},
                user_id="",
                now=1,
                job_id=job_id,
            )
            job = jobs.claim_one(conn, (build.DOMAIN, job_id), now=1, until=9)
            said = {"problem": SECRET} if end is jobs.fail else {"result": {"x": told}}
            end(conn, job, now=2, **said)
    erase(store, "c1")
    assert is_gone(store)
    found = [
        jobs.get_job(store.connection, (build.DOMAIN, job_id))
        for job_id in ("j1", "j2")
    ]
    assert [p["problem"] for p in found[0].result["x"]] == ["erased", "stays"]
    assert (found[1].problem, found[1].result) == ("erased", None)


# Read tables that nobody reads


def test_replaced_tables_that_another_domain_still_reads_are_blanked(store):
    """A replay leaves the rows of its domain behind in them."""
    build.a_domain(store, "other")
    build.submit(store, build.a_form([a_secret(create={"external_id": "P-4711"})]))
    replay(store, build.DOMAIN)
    assert everything(store).count(SECRET.encode()) >= 3
    erase_wholly(store, "c1")
    assert is_gone(store, "P-4711")
    assert is_sound(store)


def test_a_replay_that_died_before_resumes_on_blanked_tables(store, monkeypatch):
    """What it had made of the case is taken out, and it ends as every replay does."""
    build.submit(store, build.a_form([a_secret(create={"external_id": "P-4711"})]))
    build.submit(store, build.a_form([build.a_create("c2", index={"p": "c1"})]))
    monkeypatch.setattr(replaying, "NEAR", 0)
    with pytest.raises(Killed):
        replay(store, build.DOMAIN, progress=kill)
    build.submit(store, build.a_form([build.a_block("c1", close=True)]))
    erase_wholly(store, "c1")
    assert is_gone(store, "P-4711")
    before = build.derived(store)
    numbers = replay(store, build.DOMAIN).generations
    assert numbers == {"cases": 3, "forms": 4}
    assert build.derived(store) == before
    assert is_sound(store)


class Killed(Exception):
    """What ends a replay once it has saved something."""


def kill(_done, _total):
    raise Killed


def test_a_replay_at_work_takes_in_nothing_that_it_read_before(store, monkeypatch):
    """Forms that it has parsed already are read again when it meets the erasure."""
    build.submit(store, build.a_form([a_secret()]))
    build.submit(store, build.a_form([build.an_update("c2")]))
    monkeypatch.setattr(replaying, "NEAR", 0)
    monkeypatch.setattr(reading, "CHUNK", 2)
    parsed = FormParser.parsed

    def erasing(parser, chunks):
        """Erase when the first chunk is folded and the next one parsed."""
        for place, chunk in enumerate(parsed(parser, chunks)):
            if place == 1:
                monkeypatch.setattr(FormParser, "parsed", parsed)
                erase_wholly(store, "c1")
            yield chunk

    monkeypatch.setattr(FormParser, "parsed", erasing)
    replay(store, build.DOMAIN)
    assert FormParser.parsed is parsed
    assert is_gone(store)
    assert is_sound(store)


def test_no_counter_of_a_value_is_left(store):
    """Each goes by a digest of the value, which a guess could be compared with."""
    with store.writing(build.DOMAIN) as writer:
        start_index(writer, "mark")
        while build_step(writer, "mark"):
            pass
    build.submit(store, build.a_form([a_secret(), build.an_update("c2", mark="x")]))
    erase_wholly(store, "c1")
    counts = build.dump(store)["case_counts"]
    assert [row for row in counts if row[3] == 0] == []
    assert len([row for row in counts if row[1] == 1]) == 1
    assert is_sound(store)


# What comes after


def test_a_backup_made_afterwards_holds_none_of_it(store, tmp_path):
    """It restores, proves and reads as the ledger does."""
    build.submit(store, build.a_form([a_secret(), build.a_create("c2")]))
    erase_wholly(store, "c1")
    other = open_store(f"sqlite:///{tmp_path / 'restored.db'}")
    migrate(other)
    restore(other, saved(store))
    assert is_gone(other)
    assert is_sound(other)
    assert build.cases_of(other) == build.cases_of(store)
    other.close()


def test_an_error_form_that_is_sent_again_counts_as_it_is_in_the_log(store):
    """What the phone still has must not come into force beside the log."""
    body = build.a_form([a_secret(index={"parent": "late"})], form_id="f1")
    build.submit(store, build.a_form([build.a_create("c1")]))
    build.submit(store, body)
    build.submit(store, build.a_form([build.a_create("late")]))
    erase_wholly(store, "c1")
    receipt = build.submit(store, body)
    assert receipt.kind is Kind.DUPLICATE
    assert build.case_of(store, "c1").properties == {}
    assert is_sound(store)


def test_a_form_that_is_sent_again_is_found_by_another_look(store):
    """The duplicate brings the bytes back, and a second erasure takes them."""
    body = build.a_form([a_secret()])
    build.submit(store, body)
    erase_wholly(store, "c1")
    build.submit(store, body)
    meant = look(store, "c1")
    assert [form.state for form in meant.forms] == ["duplicate"]
    assert erase_wholly(store, "c1").bodies == 1
    assert is_gone(store)
    assert is_sound(store)


def look(store, *case_ids):
    with store.snapshot(build.DOMAIN) as reader:
        found = search(reader, case_ids)
        assert unknown_among(reader, case_ids, found) == []
        return preview_erasure(reader, case_ids, found)


def test_a_look_tells_each_form_under_the_id_that_it_has_now(store):
    """Versions that made way, duplicates, errors; and forms that only name the case."""
    photo = build.a_file("me.jpg", b"my face")
    first = build.a_form([a_secret(attach={"p": {"src": "me.jpg"}})], form_id="f1")
    build.submit(store, first, attachments=[photo])
    build.submit(store, build.a_form([a_secret()], form_id="f1"))
    build.submit(store, build.a_form([a_secret(index={"x": "no"})], form_id="bad"))
    build.submit(store, b"<broken c1")
    child = build.a_create("c2", index={"parent": "c1"})
    build.submit(store, build.a_form([child], form_id="f2"))
    found = look(store, "c1")
    assert sorted(form.state for form in found.forms) == [
        "deprecated",
        "error",
        "normal",
        "submission_error",
    ]
    states = {form.form_id: form.state for form in found.forms}
    assert (states["f1"], states["bad"]) == ("normal", "error")
    assert [file.name for file in found.files] == ["me.jpg"]
    assert [form.form_id for form in found.mentioned] == ["f2"]
    assert (found.form_count, found.mentioned_count) == (4, 1)
    with store.snapshot(build.DOMAIN) as reader:
        asked = ["c1", "stranger"]
        assert unknown_among(reader, asked, Search()) == ["stranger"]


def test_the_feed_and_the_history_tell_of_it(store):
    """The entry names its cases; before it stand shells."""
    build.submit(store, build.a_form([a_secret(), build.a_create("c2")]))
    erase_wholly(store, "c1", "c2")
    with store.snapshot(build.DOMAIN) as reader:
        items = log.entries_after(reader, 0, limit=100)
        last = items[-1][0]
        assert last.kind is Kind.ERASE
        assert changed_cases(reader, items)[last.position] == ("c1", "c2")
        steps = history(reader, "c1")
    assert [step.kind for step in steps] == ["normal", "erase"]
    assert all(SECRET not in str(step) for step in steps)
