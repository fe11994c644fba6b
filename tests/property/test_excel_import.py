"""Any table imports, every row is counted once, and a dry run tells the truth."""

from __future__ import annotations

from contextlib import contextmanager
from xml.sax.saxutils import escape

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from importers.excel.rules.options import SearchField
from ledger.forms.names import is_legal
from ledger.ids import new_id
from ledger.jobs.values import JobState
from tests.importers.tables.test_two_readers import CELLS, DAYS, TEXTS, as_file
from tests.kit import build, workbooks
from tests.kit.spreadsheets import a_csv, imported, imported_rows, made

HEADERS = (
    "external_id",
    "name",
    "age",
    "owner_name",
    "parent_external_id",
    "parent_relationship_type",
    "parent_identifier",
    "close",
    "case_type",
    "hq_user_id",
)
WORDS = st.one_of(
    st.sampled_from(
        ["", "---", "a", "b", "c", "yes", "patient", "extension", "amina", "#N/A"]
    ),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=6),
    st.integers().map(str),
    st.just("x" * 300),
)
TABLES = st.lists(
    st.lists(WORDS, min_size=len(HEADERS), max_size=len(HEADERS)), max_size=12
)
EXTERNAL = {"search_field": SearchField.EXTERNAL_ID}
some = settings(
    max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
few = settings(some, max_examples=6)


@contextmanager
def a_domain_of_its_own(store):
    """Let an example begin with an empty domain."""
    old, build.DOMAIN = build.DOMAIN, f"d-{new_id()}"
    try:
        yield build.a_domain(store, build.DOMAIN)
    finally:
        build.DOMAIN = old


def total(report):
    names = ("created", "updated", "failed", "blank", "unmatched")
    return sum(report[name] for name in names)


def told(job):
    """Return what an import tells; ids that it made are its own."""
    report = dict(job.progress["report"])
    report["errors"] = [
        {**group, "candidates": len(group["candidates"] or ())}
        for group in report["errors"]
    ]
    return report


async def tried_and_done(store, content, **wish):
    """Import a file, and check that a dry run said exactly what happened."""
    dry = await imported(store, content, dry_run=True, **wish)
    real = await imported(store, content, **wish)
    assert (dry.state, real.state) == (JobState.DONE, JobState.DONE), real.problem
    assert told(dry) == told(real)
    assert total(real.progress["report"]) == real.progress["done"]
    return real


@some
@given(rows=TABLES, create=st.booleans(), by=st.sampled_from(SearchField))
async def test_every_row_ends_once_and_a_dry_run_predicts_it(store, rows, create, by):
    """rules/excel-import.md 18.1, 18.2: the same counts, errors, warnings, forms."""
    rows = [[text.replace("\0", "") for text in row] for row in rows]
    search = {"search_field": by}
    if by is SearchField.CASE_ID:
        search["search_column"] = "hq_user_id"
    with a_domain_of_its_own(store):
        made(store, "a", external_id="a")
        made(store, "b", external_id="b", case_type="household")
        content = a_csv(HEADERS, *rows)
        await tried_and_done(store, content, create=create, **search)


# The same file again

KNOWN = st.lists(
    st.tuples(
        st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=3),
        st.sampled_from(["Ada", "Bo", "", "---"]),
        st.sampled_from(["", "1", "---", "é\n"]),
        st.sampled_from(["", "amina", "nobody"]),
        st.sampled_from(["", "p", "nope"]),
    ),
    max_size=8,
)


def states(store):
    """Return what cases are, without when they became so."""
    return {
        i: [
            *(c.case_type, c.case_name, c.owner_id, c.external_id, c.closed),
            *(dict(c.properties), dict(c.indices)),
        ]
        for i, c in build.cases_of(store, build.DOMAIN).items()
    }


@some
@given(rows=KNOWN)
async def test_the_same_file_again_changes_nothing_by_external_id(store, rows):
    """Issue 4: nothing is created, and every case is as it was."""
    head = ["external_id", "name", "age", "owner_name", "parent_external_id"]
    with a_domain_of_its_own(store):
        made(store, "p", external_id="p'")
        rows = [[*row[:4], row[4] and f"{row[4]}'"] for row in rows]
        first = await imported_rows(store, head, *rows, **EXTERNAL)
        before = states(store)
        again = await imported_rows(store, head, *rows, **EXTERNAL)
        after = states(store)
    one, two = first.progress["report"], again.progress["report"]
    assert (two["created"], two["failed"]) == (0, one["failed"])
    assert two["updated"] == one["created"] + one["updated"]
    assert after == before


@some
@given(rows=KNOWN)
async def test_the_same_file_again_changes_nothing_by_case_id(store, rows):
    """The ids that were made are looked up in the cases, and written into the file."""
    head = ["case_id", "external_id", "name", "age", "owner_name", "parent_id"]
    with a_domain_of_its_own(store):
        made(store, "p")
        rows = [["", f"{n}-{row[0]}", *row[1:]] for n, row in enumerate(rows)]
        await imported_rows(store, head, *rows)
        ids = {c.external_id: i for i, c in build.cases_of(store, build.DOMAIN).items()}
        kept = [[ids[row[1]], *row[1:]] for row in rows if row[1] in ids]
        before = states(store)
        again = await imported_rows(store, head, *kept)
        after = states(store)
    report = again.progress["report"]
    assert (report["created"], report["updated"]) == (0, len(kept))
    assert after == before


# Every format

COLUMNS = ("external_id", "name", "age", "owner_name", "parent_external_id")


def rows_of(cells, **size):
    return st.lists(
        st.lists(cells, min_size=len(COLUMNS), max_size=len(COLUMNS)), **size
    )


def as_xls(folder, rows):
    """Return an old workbook; a tuple is a number under a format of dates."""
    forms = {
        (n, place): "yyyy-mm-dd"
        for n, row in enumerate(rows, start=1)
        for place, cell in enumerate(row)
        if isinstance(cell, tuple)
    }
    plain = [[c[0] if isinstance(c, tuple) else c for c in row] for row in rows]
    path = workbooks.write_xls(folder / "a.xls", [list(COLUMNS), *plain], forms=forms)
    return path.read_bytes()


def as_ods(folder, rows):
    """Return an OpenDocument spreadsheet of cells in XML."""
    head = [workbooks.ods_cell(name, value_type="string") for name in COLUMNS]
    return workbooks.write_ods(folder / "a.ods", [head, *rows]).read_bytes()


OLD_CELLS = st.one_of(
    st.none(),
    TEXTS,
    st.integers(-(10**15), 10**15),
    st.floats(allow_nan=False, allow_infinity=False),
    st.booleans(),
    DAYS.map(lambda day: (day,)),
    st.sampled_from((0, 7, 15, 23, 29, 36, 42)).map(workbooks.XlsError),
)
ODS_CELLS = st.one_of(
    st.just("<table:table-cell/>"),
    TEXTS.map(
        lambda text: workbooks.ods_cell(
            escape("".join(filter(is_legal, text))), value_type="string"
        )
    ),
    st.floats(allow_nan=False, allow_infinity=False).map(
        lambda number: workbooks.ods_cell("x", value_type="float", value=number)
    ),
    st.dates().map(
        lambda day: workbooks.ods_cell("x", value_type="date", date_value=day)
    ),
    st.sampled_from(["true", "false"]).map(
        lambda word: workbooks.ods_cell("x", value_type="boolean", boolean_value=word)
    ),
    st.just(workbooks.ods_cell("#N/A", value_type="string", error=True)),
)
CSV_CELLS = TEXTS.map(lambda text: text.replace("\0", ""))
FORMATS = {
    "xlsx": (CELLS, lambda _, rows: as_file([list(COLUMNS), *rows])),
    "xls": (OLD_CELLS, as_xls),
    "ods": (ODS_CELLS, as_ods),
    "csv": (CSV_CELLS, lambda _, rows: a_csv(COLUMNS, *rows)),
}


@pytest.mark.parametrize("kind", FORMATS)
@few
@given(data=st.data())
async def test_any_table_of_any_format_imports(store, tmp_path, kind, data):
    """Unicode, formulas, errors, blanks, huge numbers, dates of 1900."""
    cells, write = FORMATS[kind]
    content = write(tmp_path, data.draw(rows_of(cells, min_size=1, max_size=6)))
    with a_domain_of_its_own(store):
        await tried_and_done(store, content, name=f"a.{kind}", **EXTERNAL)
