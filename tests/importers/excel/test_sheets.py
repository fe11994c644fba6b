"""Sheets, forms, failures, warnings: ``rules/excel-import.md`` 5, 13, 14.4 and 18.3."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from operator import itemgetter

import openpyxl
import pytest

from api.excel.wire import status_of
from importers.excel.job import import_excel
from importers.excel.rules.options import LOST, SearchField, Sheet
from importers.excel.rules.told import error_form_ids_of, form_ids_of
from importers.excel.upload import looked_into
from importers.jobs.turns import EXCEL
from importers.tables.unreadable import DEFAULT_LIMITS
from ledger import log
from ledger.entry import Kind
from ledger.erasure.traces import drop_files
from ledger.forms.form_xml import parse_form
from ledger.jobs import queue as jobs
from ledger.jobs.notes import annotate
from ledger.jobs.values import JobState
from projections.rebuild.replay import replay as rebuild
from tests.kit import build, workbooks
from tests.kit.jobs import job_of, working
from tests.kit.spreadsheets import (
    IMPORTER,
    a_csv,
    an_xlsx,
    counts,
    enqueue,
    errors,
    imported,
    imported_rows,
    made,
    wanted,
)

EXTERNAL = {"search_field": SearchField.EXTERNAL_ID}


@pytest.fixture(autouse=True)
def domain(store):
    return build.a_domain(store)


def warnings(job):
    """Return title and column of each warning."""
    found = job.progress["report"]["warnings"]
    return [(warning["title"], warning["column"]) for warning in found]


# Rule 5: many sheets


async def many(store, content=None, **fields):
    """Import the sheets of a workbook, each titled like the type of its cases."""
    titles = list(content)
    sheets = tuple(Sheet(title=title, case_type=title) for title in titles)
    given = {"sheets": sheets, "create_in_many": True} | fields
    return await imported(store, an_xlsx(**content), name="a.xlsx", **given)


ROWS = [["case_id", "name"], ["", "Ada"]]


async def test_counts_of_many_sheets_are_sums(store):
    """Rows created, rows updated and forms; an ``on`` or ``True`` creates."""
    made(store, "p", case_type="patient")
    book = {
        "patient": [*ROWS, ["p", "Bo"]],
        "household": [*ROWS, ["", "Cy"]],
    }
    job = await many(store, book)
    assert counts(job) == (3, 1, 0, 0, 2)
    job = await many(store, book, create_in_many=False)
    assert counts(job) == (0, 1, 0, 3, 1)


async def test_errors_of_many_sheets_are_all_kept(store):
    """One entry for each sheet, title and column; row numbers are per sheet."""
    rows = [["case_id", "name"], ["", "n" * 300], ["", "ok"]]
    job = await many(store, {"patient": rows, "household": rows})
    found = job.progress["report"]["errors"]
    assert [(e["sheet"], e["title"], e["rows"]) for e in found] == [
        ("patient", "Name Too Long", [[2, 2]]),
        ("household", "Name Too Long", [[2, 2]]),
    ]


async def test_the_header_of_exports_finds_cases(store):
    """A sheet with ``caseid`` and no ``case_id`` is searched by it; it is not kept."""
    made(store, "c1")
    sheet = [["caseid", "name", "age"], ["c1", "Bo", 4]]
    job = await many(store, {"patient": sheet, "household": ROWS})
    assert counts(job)[:2] == (1, 1)
    assert dict(build.case_of(store).properties) == {"age": "4"}


async def test_a_name_column_holds_for_every_sheet(store):
    """``name_column`` is honoured; where it is not there, ``name`` is the name."""
    sheet = [["case_id", "full"], ["", "Bo"]]
    job = await many(store, {"patient": sheet, "household": ROWS}, name_column="full")
    names = sorted(case.case_name for case in build.cases_of(store).values())
    assert (counts(job)[0], names) == (2, ["Ada", "Bo"])


@pytest.mark.parametrize("column", ["type", "closed", "parent_ref"])
async def test_forbidden_columns_are_dropped_from_many_sheets(store, column):
    """They are told of, and fail nothing."""
    sheet = [["case_id", "name", column], ["", "Bo", "x"]]
    job = await many(store, {"patient": sheet, "household": ROWS})
    assert counts(job)[:3] == (2, 0, 0)
    assert warnings(job) == [("Ignored column", column)]


async def test_only_the_first_sheet_of_others(store):
    """Not all titles known: the posted type, and a warning for each other sheet."""
    book = an_xlsx(first=ROWS, second=ROWS, third=[["bad header"]])
    first = (Sheet(title="first", case_type="patient"),)
    job = await imported(
        store,
        book,
        name="a.xlsx",
        sheets=first,
        ignored_sheets=("second", "third"),
    )
    assert counts(job)[0] == 1
    found = job.progress["report"]["warnings"]
    assert [(w["title"], w["sheet"]) for w in found] == [
        ("Ignored sheet", "second"),
        ("Ignored sheet", "third"),
    ]


# Rule 13: forms


def forms_of(store, job):
    """Return entries and forms of an import, in order."""
    with store.snapshot(build.DOMAIN) as reader:
        found = log.entries_after(reader, 0, limit=1000)
        return [(e, body) for e, body in found if e.details.get("job") == job.job_id]


async def test_the_envelope_of_a_form(store):
    """Root, meta, blocks of new and of known cases, an index."""
    made(store, "c1")
    head = ["case_id", "name", "age", "parent_id", "parent_relationship_type"]
    head += ["parent_identifier", "close"]
    rows = [["", "Ada", 1, "c1", "extension", "host", ""]]
    rows += [["c1", "Bo", 2, "", "", "", "yes"]]
    job = await imported_rows(store, head, *rows)
    [(entry, body)] = forms_of(store, job)
    form = parse_form(body)
    text = body.decode()
    assert "<system " in text
    assert 'version="1"' in text
    assert 'uiVersion="1"' in text
    assert (form.xmlns, form.form_id) == ("http://commcarehq.org/case", entry.form_id)
    assert len(entry.form_id) == 32
    assert form.name is None
    meta = form.meta
    assert meta.device_id == "corehq.apps.case_importer.do_import.do_import"
    assert (meta.user_id, meta.username) == (build.USER, "amina")
    assert meta.time_start == meta.time_end
    assert '<cc:appVersion xmlns:cc="http://commcarehq.org/xforms"/>' in text
    new, known = form.blocks
    assert (new.user_id, known.user_id) == (build.USER, None)
    assert new.create == {
        "case_type": "patient",
        "case_name": "Ada",
        "owner_id": build.USER,
    }
    assert known.update == {"case_name": "Bo", "age": "2"}
    assert (known.create, known.close) == (None, True)
    [index] = new.indices
    assert (index.name, index.case_id, index.case_type) == ("host", "c1", "patient")
    assert 'relationship="extension"' in text


async def test_forms_that_failed_are_counted_and_kept(store):
    """``num_chunks`` counts those tried; nothing is retried; the others stay."""
    rows = [["", n, ""] for n in range(250)]
    rows[150][2] = "x" * 300
    job = await imported_rows(store, ["case_id", "age", "hq_user_id"], *rows)
    assert counts(job) == (150, 0, 100, 0, 3)
    assert errors(job) == [("Import Error", "", list(range(102, 202)))]
    kinds = {entry.form_id: entry.kind for entry, _ in forms_of(store, job)}
    assert len(form_ids_of(job)) == 2
    assert Counter(kinds.values()) == {Kind.NORMAL: 2, Kind.ERROR: 1}
    assert [kinds[i] for i in error_form_ids_of(job)] == [Kind.ERROR]


# Rule 14.4: what fails a whole import


async def test_a_file_that_was_lost(store):
    """The text of check 11."""
    job = enqueue(store, a_csv(*ROWS))
    with store.writing(build.DOMAIN) as writer:
        sha256 = job.options["file"]["sha256"]
        drop_files(writer, [sha256])
    async with working(store, {EXCEL: import_excel}) as worker:
        await worker.drain()
    ended = job_of(store, job)
    assert (ended.state, ended.problem) == (JobState.FAILED, LOST)


@pytest.mark.parametrize(
    ("content", "name", "reason"),
    [
        (b'case_id,age\n,"1', "a.csv", "Row 2 has a quote that is not closed"),
        (b"no zip", "a.xlsx", "File is not a zip file"),
    ],
)
async def test_a_file_that_breaks_off(store, content, name, reason):
    """The reader's reason, behind the words of the API."""
    job = await imported(store, content, name=name)
    assert job.state is JobState.FAILED
    assert job.problem == f"The file uploaded has the following error: {reason}"
    assert job.progress["failure"] == ["", job.problem]


async def test_what_was_imported_before_a_failure_is_told(store):
    """Rule 14.2b: rows really created before the break."""
    book = {"patient": ROWS, "household": [["name"], ["x"]]}
    job = await many(store, book)
    assert (job.state, counts(job)[0]) == (JobState.FAILED, 1)
    column, text = job.progress["failure"]
    assert column == "case_id"
    assert text.startswith('Error: The spreadsheet has no column named "case_id"')


# Rule 18.3: warnings


@pytest.mark.parametrize(
    ("rows", "fields", "told"),
    [
        ([["case_id", "a", "a"], ["", "x", "x"]], {}, ("Duplicate column", "a", [])),
        (
            [["name", "hh", "case_id"], ["x", "y", ""]],
            {"name_column": "hh"},
            ("Ignored column", "name", []),
        ),
        ([["case_id", "a"]], {}, ("Empty sheet", "", [])),
        (
            [["case_id", "a"], ["", "x"], ["", "b\x01c"]],
            {},
            ("Control characters removed", "a", [[3, 3]]),
        ),
        (
            [["case_id", "a"], ["", "31/12/2020"], ["", "2020-12-31"]],
            {},
            ("Text looks like a date", "a", [[2, 2]]),
        ),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
async def test_a_warning(store, rows, fields, told):
    """Each of these titles, of a CSV."""
    job = await imported_rows(store, *rows, **fields)
    found = job.progress["report"]["warnings"]
    assert [(w["title"], w["column"], w["rows"]) for w in found] == [told]
    assert counts(job)[2] == 0


async def test_a_warning_of_a_cell_with_an_error(store, tmp_path):
    """The text of the error is taken (rule 4.3b)."""
    rows = [["case_id", "a"], [None, workbooks.formula("#N/A")]]
    path = workbooks.write_xlsx(tmp_path / "a.xlsx", rows)
    job = await imported(store, path.read_bytes(), name="a.xlsx")
    assert warnings(job) == [("Error value in cell", "a")]
    [case] = build.cases_of(store).values()
    assert case.properties["a"] == "#N/A"


async def test_a_warning_of_merged_cells(store, tmp_path):
    """The others are blank, so they empty properties (rule 4.2b)."""
    book = openpyxl.Workbook()
    for row in (["case_id", "a"], ["", "x"], ["", None]):
        book.active.append(row)
    book.active["C3"] = "y"
    book.active.merge_cells("B2:B3")
    book.save(tmp_path / "a.xlsx")
    content = (tmp_path / "a.xlsx").read_bytes()
    job = await imported(store, content, name="a.xlsx")
    [beside, warning] = sorted(
        job.progress["report"]["warnings"], key=itemgetter("title"), reverse=True
    )
    assert (warning["title"], warning["rows"]) == ("Merged cells", [[2, 3]])
    assert (beside["title"], beside["column"]) == ("Value without a header", "C")


async def test_what_the_reader_noticed_is_among_the_warnings(store):
    """Of the file and its rows, with the first value it is about (rule 18.3a)."""
    content = 'case_id;name\xa0;p\n;Zoë;="007"\n;x;y\n;z;="1"\n'.encode("cp1252")
    job = await imported(store, content, create=True)
    found = job.progress["report"]["warnings"]
    assert [(w["title"], w["column"], w["rows"], w["sample"]) for w in found] == [
        ("Encoding assumed", "", [[1, 1]], '"name\xa0" in row 1'),
        ("Delimiter detected", "", [], None),
        ("Header trimmed", "name", [], None),
        ("Text formula", "p", [[2, 2], [4, 4]], None),
    ]


async def test_a_row_that_an_unquoted_delimiter_has_shifted_fails(store):
    """With its cells; the rows around it are imported (rule 4.1c)."""
    content = b"case_id,name,p\n,A,1\n,Smith, John,2\n,B,3\n"
    job = await imported(store, content, create=True)
    report = job.progress["report"]
    assert (report["created"], report["failed"]) == (2, 1)
    [error] = report["errors"]
    assert (error["title"], error["rows"]) == ("Too Many Cells", [[3, 3]])
    assert "4 cells, 3 headers:  | Smith |  John | 2" in error["sample"]


async def test_the_header_may_stand_further_down(store):
    """Rows above it are not read, those below keep their numbers (rule 2.6a)."""
    content = b"A title, of 2020\n\ncase_id,name\n,A\n\n,\n,B\n,C,D\n"
    job = await imported(store, content, create=True, header_row=3)
    report = job.progress["report"]
    assert (report["created"], report["blank"]) == (2, 2)
    assert report["errors"][0]["rows"] == [[8, 8]]
    assert (job.progress["done"], job.progress["total"]) == (5, 5)


async def test_hidden_sheets_are_left_out_and_told(store, tmp_path):
    """The first one that can be seen is imported (rules 4.2 and 5.1)."""
    book = openpyxl.Workbook()
    book.active.title = "lists"
    book.active.append(["code", "label"])
    book.active.sheet_state = "hidden"
    for title in ("Data", "More"):
        sheet = book.create_sheet(title)
        sheet.append(["case_id", "name"])
        sheet.append([None, title])
    book.active = 1
    book.save(tmp_path / "a.xlsx")
    path = tmp_path / "a.xlsx"
    looked = looked_into(
        path,
        path.name,
        wanted(create=True),
        store=store,
        domain=build.DOMAIN,
        limits=DEFAULT_LIMITS,
    )
    assert [sheet.title for sheet in looked.sheets] == ["Data"]
    assert looked.ignored_sheets == ("More", "lists")
    job = await imported(
        store,
        path.read_bytes(),
        name=path.name,
        create=True,
        sheets=looked.sheets,
        ignored_sheets=looked.ignored_sheets,
    )
    report = job.progress["report"]
    assert report["created"] == 1
    assert {w["description"] for w in report["warnings"]} == {
        "The sheet 'lists' is hidden",
        "The sheet 'More' was left out: only the first one, 'Data', was imported",
    }


async def test_samples_are_short_and_candidates_few(store):
    """The first bad value, cut to 100 characters; ten ids at most."""
    for n in range(12):
        made(store, f"c{n:02}", external_id="x")
    job = await imported_rows(store, ["external_id", "a"], ["x", "1"], **EXTERNAL)
    [group] = job.progress["report"]["errors"]
    assert group["candidates"] == [f"c{n:02}" for n in range(10)]
    assert group["sample"] == 'Sample: Cell in row 2 contains "x"'
    job = await imported_rows(store, ["case_id", "name"], ["", "n" * 300])
    [group] = job.progress["report"]["errors"]
    assert group["sample"] == f'Sample: Cell in row 2 contains "{"n" * 100}"'


# Rule 20, example 21


async def test_cells_of_a_workbook_become_properties(store, tmp_path):
    """Example 21: each cell of HQ's reading test, as a case has it."""
    cells = {
        "i": (28, "28"),
        "f": (5.0, "5"),
        "g": (5.1, "5.1"),
        "d": (workbooks.shown(32331, "yyyy-mm-dd"), "1988-07-07"),
        "t": (workbooks.shown(42370.5, "yyyy-mm-dd hh:mm"), "2016-01-01 12:00:00"),
        "h": (workbooks.shown(0.5, "hh:mm"), "12:00:00"),
        "b": (False, "False"),
        "p": (workbooks.shown(0.49, "0%"), "0.49"),
        "s": (workbooks.formula(2), "2"),
        "n": (None, ""),
    }
    rows = [["case_id", *cells], [None, *(cell for cell, _ in cells.values())]]
    path = workbooks.write_xlsx(tmp_path / "a.xlsx", rows)
    job = await imported(store, path.read_bytes(), name="a.xlsx")
    assert counts(job)[0] == 1
    [case] = build.cases_of(store).values()
    assert dict(case.properties) == {name: text for name, (_, text) in cells.items()}


# Rules 7, 14 and 17: on the way


async def test_a_name_of_a_waiting_case_closes_its_chunk(store):
    """Step 7: also as a ``parent_id``, which then is none."""
    head = ["external_id", "name", "parent_id"]
    rows = [["p", "P", ""], ["c", "C", "p"], ["d", "D", ""]]
    job = await imported_rows(store, head, *rows, **EXTERNAL)
    assert counts(job) == (2, 0, 1, 0, 2)
    assert errors(job) == [("Invalid Parent ID", "parent_id", [3])]


async def test_an_import_is_cancelled_while_it_runs(store):
    """Rule 18.4a: after the running chunk; what was stored is told and stays."""
    rows = [["", n] for n in range(1200)]
    job = enqueue(store, a_csv(["case_id", "age"], *rows))

    async def cancelled(context):
        step = context.step

        async def once(commands, advance):
            found = await step(commands, advance)
            with store.writing(build.DOMAIN) as writer:
                jobs.cancel(writer.conn, job.key, now=build.NOW)
                notes = {"cancelled_by": "Amina"}
                annotate(writer, job.key, notes, author=IMPORTER, now=build.NOW)
            return found

        context.step = once
        return await import_excel(context)

    async with working(store, {EXCEL: cancelled}) as worker:
        await worker.see_through(job.key)
    ended = job_of(store, job)
    status = status_of(ended)
    created = status["result"]["created_count"]
    assert 0 < created < len(rows)
    assert created == len(build.cases_of(store))
    [error] = status["result"]["errors"]
    done = ended.progress["done"]
    assert (status["state"], error["title"]) == (3, "Import Failed")
    assert error["description"] == f"Cancelled by Amina after {done} rows"


@pytest.mark.parametrize(
    ("done", "total", "percent"),
    [(0, 0, None), (1, 3, 33), (2, 3, 66), (299, 300, 99), (300, 300, 100)],
)
async def test_how_far_an_import_is(store, done, total, percent):
    """Rule 14.2a: rounded down, null before the first row."""
    job = enqueue(store, a_csv(*ROWS))
    running = replace(
        job, state=JobState.RUNNING, progress={"done": done, "total": total}
    )
    assert status_of(running) == {
        "state": 1,
        "progress": {"percent": percent},
        "result": None,
    }


async def test_a_rebuild_leaves_imports_alone(store):
    """Rule 17.5: the same cases from the log, and the same account."""
    job = await imported_rows(store, *ROWS, ["", "n" * 300])
    before = build.derived(store)
    rebuild(store, build.DOMAIN)
    assert build.derived(store) == before
    assert job_of(store, job) == job


async def test_what_cannot_be_read_back_is_told(store):
    """Rule 14.4: the words of HQ where nothing better is known."""
    job = enqueue(store, a_csv(*ROWS))
    [error] = status_of(replace(job, state=JobState.FAILED))["result"]["errors"]
    assert error["description"] == "Unknown Failure"
    assert (error["title"], error["column"], error["rows"]) == ("Import Failed", "", [])
