"""Files without end that are no rows: blank lines, blank rows, brackets (siege: S10).

What was read is told by the row of the refusal, so none of these is read to its end.
"""

from __future__ import annotations

import json

import pytest

from importers.haplo.json_records import BadJson, json_records
from importers.haplo.readers import FileBroken, Source, records_of
from importers.haplo.xml_records import BadXml, texts_of, xml_records
from importers.sunbird.rules.columns import ObjectType, Refused
from importers.sunbird.table import count_records
from importers.tables.unreadable import DEFAULT_LIMITS, Limits, Reason
from tests.kit.tables import read, refusal
from tests.kit.workbooks import ods_cell, raw_xlsx, write_ods

LINES = DEFAULT_LIMITS.lines
SHEET_ROWS = DEFAULT_LIMITS.sheet_rows


def too_many(lines=LINES, row=LINES + 1):
    return (
        f"Row {row} is behind {lines} lines, and no more are read. "
        "Blank rows count: delete those at the end, or split the file"
    )


def written(folder, content, name="a.csv"):
    """Write the bytes of a file."""
    path = folder / name
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "a.txt"])
@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r", b"  \n", b",,\n", b'""\n'])
def test_blank_lines_without_end_are_refused(tmp_path, name, end):
    """Whatever a blank line is made of, and whatever the file is called."""
    limits = Limits(lines=1000)
    path = written(tmp_path, b"id,name\n1,Ada\n" + end * 1001, name)
    assert refusal(path, limits=limits) == (Reason.ROWS, too_many(1000, 1001))


def test_as_many_lines_as_may_be_are_read(tmp_path):
    """The limit is the last that is good; blank lines are no rows."""
    path = written(tmp_path, b"id,name\n1,Ada\n" + b"\n" * 998)
    _, rows = read(path, limits=Limits(lines=1000))
    assert rows == [(2, "1", "Ada")]


def test_lines_inside_of_a_cell_count(tmp_path):
    """A single row may not take all of the time, either."""
    path = written(tmp_path, b'id,name\n1,"' + b"\n" * 2000 + b'"\n')
    assert refusal(path, limits=Limits(lines=1000)) == (Reason.ROWS, too_many(1000, 2))


def test_line_breaks_alone_are_refused_early(tmp_path):
    """What siege sent: line breaks and nothing else, more than are ever read."""
    path = written(tmp_path, b"id,name\n" + b"\n" * (LINES + 1000))
    assert refusal(path) == (Reason.ROWS, too_many())


@pytest.mark.parametrize(
    "properties",
    [
        {"read": "tsv-with-name-row"},
        {"read": "csv-with-name-row"},
        {"read": "tsv-with-name-row", "separator": "||"},
    ],
    ids=["tabs", "commas", "a separator of two"],
)
def test_line_breaks_alone_break_a_batch_off_early(tmp_path, properties):
    """The reason is in the log of the batch."""
    path = written(tmp_path, b"\n" * (LINES + 1000))
    with pytest.raises(FileBroken) as told:
        list(records_of(Source(name="people", path=path, properties=properties)))
    assert str(told.value) == f"Could not read file people: {too_many()}"


def test_line_breaks_alone_are_no_upload(tmp_path):
    """The upload is refused, so that no process begins."""
    path = written(tmp_path, b"\n" * (LINES + 1000))
    with pytest.raises(Refused) as told:
        count_records(path, ObjectType.LOCATION)
    assert str(told.value) == f"Please provide valid csv file. {too_many()}"


# -- workbooks ---------------------------------------------------------------

HEADER = '<row r="1"><c r="A1" t="inlineStr"><is><t>id</t></is></c></row>'
UNSAVED = '<row r="2"><c r="A2"><f>1+1</f></c></row>'
"""A formula without a result has the sheet parsed once more, element by element."""


def test_blank_rows_of_a_sheet_without_end_are_refused(tmp_path):
    """A spreadsheet writes no more rows than a sheet can have."""
    blank = "<row/>" * SHEET_ROWS
    path = raw_xlsx(tmp_path / "a.xlsx", HEADER + UNSAVED + blank)
    reason, text = refusal(path, limits=Limits(ratio=10**6))
    assert reason is Reason.ROWS
    assert text == (
        f"A sheet has more than {SHEET_ROWS} rows. "
        "Blank rows count: delete those below the data, and save it again"
    )


def test_blank_rows_of_an_opendocument_without_end_are_refused(tmp_path):
    """The same for the format in which rows may be repeated as well."""
    failed = [ods_cell("Err:502", value_type="string", error=True)]
    rows = [[ods_cell("id", value_type="string")], failed, *[[]] * SHEET_ROWS]
    path = write_ods(tmp_path / "a.ods", rows)
    reason, text = refusal(path, limits=Limits(ratio=10**6))
    assert reason is Reason.ROWS
    assert f" has more than {SHEET_ROWS} rows. Blank rows count" in text


@pytest.mark.parametrize("repeated", [SHEET_ROWS, 9_999_999])
def test_blank_rows_that_are_repeated_cost_nothing(tmp_path, repeated):
    """What every spreadsheet writes below its data is no row."""
    rows = [
        [ods_cell("id", value_type="string")],
        [ods_cell("1", value_type="string")],
    ]
    blank = f'<table:table-row table:number-rows-repeated="{repeated}"/>'
    rows.append([f"</table:table-row>{blank}<table:table-row>"])
    path = write_ods(tmp_path / "a.ods", rows)
    assert read(path)[1] == [(2, "1")]


# -- other formats of batches ------------------------------------------------

ELEMENTS = b"<r>" + b"<a/>" * 1001 + b"</r>"


@pytest.mark.parametrize(
    ("content", "reader"),
    [
        (b"[" + b"1," * 1000 + b"1]", "json"),
        (json.dumps(dict.fromkeys(map(str, range(1001)))).encode(), "json"),
        (ELEMENTS, "xml-attributes"),
        (ELEMENTS, "xml-text-of-children"),
        (b"a\n" + b"1\n" * 1001, "tsv-with-name-row"),
        (b"a\n" + b"1\n" * 1001, "csv-with-name-row"),
    ],
    ids=["array", "object", "attributes", "children", "tabs", "commas"],
)
def test_records_without_end_are_refused(tmp_path, content, reader):
    """One limit for every format, and as many as may be are read."""
    path = written(tmp_path, content)
    source = Source(name="people", path=path, properties={"read": reader})
    assert len(list(records_of(source, most=1001))) == 1001
    found = []
    with pytest.raises(FileBroken) as told:
        found.extend(records_of(source, most=1000))
    assert str(told.value) == (
        "Could not read file people: it has more than 1000 records; split it"
    )


@pytest.mark.parametrize("content", [b"[1,[", b'[1,"'])
def test_an_element_of_json_without_end_is_refused(tmp_path, content):
    """Brackets or letters: its bytes count, and it is told which one it is."""
    path = written(tmp_path, content + content[-1:] * 1000)
    found = []
    with pytest.raises(BadJson) as told:
        found.extend(json_records(path, longest=900))
    assert found == [(1, 1)]
    assert str(told.value) == "element 2 has more than 900 bytes"


@pytest.mark.parametrize("whole", [True, False])
def test_a_record_of_xml_without_end_is_refused(tmp_path, whole):
    """Its elements count, and the line is told."""
    path = written(tmp_path, b"<r>\n<a>" + b"<b/>" * 1000 + b"</a></r>")
    with pytest.raises(BadXml) as told:
        list(xml_records(path, texts_of, whole=whole, most=900))
    assert str(told.value) == "a record has more than 900 elements (line 2)"
