"""Files that are broken, locked, lying or built to break a reader.

Each is a clear text of rules/excel-import.md 3.2, in bounded memory and time, and
harms nobody but its own process. The traps of ``rules/libraries.md`` 3.2 are here by
name.
"""

from __future__ import annotations

import io
import struct
import zipfile
from contextlib import suppress

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from importers.tables.ods_marks import check_ods
from importers.tables.unreadable import DEFAULT_LIMITS, Limits, Reason, Unreadable
from importers.tables.workbook import open_workbook
from importers.tables.xls_marks import check_xls
from importers.tables.xlsx_survey import check_xlsx
from tests.kit import workbooks
from tests.kit.tables import read, refusal
from tests.kit.workbooks import XlsError, inline, ods_cell, raw_xlsx, write_xlsx

OLE = bytes.fromhex("d0cf11e0a1b11ae1")
LOCKED = (
    "The file you want to import is password protected. "
    "Please choose a file that is not password protected."
)
LAUGHS = (
    '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">'
    '<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]>'
)


def written(folder, name, content):
    """Write the bytes of a file."""
    path = folder / name
    path.write_bytes(content)
    return path


def a_book(folder, rows=(("a", "b"), (1, 2))):
    """Write a small sound workbook."""
    return write_xlsx(folder / "sound.xlsx", rows)


@pytest.mark.parametrize("name", ["a.doc", "a", "a.xlsm", "xlsx", "a.xlsx.gz", ""])
def test_other_extensions_are_refused(tmp_path, name):
    """Check 3: also files with macros."""
    expected = "Please upload file with one of the following extensions: csv, xls, xlsx"
    assert refusal(a_book(tmp_path), name) == (Reason.FORMAT, expected)


@pytest.mark.parametrize(
    "content", [b"", b"name,age\nAda,7\n", b"<html></html>", b"PK"]
)
def test_an_xlsx_that_is_no_zip_is_refused(tmp_path, content):
    """Check 4: text, a page of a web site, zero bytes."""
    path = written(tmp_path, "a.xlsx", content)
    assert refusal(path) == (Reason.DAMAGED, "File is not a zip file")


def test_a_file_that_was_cut_is_refused(tmp_path):
    """Check 4; an upload that broke off."""
    whole = a_book(tmp_path).read_bytes()
    path = written(tmp_path, "a.xlsx", whole[: len(whole) // 2])
    assert refusal(path) == (Reason.DAMAGED, "File is not a zip file")


def test_an_encrypted_xlsx_is_told_as_such(tmp_path):
    """Check 5: it is no zip, and neither is an .xls that was renamed."""
    path = written(tmp_path, "a.xlsx", OLE + b"\0" * 2000)
    assert refusal(path) == (Reason.PASSWORD, LOCKED)
    renamed = workbooks.write_xls(tmp_path / "b.xls", [["a"]])
    assert refusal(renamed, "b.xlsx") == (Reason.PASSWORD, LOCKED)


def test_an_encrypted_xls_is_told_as_such(tmp_path):
    """Check 6."""
    path = workbooks.write_xls(tmp_path / "a.xls", [["a"], ["b"]])
    workbooks.lock_xls(path)
    assert refusal(path) == (Reason.PASSWORD, LOCKED)


def test_an_encrypted_open_document_is_told_as_such(tmp_path):
    """Its manifest says so; what it holds is no XML then."""
    path = workbooks.write_ods(
        tmp_path / "a.ods", [], manifest="<m:encryption-data></m:encryption-data>"
    )
    assert refusal(path) == (Reason.PASSWORD, LOCKED)


def test_a_zip_with_a_password_is_told_as_such(tmp_path):
    """Any part that is encrypted."""
    content = bytearray(a_book(tmp_path).read_bytes())
    for mark, flags in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        at = content.find(mark)
        while at >= 0:
            content[at + flags] |= 1
            at = content.find(mark, at + 4)
    path = written(tmp_path, "a.xlsx", bytes(content))
    assert refusal(path) == (Reason.PASSWORD, LOCKED)


def test_an_xls_is_known_by_its_content(tmp_path):
    """Check 7, and the trap of names: an .xlsx, a page, a text that are called .xls."""
    sound = a_book(tmp_path)
    assert refusal(sound, "a.xls") == (
        Reason.DAMAGED,
        "Excel xlsx file; not supported",
    )
    for content in (b"", b"<table></table>", b"a\tb\n", OLE, OLE + b"\0" * 600):
        path = written(tmp_path, "a.xls", content)
        reason, text = refusal(path)
        assert reason is Reason.DAMAGED
        assert text.startswith("File is ")


def test_an_ods_is_known_by_its_content(tmp_path):
    """An .xlsx or a text document that is called .ods."""
    expected = (Reason.DAMAGED, "File is not an OpenDocument spreadsheet")
    assert refusal(a_book(tmp_path), "a.ods") == expected
    text = "application/vnd.oasis.opendocument.text"
    path = workbooks.write_ods(tmp_path / "t.ods", [], mimetype=text)
    assert refusal(path) == expected


def test_a_zip_without_a_workbook_is_refused(tmp_path):
    """Check 18: an archive of anything, and Excel's binary format."""
    path = workbooks.write_zip(tmp_path / "a.xlsx", {"xl/workbook.bin": "x"})
    assert refusal(path) == (Reason.DAMAGED, "File is not an Excel workbook")


def test_a_workbook_without_a_worksheet_is_refused(tmp_path):
    """Check 10: none at all, or nothing but a chart."""
    for name, sheets in (
        ("none", " "),
        ("chart", '<sheet name="C" sheetId="1" r:id="rId3"/>'),
    ):
        path = raw_xlsx(
            tmp_path / f"{name}.xlsx",
            "",
            sheets=sheets,
            parts=[("xl/c.xml", "<chartsheet/>")],
        )
        reason, text = refusal(path)
        assert reason is Reason.NO_SHEETS
        assert text == (
            "It seems as though your spreadsheet contains no sheets. "
            "Please resave it and try again."
        )


def test_rows_and_columns_have_limits(tmp_path):
    """Checks 15 and 16, of both readers."""
    rows = [["a", "b", "c"], [1], [2], [3]]
    path = a_book(tmp_path, rows)
    assert refusal(path, limits=Limits(columns=2)) == (
        Reason.COLUMNS,
        "Your spreadsheet has too many columns. A maximum of 2 is supported.",
    )
    for readers in (("calamine",), ("openpyxl",)):
        limits = Limits(rows=2)
        with (
            pytest.raises(Unreadable) as told,
            open_workbook(
                path, "xlsx", sheet=None, limits=limits, readers=readers
            ) as reading,
        ):
            list(reading.rows())
        assert told.value.reason is Reason.ROWS
        assert told.value.text == (
            "Your spreadsheet has too many rows. A maximum of 2 is supported."
        )
    assert len(read(path, limits=Limits(rows=3, columns=3))[1]) == 3


def test_a_file_that_is_too_large_is_not_opened(tmp_path):
    """rules/excel-import.md 16.1."""
    path = written(tmp_path, "a.xlsx", b"x" * 2_000_001)
    limits = Limits(file_size=2_000_000)
    assert refusal(path, limits=limits) == (
        Reason.SIZE,
        "The file is larger than 2 MB.",
    )


def test_trap_sparse_sheet(tmp_path):
    """A1 and XFD1048576: 17 billion cells in a few bytes, which abort calamine."""
    data = (
        f'<row r="1">{inline("A1", "x")}</row>'
        f'<row r="1048576">{inline("XFD1048576", "y")}</row>'
    )
    path = raw_xlsx(tmp_path / "a.xlsx", data)
    assert refusal(path) == (
        Reason.DAMAGED,
        "The sheet 'S' spans 17179869184 cells. A maximum of 1000000000 is supported.",
    )
    with pytest.raises(Unreadable) as told:
        open_workbook(
            path, "xlsx", sheet=None, limits=DEFAULT_LIMITS, readers=("calamine",)
        )
    assert told.value.text == "Reading the file needs more memory than 256 MB"


def test_trap_sparse_sheet_of_an_old_workbook(tmp_path):
    """A1 and IV65536 of an .xls: there is no second reader, and so it is refused."""
    book = [["a"]]
    path = workbooks.write_xls(tmp_path / "a.xls", book)
    assert read(path)[0] == ("a",)
    rows = [["a"], *[[]] * 65_534, [*[None] * 255, "z"]]
    path = workbooks.write_xls(tmp_path / "b.xls", rows)
    assert refusal(path)[0] is Reason.RESOURCES


def test_trap_repeated_cells_of_an_open_document(tmp_path):
    """A few bytes say that a cell comes a thousand million times."""
    cell = ods_cell("x", value_type="string").replace(
        "<table:table-cell", '<table:table-cell table:number-columns-repeated="16384"'
    )
    rows = [[cell]]
    path = workbooks.write_ods(tmp_path / "a.ods", rows)
    content = workbooks.parts_of(path)
    content["content.xml"] = content["content.xml"].replace(
        b"<table:table-row>", b'<table:table-row table:number-rows-repeated="1048576">'
    )
    workbooks.write_zip(path, content)
    assert refusal(path)[0] in {Reason.RESOURCES, Reason.DAMAGED}
    wrong = content["content.xml"].replace(
        b" office:", b' calcext:value-type="error" office:'
    )
    workbooks.write_zip(path, {**content, "content.xml": wrong})
    assert refusal(path) == (
        Reason.DAMAGED,
        "A cell with an error is repeated too often",
    )


def test_trap_zip_bomb(tmp_path):
    """Far more than 200 times the file, or than the limit, is not unpacked."""
    path = raw_xlsx(tmp_path / "a.xlsx", " " * 30_000_000)
    assert refusal(path) == (Reason.DAMAGED, "The file unpacks to more than 10 MB")
    limits = Limits(unpacked=1_000_000)
    assert refusal(path, limits=limits) == (
        Reason.DAMAGED,
        "The file unpacks to more than 1 MB",
    )


def test_trap_zip_bomb_that_lies(tmp_path):
    """A part that says that it is small is read no further than it says."""
    content = bytearray(raw_xlsx(tmp_path / "a.xlsx", " " * 30_000_000).read_bytes())
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        size = archive.getinfo("xl/s.xml").file_size
    old, new = struct.pack("<I", size), struct.pack("<I", 500)
    path = written(tmp_path, "a.xlsx", bytes(content).replace(old, new))
    with suppress(Unreadable):
        assert read(path) == ((), [])


def test_trap_many_parts(tmp_path):
    """An archive of thousands of files is no spreadsheet."""
    parts = {f"xl/{n}.xml": "" for n in range(2001)}
    path = workbooks.write_zip(tmp_path / "a.xlsx", parts)
    assert refusal(path) == (Reason.DAMAGED, "The file has more than 2000 parts")


@pytest.mark.parametrize("name", ["../../etc/x", "xl\\..\\..\\x", ".."])
def test_trap_path_tricks(tmp_path, name):
    """A part that would leave the folder into which nobody unpacks it."""
    path = raw_xlsx(tmp_path / "a.xlsx", "", parts=[(name, "x")])
    assert refusal(path) == (
        Reason.DAMAGED,
        "The name of a part leads out of the file",
    )


def test_two_parts_of_one_name_are_refused(tmp_path):
    """Two readers would read two different sheets."""
    path = raw_xlsx(tmp_path / "a.xlsx", "")
    with (
        zipfile.ZipFile(path, "a") as archive,
        pytest.warns(UserWarning, match="Duplicate name"),
    ):
        archive.writestr("xl/s.xml", "<worksheet/>")
    assert refusal(path) == (Reason.DAMAGED, "The file has two parts of one name")


@pytest.mark.parametrize("name", ["XL/S.XML", "xl\\s.xml", "/xl/s.xml"])
def test_two_spellings_of_one_part_are_refused(tmp_path, name):
    """Names that mean the same are one name: ``rules/excel-import.md`` 4.1e."""
    path = raw_xlsx(tmp_path / "a.xlsx", "")
    parts = workbooks.parts_of(path)
    workbooks.write_zip_as(path, {**parts, name: b"<worksheet/>"})
    assert refusal(path) == (Reason.DAMAGED, "The file has two parts of one name")


@pytest.mark.parametrize("name", ["XL/S.XML", "xl/s.dat"])
def test_a_doctype_is_found_whatever_its_part_is_called(tmp_path, name):
    """Capitals, or a name of the sender's own that a relationship names."""
    path = raw_xlsx(tmp_path / "a.xlsx", "")
    parts = workbooks.parts_of(path)
    sheet = LAUGHS.encode() + parts.pop("xl/s.xml")
    rels = "xl/_rels/workbook.xml.rels"
    parts[rels] = parts[rels].replace(b"s.xml", name[3:].encode())
    workbooks.write_zip_as(path, {**parts, name: sheet})
    assert refusal(path) == (Reason.DAMAGED, "A part of the file has a DOCTYPE")


@pytest.mark.parametrize(
    "part", ["xl/s.xml", "xl/workbook.xml", "xl/sharedStrings.xml"]
)
def test_xml_with_entities_is_refused(tmp_path, part):
    """Billion laughs, in whichever part."""
    path = raw_xlsx(tmp_path / "a.xlsx", "")
    content = workbooks.parts_of(path)
    bomb = LAUGHS.encode() + content[part].replace(b"S", b"&c;", 1)
    workbooks.write_zip(path, {**content, part: bomb})
    assert refusal(path) == (Reason.DAMAGED, "A part of the file has a DOCTYPE")


@pytest.mark.parametrize(
    "data",
    [
        '<row r="1"><c r="A1"><v>1</v></row>',
        '<row r="1"><c r="A1" t="s"><v>99</v></c></row>',
        '<row r="1"><c r="A1" t="s"><v>x</v></c></row>',
        '<row r="x"><c r="A1"><v>1</v></c></row>',
        '<row r="1"><c r="A1"><v>' + "9" * 5000 + "</v></c></row><",
    ],
)
def test_broken_sheets_are_refused(tmp_path, data):
    """Check 18: XML that is none, strings and numbers that are not there."""
    reason, text = refusal(raw_xlsx(tmp_path / "a.xlsx", data))
    assert reason is Reason.DAMAGED
    assert text.startswith(("The workbook cannot be read: ", "The part "))
    assert "\n" not in text
    assert len(text) < 400


def test_a_row_that_is_too_long_is_refused(tmp_path):
    """A row is held in memory, and so it has a limit."""
    path = a_book(tmp_path, [["a", "b"], ["x" * 600, "y" * 600]])
    assert refusal(path, limits=Limits(row_length=1000)) == (
        Reason.DAMAGED,
        "Row 2 holds more than 1000 characters",
    )
    assert read(path, limits=Limits(row_length=1200))[1]


def test_a_reader_that_takes_too_long_is_ended(tmp_path):
    """By its time on a processor, and by how long somebody waits."""
    path = a_book(tmp_path)
    assert refusal(path, limits=Limits(wait_seconds=0)) == (
        Reason.RESOURCES,
        "Reading the file took more than 0 seconds",
    )
    rows = [["a"] * 20, *[[n] * 20 for n in range(12_000)]]
    path = write_xlsx(tmp_path / "slow.xlsx", rows)
    slow = Limits(cpu_seconds=1)
    with (
        pytest.raises(Unreadable) as told,
        open_workbook(
            path, "xlsx", sheet=None, limits=slow, readers=("openpyxl",)
        ) as reading,
    ):
        list(reading.rows())
    assert told.value.text == "Reading the file took more than 1 seconds"


def test_a_reader_without_memory_is_told_as_such(tmp_path):
    """A sheet that both readers cannot hold."""
    rows = [["a"], *[[f"{n}" + "x" * 32_000] for n in range(3000)]]
    path = write_xlsx(tmp_path / "a.xlsx", rows)
    limits = Limits(memory=90 * 1024 * 1024, ratio=10**6)
    assert refusal(path, limits=limits) == (
        Reason.RESOURCES,
        "Reading the file needs more memory than 90 MB",
    )


def test_a_reader_that_is_killed_is_no_end_of_the_table(tmp_path, started):
    """Rows that did not come are never taken for rows that are not there."""
    rows = [["a"], *[[f"{n} " * 200] for n in range(5000)]]
    path = a_book(tmp_path, rows)
    with open_workbook(path, "xlsx", sheet=None, limits=DEFAULT_LIMITS) as reading:
        found = reading.rows()
        next(found)
        started[-1].kill()
        with pytest.raises(Unreadable) as told:
            list(found)
    assert told.value.reason is Reason.RESOURCES


@settings(deadline=None, max_examples=5)
@given(st.floats(0, 1), st.integers(1, 255))
@example(0.5, 1)
def test_any_damage_is_a_refusal_or_a_table(tmp_path_factory, where, change):
    """A flipped byte or a cut, at any place of any format, is never anything else."""
    folder = tmp_path_factory.mktemp("damage")
    cells = [["a", "b"], ["x", 1.5], [XlsError(0x2A), "y"]]
    for path in (
        a_book(folder, [["a", "b"], ["x", 1.5]]),
        workbooks.write_xls(folder / "a.xls", cells),
        workbooks.write_ods(folder / "a.ods", [[ods_cell("h", value_type="string")]]),
    ):
        content = bytearray(path.read_bytes())
        at = int(where * (len(content) - 1))
        content[at] ^= change
        for damaged in (bytes(content), bytes(content[:at])):
            path.write_bytes(damaged)
            with suppress(Unreadable):
                read(path)


@given(st.binary(max_size=600), st.integers(6, 12))
def test_no_bytes_surprise_the_walk_through_an_xls(noise, shift):
    """The file system in an .xls may say anything of itself."""
    header = bytearray(OLE + b"\0" * 504)
    header[30] = shift
    header[44:48] = header[72:76] = b"\1\0\0\0"
    for content in (OLE + noise, bytes(header) + noise, bytes(header[:80]) + noise):
        with suppress(Unreadable):
            check_xls(io.BytesIO(content), DEFAULT_LIMITS)


@given(st.binary(max_size=300))
def test_no_bytes_surprise_the_look_into_a_zip(noise):
    """Archives and their XML may be anything."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name in ("xl/workbook.xml", "xl/_rels/workbook.xml.rels", "content.xml"):
            archive.writestr(name, noise)
    for check in (check_xlsx, check_ods):
        for content in (noise, b"PK\3\4" + noise, out.getvalue()):
            with suppress(Unreadable):
                check(io.BytesIO(content), DEFAULT_LIMITS)
