"""The job of an upload: each row exactly once, whatever happens meanwhile.

The rules are those of rules/batch-imports.md 0 and 2.
"""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from importers.jobs.turns import SUNBIRD
from importers.jobs.undo import UNDO, enqueue_undo, undo
from importers.jobs.values import UndoRequest
from importers.jobs.worker import Interrupted
from importers.rows.rules.form import case_id_of, form_id_of
from importers.rows.rules.overlay import Overlay
from importers.sunbird.command import ImportRecords
from importers.sunbird.job import run_upload
from importers.sunbird.people import People
from importers.sunbird.process_ids import ProcessIds
from importers.sunbird.rules.known import FAILED
from importers.sunbird.table import Record
from importers.sunbird.upload import task_of
from ledger import log
from ledger.directory import locations
from ledger.entry import Author, Kind
from ledger.erasure.traces import drop_files
from ledger.forms.form_xml import parse_form
from ledger.ids import new_id
from ledger.imports.results import outcomes_of
from ledger.imports.values import Outcome
from ledger.jobs.values import JobState
from ledger.submit import WantsOwnCommit
from projections.rebuild.verify import verify
from tests.kit import build, jobs
from tests.kit.jobs import dying, job_of, working
from tests.kit.spreadsheets import a_csv
from tests.kit.sunbird.uploads import (
    ORGS,
    PLACES,
    USERS,
    cases,
    enqueue,
    forms,
    kept,
    messages,
    places,
    run,
    shown,
    the_case,
)

MANY = 430
"""More rows than one commit takes, in each of its sizes."""


@pytest.fixture(autouse=True)
def domain(store):
    return build.a_domain(store)


def states(count):
    return [[f"S{n}", f"State {n}", "", ""] for n in range(count)]


def people(count):
    return [[f"U{n}", "other", "PUBLIC", "", f"u{n}@x.org"] for n in range(count)]


async def test_the_form_tells_which_row_it_was(store):
    """Rules R0.4 and R0.7: ids follow from the process; the root and the meta block."""
    job = await places(store, "state", ["A", "a"])
    [entry] = forms(store, job)
    assert entry.form_id == form_id_of("sunbird", build.DOMAIN, job.job_id, 1)
    case = the_case(store, "location")
    assert case.case_id == case_id_of("sunbird", build.DOMAIN, job.job_id, 1, 0)
    with store.snapshot(build.DOMAIN) as reader:
        body = log.bodies_at(reader, [entry.position])[entry.position]
    form = parse_form(body)
    assert form.meta.device_id == "sunbird-bulk-upload"
    assert (form.meta.user_id, form.meta.username) == (build.USER, "amina")
    text = body.decode()
    for name, value in (
        ("batch", job.job_id),
        ("file", "rows.csv"),
        ("record", "1"),
        ("objectType", "location"),
        ("operation", "create"),
    ):
        assert f"<{name}>{value}</{name}>" in text


async def test_what_became_of_a_row_is_kept_with_its_form(store):
    """Rule R0.5: number, line, form, case, message; blank lines are no rows."""
    content = b"\xef\xbb\xbf\n , ,,\n" + a_csv(
        PLACES, ["A", "a"], ["", "", " ", ""], ["", "b"]
    )
    job = await run(store, enqueue(store, "location", content, location_type="state"))
    good, bad = kept(store, job)
    assert (good.record, good.row_number, good.outcome) == (1, 4, Outcome.APPLIED)
    assert good.form_id == forms(store, job)[0].form_id
    assert good.case_ids == (the_case(store, "location").case_id,)
    assert (bad.record, bad.row_number, bad.outcome) == (2, 6, Outcome.FAILED)
    assert bad.messages == ("Mandatory parameter code is missing.",)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b' code ,"name",parentCode,parentId\n A , "b" ,,\n', id="trimmed"),
        pytest.param(b"code,name,parentCode,parentId\nA,b\n", id="fewer cells"),
        pytest.param(
            b"code,name,parentCode,parentId\nA,b,,\n,,,,,\n", id="more blanks"
        ),
        pytest.param(b"parentId,name,parentCode,code\n,b,,A\n", id="other order"),
        pytest.param(b"code,name,parentCode,parentId\r\nA,b,,\r\n", id="crlf"),
        pytest.param(b"code,name,parentCode,parentId,,\nA,b,,,,\n", id="no header"),
    ],
)
async def test_how_cells_are_read(store, content):
    """Rule 2.4: trimmed, filled up; columns in any order."""
    job = await run(store, enqueue(store, "location", content, location_type="state"))
    assert messages(store, job) == [None], shown(store, job)
    case = the_case(store, "location")
    assert (case.external_id, case.case_name) in {("A", "b"), ("A", '"b"')}


async def test_text_in_quotes_keeps_commas_and_line_ends(store):
    """Rule 2.4: and every script survives."""
    job = await places(store, "state", ["A,1", 'कर्नाटक\nand "more"'])
    assert messages(store, job) == [None]
    case = the_case(store, "location")
    assert (case.external_id, case.case_name) == ("A,1", 'कर्नाटक\nand "more"')


async def test_a_worker_that_dies_between_commits_repeats_nothing(store):
    """Rule R0.4a: whoever goes on begins behind the last commit."""
    job = enqueue(store, "user", a_csv(USERS, *people(MANY)))

    async with working(store, {SUNBIRD: dying(run_upload, 2, 4)}) as worker:
        await worker.drain()
    done = job_of(store, job)
    assert done.state is JobState.DONE, done.problem
    assert done.result == {
        "applied": MANY,
        "unchanged": 0,
        "failed": 0,
        "cases": MANY,
        "dry_run": False,
    }
    assert [row.record for row in kept(store, done)] == list(range(1, MANY + 1))
    assert len(forms(store, done)) == len(cases(store, "user")) == MANY
    assert verify(store, build.DOMAIN).ok


async def test_progress_and_rows_commit_together(store):
    """Rule R0.5: the counts of a job are those of its kept rows."""
    rows = [*states(3), ["", "bad", "", ""], *states(1)]
    job = await places(store, "state", *rows)
    with store.snapshot(build.DOMAIN) as reader:
        counts = outcomes_of(reader, "sunbird", job.job_id)
    assert counts == {
        Outcome.APPLIED: 3,
        Outcome.UNCHANGED: 1,
        Outcome.FAILED: 1,
        Outcome.ABORTED: 0,
    }
    assert {way: job.progress[way] for way in ("applied", "unchanged", "failed")} == {
        "applied": 3,
        "unchanged": 1,
        "failed": 1,
    }
    assert (job.progress["done"], job.progress["total"]) == (5, 5)


async def test_an_upload_can_be_undone_by_its_process(store):
    """Every case that it made is void again; what it changed is as it was."""
    await places(store, "state", ["S0", "Before"])
    job = await places(store, "state", *states(3))
    wish = UndoRequest(job_id=job.job_id)
    with store.writing(build.DOMAIN) as writer:
        back = enqueue_undo(
            writer, wish, author=Author(user_id="u"), clock=build.FixedClock()
        )
    async with working(store, {UNDO: undo}) as worker:
        await worker.see_through(back.key)
    assert [case.case_name for case in cases(store, "location")] == ["Before"]
    again = await places(store, "state", *states(3))
    assert [row["operation"] for row in shown(store, again)] == [
        "update",
        "create",
        "create",
    ]


async def test_a_form_that_is_refused_is_a_row_that_failed(store, monkeypatch):
    """Rules R0.3 and 2.5.1: kept as an XFormError, whose id the row tells."""
    # No row gets so far by itself.
    monkeypatch.setattr("ledger.forms.case_xml.MAX_LENGTH", 40)
    long, short = ["S0", "n" * 41], states(2)[1]
    job = enqueue(store, "location", a_csv(PLACES, long, short), location_type="state")
    job = await run(store, job)
    bad, good = shown(store, job)
    form_id = form_id_of("sunbird", build.DOMAIN, job.job_id, 1)
    assert bad == {
        "code": "S0",
        "name": "n" * 41,
        "type": "state",
        "operation": "create",
        "err_msg": FAILED,
        "xformErrorId": form_id,
    }
    assert "err_msg" not in good
    error, normal = forms(store, job)
    assert (error.kind, error.form_id) == (Kind.ERROR, form_id)
    assert normal.kind is Kind.NORMAL
    result = kept(store, job)[0]
    assert (result.outcome, result.error_id) == (Outcome.FAILED, form_id)
    with store.snapshot(build.DOMAIN) as reader:
        assert len(locations.list_locations(reader)) == 1


async def test_an_id_that_somebody_else_has_used_is_left_alone(store):
    """Rule R0.4: the row fails, and neither the case nor the form is changed."""
    job = enqueue(store, "location", a_csv(PLACES, *states(2)), location_type="state")
    case_id = case_id_of("sunbird", build.DOMAIN, job.job_id, 1, 0)
    form_id = form_id_of("sunbird", build.DOMAIN, job.job_id, 2)
    build.submit(store, build.a_form([build.a_create(case_id)], form_id=form_id))
    job = await run(store, job)
    assert messages(store, job) == [FAILED, FAILED]
    assert build.case_of(store, case_id).case_type == "patient"
    assert forms(store, job) == []


async def test_a_row_with_more_cells_than_headers_fails(store):
    """Its values may stand under the wrong ones (rule 2.4d)."""
    content = b"code,name,parentCode,parentId\nA,b, c,,\nB,b,,\n"
    job = await run(store, enqueue(store, "location", content, location_type="state"))
    shifted, good = messages(store, job)
    assert shifted.startswith("The row has more cells than there are headers")
    assert shifted.endswith(": 5 cells, 4 headers: A | b |  c |  | ")
    assert good is None


async def test_what_is_noticed_of_a_file_is_told_with_its_result(store):
    """Encoding, delimiter, headers, values that have none (rule 2.4d)."""
    content = "code;name;parentCode;parentId\xa0;\nA;Ville é;;;lost\n"
    job = await run(
        store,
        enqueue(store, "location", content.encode("cp1252"), location_type="state"),
    )
    assert messages(store, job) == [None]
    assert [told["title"] for told in job.progress["notices"]] == [
        "Encoding assumed",
        "Delimiter detected",
        "Header trimmed",
        "Value without a header",
    ]


@pytest.mark.parametrize("kind", ["state", "user"])
async def test_a_dry_run_says_what_the_upload_will_do(store, kind):
    """Rule 2.6g: later rows see what would be there, across commits, unwritten."""
    if kind == "state":
        rows = [[f"S{n % 250}", f"N{n % 3}", "", ""] for n in range(MANY)]
        rows += [["S1", "x", "S2", ""], ["", "y", "", ""]]
        content, options = a_csv(PLACES, *rows), {"location_type": "state"}
    else:
        rows = [
            [f"U{n}", "other", "PUBLIC", "", f"u{n % 250}@X.org"] for n in range(MANY)
        ]
        content, options = a_csv(USERS, *rows), {}
    what = "location" if kind == "state" else "user"
    before = build.dump(store)
    dry = await run(store, enqueue(store, what, content, dry_run=True, **options))
    assert build.dump(store)["cases"] == before["cases"]
    assert forms(store, dry) == []
    with store.snapshot(build.DOMAIN) as reader:
        assert locations.list_locations(reader) == []
    real = await run(store, enqueue(store, what, content, **options))
    assert account(store, dry) == account(store, real)
    assert all(row.form_id is None and not row.case_ids for row in kept(store, dry))


def account(store, job):
    """Return what is told of each row, ids left out."""
    return [
        (row.record, row.outcome, row.messages, without_ids(row.shown))
        for row in kept(store, job)
    ]


def without_ids(told):
    made = {"id", "userId", "organisationId", "xformErrorId"}
    return {name: value for name, value in told.items() if name not in made}


async def test_a_dry_run_begins_anew_after_a_death(store):
    """Nothing that it did is left to go on from."""
    content = a_csv(PLACES, *[[f"S{n % 7}", "n", "", ""] for n in range(60)])
    job = enqueue(store, "location", content, location_type="state", dry_run=True)
    steps = []

    async def dying(context):
        step = context.step

        async def counted(commands, advance):
            steps.append(1)
            if len(steps) == 3:
                raise Interrupted
            return await step(commands, advance)

        context.step = counted
        return await run_upload(context)

    async with working(store, {SUNBIRD: dying}) as worker:
        await worker.drain()
    done = job_of(store, job)
    assert (done.result["applied"], done.result["unchanged"]) == (7, 53)


async def test_the_same_file_again_changes_nothing(store):
    """Where ids match: all rows succeed with ``update``, and no form is made."""
    first = await places(store, "state", *states(4))
    second = await places(store, "state", *states(4))
    assert first.result["applied"] == second.result["unchanged"] == 4
    assert {row["operation"] for row in shown(store, second)} == {"update"}
    assert forms(store, second) == []


def a_user(case_id, **properties):
    """Return the command of a form with which a phone makes a user."""
    special = {"case_type": "user", "case_name": "By phone"}
    block = build.a_create(case_id, create=special, update=properties)
    return build.a_submission(build.a_form([block]))


async def test_rows_with_users_want_a_commit_of_their_own(store):
    """Rule 2.5.1: what a form before them in the commit made is in no table."""
    job = enqueue(store, "user", a_csv(USERS, *people(1)))
    expected = People()
    expected.expect({"email": "u0@x.org"})
    command = ImportRecords(
        task=task_of(job),
        job_id=job.job_id,
        file="rows.csv",
        records=(Record(1, 2, {"firstName": "U0", "email": "u0@x.org"}),),
        people=expected,
        known=Overlay(),
    )
    with pytest.raises(WantsOwnCommit):
        build.write(store, a_user("p1", email="U0@x.org"), command)


async def test_what_phones_send_meanwhile_is_seen(store):
    """Rule 2.5.1: no row is stored behind a user that holds its email already."""
    job = enqueue(store, "user", a_csv(USERS, *people(200)))
    async with working(store, {SUNBIRD: run_upload}) as worker:
        sent = [
            worker.writer.submit(build.DOMAIN, a_user(f"p{n}", email=f"U{n}@x.org"))
            for n in range(0, 200, 2)
        ]
        await asyncio.gather(worker.see_through(job.key), *sent)
    first = {}
    for case in cases(store, "user"):
        first.setdefault(case.properties["email"].lower(), case.case_id)
    applied = [row for row in kept(store, job) if row.outcome is Outcome.APPLIED]
    assert len(first) == 200
    assert len(applied) >= 100
    for row in applied:
        assert first[f"u{row.record - 1}@x.org"] == row.case_ids[0]


async def test_other_settings_change_nothing_of_a_job_that_was_taken(store):
    """The rules stand in its options."""
    job = enqueue(store, "location", a_csv(PLACES, *states(1)), location_type="state")
    assert task_of(job).rules.types[0] == "state"
    assert job.options["rules"]["phone_pattern"] == "^[6-9][0-9]{9}$"


async def test_a_file_that_was_erased_fails_the_process(store):
    """The job ends and says so."""
    job = enqueue(store, "location", a_csv(PLACES, *states(1)), location_type="state")
    [file] = job.options["files"]
    with store.writing(build.DOMAIN) as writer:
        drop_files(writer, [file["sha256"]])
    done = await run(store, job)
    assert done.state is JobState.FAILED
    assert done.problem == "The file of the upload is not there any more"


# -- ids of processes --------------------------------------------------------


def test_ids_of_processes_are_digits_of_the_time():
    """Rule 2.3.1: 13 of milliseconds, two of a sequence, four zeros."""
    ids = ProcessIds()
    now = 1_606_811_724_250_000
    assert ids.draw(now) == 1606811724250_00_0000
    assert ids.draw(now + 999) == 1606811724250_01_0000
    assert ids.draw(now + 1000) == 1606811724251_00_0000


def test_ids_of_a_crowded_millisecond_take_the_next():
    """Rule 2.3.1: and none is drawn twice, not even when the clock goes back."""
    ids = ProcessIds()
    now = 1_606_811_724_250_000
    drawn = [ids.draw(now) for _ in range(250)] + [ids.draw(now - 5000)]
    assert drawn == sorted(set(drawn))
    assert drawn[100] == 1606811724251_00_0000
    assert all(len(str(one)) == 19 for one in drawn)


async def test_an_id_that_a_job_has_is_drawn_again(store):
    """Rule 2.3.1: another process may have drawn the same."""
    content = a_csv(PLACES, *states(1))
    first = int(enqueue(store, "location", content, location_type="x").job_id)
    jobs.enqueue(store, job_id=str(first + 10_000))
    second = int(enqueue(store, "location", content, location_type="x").job_id)
    assert second == first + 20_000


# -- any file ----------------------------------------------------------------

CELLS = st.one_of(
    st.sampled_from(
        [
            "",
            " ",
            "S1",
            "D1",
            "e1",
            "E1",
            "active",
            "inactive",
            "teacher",
            "PUBLIC",
            "ORG_ADMIN,PUBLIC",
            "KING",
            "9876543210",
            "+91",
            "a@x.org",
            "A@X.org",
            "school",
            "x" * 300,
            '"quoted"',
            "=1+1",
            "\x01",
            "İ" * 200,
        ]
    ),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=6),
    st.integers().map(str),
)
HEADERS = {
    "location": PLACES,
    "organisation": [*ORGS, "SCHOOL ID", "EXTERNAL ID", "ORGANISATION TYPE"],
    "user": [*USERS, "SCHOOL ID", "EXTERNAL ID", "USER ID"],
}


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    kind=st.sampled_from(sorted(HEADERS)),
    location_type=st.sampled_from(["state", "district", "School", "nonsense"]),
    rows=st.lists(st.lists(CELLS, max_size=9), min_size=1, max_size=12),
)
async def test_every_row_ends_once_and_a_dry_run_predicts_it(
    store, kind, location_type, rows
):
    """Rule 2.5: success + failure = rows; no file makes a job fail."""
    rows = [[text.replace("\0", "") for text in row] for row in rows]
    rows = [row for row in rows if any(text.strip() for text in row)] or [["S1", "x"]]
    domain = build.a_domain(store, f"d-{new_id()}")
    async with working(store, {SUNBIRD: run_upload}) as worker:

        async def run_of(what, level, *lines, dry_run=False):
            content = a_csv(HEADERS[what], *lines)
            options = {"location_type": level, "dry_run": dry_run, "domain": domain}
            job = enqueue(store, what, content, **options)
            return await worker.see_through(job.key)

        await run_of("location", "state", *states(2))
        dry = await run_of(kind, location_type, *rows, dry_run=True)
        real = await run_of(kind, location_type, *rows)
        again = await run_of(kind, location_type, *rows)
    assert (dry.state, real.state) == (JobState.DONE, JobState.DONE), real.problem
    assert account(store, dry) == account(store, real)
    found = shown(store, real)
    assert len(found) == real.options["rows"] == real.progress["done"]
    for row in found:
        assert ("err_msg" in row) is not ("id" in row or "channel" in row)
    if kind == "location":
        for before, after in zip(found, shown(store, again), strict=True):
            if "err_msg" not in before:
                assert (after["operation"], after["id"]) == ("update", before["id"])
