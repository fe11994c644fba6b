"""An erasure follows what imports keep outside of the log.

Every promise holds on both databases.
"""

from __future__ import annotations

import pytest

from importers.excel.job import import_excel
from importers.excel.rules.options import LOST
from importers.jobs.forget_files import forget_files
from importers.jobs.turns import EXCEL, HAPLO
from ledger.bodies import get_blob, put_blobs
from ledger.erasure.erase import search
from ledger.errors import Conflict
from ledger.imports.results import put_rows, rows_of
from ledger.imports.values import ImportRow, Outcome
from ledger.jobs import queue as jobs
from ledger.jobs.values import JobFilter, JobState
from projections.erasure.preview import preview_erasure
from tests.kit import build
from tests.kit.erasing import SECRET, erase_wholly, everything, is_gone, is_sound
from tests.kit.jobs import job_of, working
from tests.kit.spreadsheets import a_csv, enqueue, imported, imported_rows, wanted

HEAD = ["case_id", "name", "mark"]
ROWS = [["", "Idrissa", SECRET], ["", "Binta", "none of note"]]


@pytest.fixture(autouse=True)
def domain(store):
    return build.a_domain(store)


def case_named(store, name):
    [found] = [i for i, c in build.cases_of(store).items() if c.case_name == name]
    return found


def content_of(store, job):
    """Return the file of an import, if it is there."""
    with store.snapshot(build.DOMAIN) as reader:
        return get_blob(reader, job.options["file"]["sha256"])


async def test_the_file_of_an_import_goes(store):
    """With the form it brought; other cases and the counts of the job stay."""
    job = await imported_rows(store, HEAD, *ROWS)
    erased = erase_wholly(store, case_named(store, "Idrissa"))
    assert erased.blobs == 1
    assert content_of(store, job) is None
    assert is_gone(store, "Idrissa")
    assert is_sound(store)
    kept = job_of(store, job)
    assert (kept.state, kept.progress["report"]["created"]) == (JobState.DONE, 2)
    assert build.case_of(store, case_named(store, "Binta")).properties["mark"]


async def test_a_preview_names_the_file(store):
    """It says what would go, and nothing goes."""
    job = await imported_rows(store, HEAD, *ROWS)
    case_id = case_named(store, "Idrissa")
    with store.snapshot(build.DOMAIN) as reader:
        found = preview_erasure(reader, [case_id], search(reader, [case_id]))
    [file] = found.files
    about = job.options["file"]
    assert (file.name, file.sha256, file.length) == (
        about["name"],
        about["sha256"],
        about["length"],
    )
    assert content_of(store, job) is not None


async def test_files_of_imports_that_never_touched_the_case_stay(store):
    """Only the entries of the log say which import brought what."""
    other = await imported_rows(store, HEAD, ["", "Cy", "nothing"])
    await imported_rows(store, HEAD, *ROWS)
    erase_wholly(store, case_named(store, "Idrissa"))
    assert content_of(store, other) is not None


async def test_a_file_that_an_attachment_needs_stays(store):
    """The same bytes came with a form of another case: they are that form's."""
    content = a_csv(HEAD, *ROWS)
    kept = build.a_file("list.csv", content)
    body = build.a_form([build.a_create("other", attach={"l": {"src": "list.csv"}})])
    build.submit(store, body, attachments=[kept])
    job = await imported(store, content)
    erased = erase_wholly(store, case_named(store, "Idrissa"))
    assert erased.blobs == 0
    assert content_of(store, job) == content
    assert is_sound(store)


async def test_samples_of_a_report_go(store):
    """All of those of the import that brought the form; of others what shows it."""
    bad = ["", "n" * 300, "-"]
    mine = await imported_rows(store, HEAD, *ROWS, bad)
    head = ["case_id", "owner_name"]
    shows = await imported_rows(store, head, ["", SECRET], dry_run=True)
    other = await imported_rows(store, head, ["", "somebody"])
    erase_wholly(store, case_named(store, "Idrissa"))
    samples = [
        [group["sample"] for group in job_of(store, job).progress["report"]["errors"]]
        for job in (mine, shows, other)
    ]
    told = 'Sample: Cell in row 2 contains "somebody"'
    assert samples == [[None], [None], [told]]
    # The file of a dry run cannot be found by the case; an administrator drops it.
    assert not is_gone(store)
    forget(store, shows)
    assert is_gone(store)


async def test_an_import_without_its_file_ends(store):
    """It waited while its file went: it fails with the text for that."""
    content = a_csv(HEAD, *ROWS)
    await imported(store, content)
    waiting = enqueue(store, content, wanted())
    erase_wholly(store, case_named(store, "Idrissa"))
    async with working(store, {EXCEL: import_excel}) as worker:
        await worker.see_through(waiting.key)
    assert job_of(store, waiting).problem == LOST


def a_batch(store, *, form_id, case_id):
    """Keep what a batch import keeps: a job with files, a form, results of rows."""
    with store.writing(build.DOMAIN) as writer:
        files = put_blobs(writer, [build.a_file("people.csv", b"n," + SECRET.encode())])
        about = [
            {"name": f.name, "length": f.length, "sha256": f.sha256} for f in files
        ]
        job = jobs.enqueue(
            writer,
            kind=HAPLO,
            options={"files": about},
            user_id=build.USER,
            now=build.NOW,
        )
        rows = [
            a_row(job, 0, case_id, messages=(f"{SECRET} has no date",)),
            a_row(job, 1, "other", messages=("plain",)),
            a_row(job, 2, "third", shown={"as": f"like {SECRET}"}),
        ]
        put_rows(writer, rows)
    body = build.a_form(
        [build.a_create(case_id, update={"mark": SECRET})], form_id=form_id
    )
    envelope = {"job": job.job_id, "record": 0}
    build.submit(store, body, envelope=envelope)
    return job


def a_row(job, record, case_id, *, messages=(), shown=None):
    return ImportRow(
        api=HAPLO,
        job_id=job.job_id,
        record=record,
        file="people",
        outcome=Outcome.APPLIED,
        case_ids=(case_id,),
        messages=messages,
        shown={"id": record} if shown is None else shown,
    )


def results(store, job):
    with store.snapshot(build.DOMAIN) as reader:
        found = rows_of(reader, HAPLO, job.job_id, after=-1, most=10)
    return [(row.case_ids, tuple(row.messages), row.shown) for row in found]


def test_results_of_rows_are_blanked(store):
    """Of the record whose form was redacted, and what shows a text; ids stay."""
    job = a_batch(store, form_id="f1", case_id="c1")
    erased = erase_wholly(store, "c1")
    assert erased.blobs == 1
    assert results(store, job) == [
        (("c1",), (), None),
        (("other",), ("plain",), {"id": 1}),
        (("third",), (), None),
    ]
    assert is_gone(store)
    assert is_sound(store)


# An administrator's act


def forget(store, job, *, username="boss"):
    with store.writing(build.DOMAIN) as writer:
        author = build.Author(user_id=username, username=username)
        return forget_files(writer, job.key, author=author, clock=build.FixedClock())


def test_files_of_any_import_are_dropped(store):
    """All results of its rows lose what they tell; a job tidies the database."""
    job = a_batch(store, form_id="f1", case_id="c1")
    with store.administering() as conn:
        jobs.cancel(conn, job.key, now=build.NOW)
    assert forget(store, job) == 1
    assert {told[1:] for told in results(store, job)} == {((), None)}
    assert job_of(store, job).options["notes"] == {"forgotten_by": "boss"}
    with store.reading(build.DOMAIN) as reader:
        kinds = [j.kind for j in jobs.list_jobs(reader, JobFilter(), limit=9)]
    assert sorted(kinds) == [HAPLO, "repack"]
    assert forget(store, job) == 0


async def test_a_forgotten_import_still_tells_its_counts(store):
    """Only samples and the file go."""
    bad = ["", "n" * 300, "-"]
    job = await imported_rows(store, HEAD, *ROWS, bad)
    assert forget(store, job) == 1
    report = job_of(store, job).progress["report"]
    assert (report["created"], report["failed"]) == (2, 1)
    assert b"n" * 200 not in everything(store)
    assert content_of(store, job) is None


def test_what_is_no_import_or_not_over_is_refused(store):
    """Each with a text of its own."""
    job = a_batch(store, form_id="f1", case_id="c1")
    with pytest.raises(Conflict, match="is queued; cancel it first"):
        forget(store, job)
    with store.writing(build.DOMAIN) as writer:
        other = jobs.enqueue(
            writer,
            kind="undo",
            options={},
            user_id=build.USER,
            now=build.NOW,
        )
    with pytest.raises(Conflict, match="is no import; it has no files"):
        forget(store, other)
