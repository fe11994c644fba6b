"""Exports of a ledger: which cases and forms, from which moment, how they are read."""

from __future__ import annotations

import csv
import io
import json
from itertools import count
from operator import itemgetter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl import load_workbook
from openpyxl.utils.escape import unescape

from api.cases.answers import decode_case
from importers.export.formats import Format
from importers.export.write import export_cases, export_forms
from ledger.cases.change import Intent
from ledger.commands.form_states import ChangeForms
from ledger.entry import Author, Kind
from ledger.errors import Conflict
from ledger.store import open_store
from projections.cases.by_id import case_any
from projections.forms.stream import stream_forms
from projections.lists.stream import stream_cases
from tests.kit.build import (
    a_block,
    a_change,
    a_create,
    a_domain,
    a_file,
    a_flag,
    a_form,
    an_update,
    changes,
    submit,
    write,
)
from tests.kit.plans import plans, sorts, walks

OTHER = "http://example.org/forms/other"
LEGAL = st.characters(
    exclude_categories=("Cs",),
    exclude_characters=[chr(c) for c in range(32) if chr(c) not in "\t\n\r"]
    + ["\ufffe", "\uffff"],
)
VALUES = st.one_of(
    st.text(LEGAL, max_size=12), st.text("_x0041\r\n\t \"',=+-@", max_size=12)
)
PROPERTIES = st.dictionaries(
    st.sampled_from(("p", "a.b", "é", "_x0041_", "indices")), VALUES
)
_DOMAINS = count(1)

every_format = pytest.mark.parametrize("file_format", list(Format))


def exported(store, export, file_format, *, domain="demo", **options):
    """Export everything and read it again: the rows by column, empty cells left out."""
    out = io.BytesIO()
    with store.snapshot(domain) as reader:
        told = export(reader, out, file_format=file_format, **options)
    rows = READERS[file_format](out.getvalue())
    assert len(rows) == told
    return rows


def read_csv(content):
    """Return the rows of a CSV file."""
    text = io.StringIO(content.decode(), newline="")
    return [filled(row) for row in csv.DictReader(text, strict=True)]


def read_xlsx(content):
    """Return the rows of a workbook of one sheet."""
    names, *rows = load_workbook(io.BytesIO(content)).active.iter_rows(values_only=True)
    names = [unescape(name) for name in names]
    return [
        filled(
            dict(zip(names, (unescape(text or "") for text in row), strict=True)),
        )
        for row in rows
    ]


def read_jsonl(content):
    """Return the objects of a file."""
    return [json.loads(line) for line in content.splitlines()]


READERS = {Format.CSV: read_csv, Format.XLSX: read_xlsx, Format.JSONL: read_jsonl}


def filled(row):
    """Return the cells that are not empty."""
    return {name: text for name, text in row.items() if text}


def names_of(content):
    """Return the names at the top of a CSV file."""
    return next(csv.reader(io.StringIO(content.decode(), newline="")))


@pytest.fixture
def clinic(store):
    """Return a domain with an open, a closed, a deleted and a changed case."""
    a_domain(store)
    for body in (
        a_form([a_create("h1", create={"case_type": "household"})]),
        a_form([a_create("c1", index={"parent": ("h1", "household", "child")})]),
        a_form([a_create("c2", close=True), a_create("gone")]),
        a_form([an_update("h1", village="Tamrisle", note="=1+1")]),
    ):
        submit(store, body)
    write(store, a_flag("gone"))
    return store


@every_format
def test_every_case_is_there_but_deleted_ones(clinic, file_format):
    """Closed cases too, in the order in which cases last changed."""
    rows = exported(clinic, export_cases, file_format)
    assert [row["case_id"] for row in rows] == ["c1", "c2", "h1"]


@every_format
def test_one_case_type_can_be_asked_for(clinic, file_format):
    """An unknown one gives no rows."""
    asked = {"file_format": file_format, "case_type": "household"}
    assert [r["case_id"] for r in exported(clinic, export_cases, **asked)] == ["h1"]
    asked["case_type"] = "nobody"
    assert exported(clinic, export_cases, **asked) == []


def test_a_line_is_what_the_case_api_answers(clinic):
    """``rules/case-api-v2.md`` 3, key for key."""
    with clinic.snapshot("demo") as reader:
        wire = [
            decode_case(case_any(reader, case_id)) for case_id in ("c1", "c2", "h1")
        ]
    assert exported(clinic, export_cases, Format.JSONL) == wire


@pytest.mark.parametrize("file_format", [Format.CSV, Format.XLSX])
def test_tables_say_what_the_lines_say(clinic, file_format):
    """One column for each property and for each part of an index."""
    rows = {r["case_id"]: r for r in exported(clinic, export_cases, file_format)}
    wire = {r["case_id"]: r for r in exported(clinic, export_cases, Format.JSONL)}
    assert rows["h1"]["properties.note"] == "=1+1"
    assert rows["c2"]["closed"] == "true"
    for case_id, row in rows.items():
        found = wire[case_id]
        expected = {
            name: {True: "true", False: "false"}.get(value, value)
            for name, value in found.items()
            if name not in {"properties", "indices"}
        }
        for name, text in found["properties"].items():
            expected[f"properties.{name}"] = text
        for name, index in found["indices"].items():
            for key, text in index.items():
                expected[f"indices.{name}.{key}"] = text
        assert row == filled(expected)


@every_format
def test_a_domain_without_cases_gives_a_whole_file(store, file_format):
    """A header, and nothing below it."""
    a_domain(store)
    assert exported(store, export_cases, file_format) == []
    assert exported(store, export_forms, file_format) == []


@every_format
def test_the_second_reading_sees_what_the_first_saw(clinic, url, file_format):
    """A case that is written meanwhile, with a new property, is not in the file."""
    meanwhile = open_store(url)

    class Late(io.BytesIO):
        """A file that is not written to before someone else has changed a case."""

        def write(self, data):
            """Let the other write go first."""
            if not self.tell():
                submit(meanwhile, a_form([an_update("c1", late="yes")]))
            return super().write(data)

    out = Late()
    with clinic.snapshot("demo") as reader:
        assert export_cases(reader, out, file_format=file_format) == 3
    meanwhile.close()
    rows = READERS[file_format](out.getvalue())
    assert [row["case_id"] for row in rows] == ["c1", "c2", "h1"]
    assert "late" not in json.dumps(rows)
    late = exported(clinic, export_cases, Format.JSONL)[-1]
    assert late["properties"]["late"] == "yes"


def test_the_progress_ends_where_it_should(clinic):
    """Two readings for a table, one for lines."""
    for file_format, total in ((Format.JSONL, 3), (Format.CSV, 6)):
        told = Told()
        exported(clinic, export_cases, file_format, progress=told)
        assert told.steps == [(total, total)]


class Told:
    """What an export says of its progress."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.steps = []

    def __call__(self, done, total):
        """Note a step."""
        self.steps.append((done, total))


@every_format
def test_only_normal_forms_are_exported(store, file_format):
    """Not the errors, duplicates, archived ones and those that an edit replaced."""
    a_domain(store)
    submit(store, a_form([a_create("c1")], form_id="f1"))
    submit(store, a_form([a_create("c2")], form_id="archived"))
    submit(store, a_form([a_block("c3", date_modified="soon")], form_id="error"))
    submit(store, a_form([an_update("c1", p="1")], form_id="edited"))
    submit(store, a_form([an_update("c1", p="2")], form_id="edited"))
    submit(store, a_form([an_update("c1", p="1")], form_id="other", xmlns=OTHER))
    submit(store, b"no form")
    archive = ChangeForms(
        form_ids=("archived",), kind=Kind.ARCHIVE, author=Author(user_id="u")
    )
    write(store, archive)
    rows = {row["id"]: row for row in exported(store, export_forms, file_format)}
    assert list(rows) == ["edited", "f1", "other"]
    some = exported(store, export_forms, file_format, xmlns=OTHER)
    assert [row["id"] for row in some] == ["other"]
    found = rows["edited"]
    if file_format is Format.JSONL:
        assert found["form"]["case"]["update"]["p"] == "2"
    else:
        assert found["form.case.update.p"] == "2"
    assert found["received_on"] < found["indexed_on"]


def test_a_form_is_told_with_its_files(store):
    """Names, types and lengths; in a table as JSON in one column."""
    a_domain(store)
    submit(store, a_form([a_create()], form_id="f1"), attachments=[a_file("é.jpg")])
    [line] = exported(store, export_forms, Format.JSONL)
    assert line["attachments"] == {"é.jpg": {"content_type": "image/jpeg", "length": 7}}
    assert line["metadata"]["userID"] == line["form"]["meta"]["userID"] == "u-amina"
    [row] = exported(store, export_forms, Format.CSV)
    assert json.loads(row["attachments"]) == line["attachments"]


def test_forms_of_one_kind_have_no_columns_of_another(store):
    """``rules/hq-apis.md`` 15.2: one column for each leaf of the forms asked for."""
    a_domain(store)
    submit(store, a_form(form_id="f1", inside="<a><b>1</b></a>"))
    submit(store, a_form(form_id="f2", xmlns=OTHER, inside="<z>1</z>"))
    out = io.BytesIO()
    with store.snapshot("demo") as reader:
        export_forms(reader, out, file_format=Format.CSV, xmlns=OTHER)
    names = names_of(out.getvalue())
    assert "form.z" in names
    assert "form.a.b" not in names


def test_a_text_that_excel_cannot_hold_leaves_the_store_as_good_as_new(store):
    """The refusal ends the stream; the same connection goes on serving."""
    a_domain(store)
    submit(store, a_form([a_create("c1"), an_update("c1", p="x" * 40_000)]))
    with pytest.raises(Conflict, match=r"'properties\.p'"):
        exported(store, export_cases, Format.XLSX)
    [row] = exported(store, export_cases, Format.JSONL)
    assert len(row["properties"]["p"]) == 40_000


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.lists(PROPERTIES, min_size=1, max_size=3))
def test_whatever_a_case_holds_comes_back(store, drawn):
    """Any text that XML can carry is the same in each format."""
    domain = a_domain(store, f"d{next(_DOMAINS)}")
    rows = [
        a_change(Intent.CREATE, external_id=f"x{n}", properties=properties)
        for n, properties in enumerate(drawn)
    ]
    write(store, changes(*rows), domain=domain)
    lines = exported(store, export_cases, Format.JSONL, domain=domain)
    lines.sort(key=itemgetter("external_id"))
    assert [line["properties"] for line in lines] == drawn
    for file_format in (Format.CSV, Format.XLSX):
        found = exported(store, export_cases, file_format, domain=domain)
        found.sort(key=itemgetter("external_id"))
        assert [properties_in(row) for row in found] == [filled(p) for p in drawn]


def properties_in(row):
    """Return the properties of a row of a table."""
    start = "properties."
    return {n.removeprefix(start): t for n, t in row.items() if n.startswith(start)}


@pytest.mark.parametrize("asked", [{}, {"case_type": "t"}], ids=["every", "of a type"])
def test_cases_are_streamed_along_an_index(store, asked):
    """No database sorts a domain before the first case comes."""
    a_domain(store)
    assert_no_sort(store, lambda r: list(stream_cases(r, **asked)))


@pytest.mark.parametrize("asked", [{}, {"xmlns": "x"}], ids=["every", "of an xmlns"])
def test_forms_are_streamed_along_an_index(store, asked):
    """No database sorts a domain before the first form comes."""
    a_domain(store)
    assert_no_sort(store, lambda r: list(stream_forms(r, **asked)))


def assert_no_sort(store, ask):
    """Fail if the plan of a question has a step that sorts or reads a table whole."""
    with store.snapshot("demo") as reader:
        [plan] = plans(reader.conn, lambda: ask(reader))
    assert "INDEX" in plan.upper() or "PRIMARY KEY" in plan
    assert not sorts(plan), plan
    assert not walks(plan), plan
