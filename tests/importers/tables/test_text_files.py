"""Text files as people save them: encodings, delimiters, shifted rows.

``rules/excel-import.md`` 4.1a to 4.1d.
"""

from __future__ import annotations

import pytest

from importers.tables.open import open_table
from importers.tables.unreadable import Reason
from tests.kit.tables import refusal, texts


@pytest.fixture
def opened(tmp_path):
    """Open the bytes of a file: its headers, rows and notices."""

    def run(content, name="a.csv", **options):
        path = tmp_path / name
        path.write_bytes(content)
        with open_table(path, file_name=name, **options) as table:
            rows = list(table.rows())
            notices = [*table.notices, *(n for row in rows for n in row.notices)]
            return table.headers, texts(table), notices, rows

    return run


def told(notices):
    """Return the titles of notices."""
    return [notice.title for notice in notices]


@pytest.mark.parametrize(
    ("encoding", "label", "rows"),
    [
        ("cp1252", "windows-1252", ["Müller", "Café 12 €", "François Hébert"]),
        ("cp1250", "windows-1250", ["Łukasz Żółć", "Święty Błażej", "Wałęsa"]),
        ("cp1251", "windows-1251", ["Иванов Пётр", "Сидорова Мария"]),
        ("cp1253", "windows-1253", ["Γιώργος Παπαδόπουλος", "Μαρία"]),
        (
            "cp1254",
            "windows-1254",
            ["Şükrü Işık", "Ayşe Yılmaz", "Çağlar Öztürk"],  # noqa: RUF001
        ),
        ("cp1256", "windows-1256", ["محمد علي", "فاطمة الزهراء"]),
        ("cp932", "Shift_JIS", ["田中太郎", "鈴木花子", "さくら"]),
        ("mac_roman", "Mac Roman", ["Müller", "Hébert"]),
        ("utf-16-le", "UTF-16-LE", ["Müller", "Иванов"]),
    ],
)
def test_what_is_not_utf8_is_read_and_told(opened, encoding, label, rows):
    """The report names what was assumed and the first value that it decided."""
    content = "id,name\n" + "".join(f"{n},{row}\n" for n, row in enumerate(rows))
    _, found, notices, _ = opened(content.encode(encoding))
    assert [row[2] for row in found] == rows
    (notice,) = notices
    assert notice.title == "Encoding assumed"
    assert f"read as {label}." in notice.text
    if encoding != "utf-16-le":
        assert (notice.row, notice.sample) == (2, f'"{rows[0]}" in row 2')


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_what_is_certain_is_not_assumed(opened, encoding):
    """UTF-8, and whatever begins with a byte order mark."""
    headers, found, notices, _ = opened("ñ,b\n€,é\n".encode(encoding))
    assert (headers, found) == (("ñ", "b"), [(2, "€", "é")])
    assert "Encoding assumed" not in told(notices)


def test_letters_far_down_decide_the_encoding(opened):
    """Behind any number of rows in ASCII."""
    content = b"id,name\n" + b"1,plain\n" * 30_000 + "2,Zoë\n".encode("cp1252")
    _, found, notices, _ = opened(content)
    assert found[-1] == (30_002, "2", "Zoë")
    assert notices[0].row == 30_002


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "a.txt"])
def test_the_delimiter_is_found_and_told(opened, delimiter, name):
    """Whatever the name says, also where cells hold others."""
    rows = [["id", "name", "note"], ["1", "Smith", '"a, b; c|d"'], ["2", "x", "1.5"]]
    content = "\r\n".join(map(delimiter.join, rows))
    headers, found, notices, _ = opened(content.encode(), name)
    assert headers == ("id", "name", "note")
    assert found == [(2, "1", "Smith", "a, b; c|d"), (3, "2", "x", "1.5")]
    assert told(notices) == ([] if delimiter == "," else ["Delimiter detected"])


def test_a_first_line_may_declare_the_delimiter(opened):
    """It is no row, as in Excel."""
    headers, found, _, _ = opened(b"sep=;\r\nid;a,b\r\n1;2\r\n")
    assert (headers, found) == (("id", "a,b"), [(2, "1", "2")])


@pytest.mark.parametrize(
    ("content", "headers"),
    [
        (b"name;price\nA;1,5\nB;2,5\n", ("name", "price")),
        (b"name\nSmith; J\n", ("name",)),
        (b"name,note\nA,x;y;z\nB,1;2;3\n", ("name", "note")),
        (b'"a;b",c\n"1;2",3\n', ("a;b", "c")),
        (b"\xef\xbb\xbfid;name\n1;x\n", ("id", "name")),
    ],
)
def test_a_delimiter_parts_the_header(opened, content, headers):
    """A comma of decimals, or what stands in texts, is none."""
    assert opened(content)[0] == headers


def test_a_row_with_more_cells_than_headers_has_a_fault(opened):
    """A delimiter that nobody quoted has shifted it; its cells are told."""
    content = b"name,village,age\nSmith, John,Oruvale,31\nB,Tarn,2\nC,D, E,\n"
    _, found, notices, rows = opened(content)
    assert [row.fault is not None for row in rows] == [True, False, True]
    assert rows[0].fault.sample == "4 cells, 3 headers: Smith |  John | Oruvale | 31"
    assert "Put values that hold commas in quotes" in rows[0].fault.text
    assert found[1] == (3, "B", "Tarn", "2")
    assert notices == []


def test_a_delimiter_at_the_end_of_every_row_shifts_nothing(opened):
    """Nor do blank rows of any length."""
    _, found, notices, rows = opened(b"a,b\n1,2,\n3,4,\n,,,,\n5,6,\n")
    assert [row.fault for row in rows] == [None] * 4
    assert (found[0], notices) == ((2, "1", "2"), [])


def test_values_under_blank_headers_are_told(opened):
    """No column takes them; each is told by column and row."""
    _, found, notices, _ = opened(b"name,,p,\nx,lost,1,more\ny,,2,\n")
    assert found == [(2, "x", "lost", "1"), (3, "y", None, "2")]
    assert [(n.column, n.row) for n in notices] == [("B", 2), ("D", 2)]


def test_formulas_that_are_texts_are_their_texts(opened):
    """Exports keep zeros for Excel in this way; a real formula stays as it is."""
    content = b'="name",p,q\nA,="00123","=""00456"""\nB,=1+1,"=""a """"b"""""""\n'
    headers, found, notices, _ = opened(content)
    assert headers == ("name", "p", "q")
    assert found == [(2, "A", "00123", "00456"), (3, "B", "=1+1", 'a "b"')]
    assert [(n.title, n.column, n.row) for n in notices] == [
        ("Text formula", "p", 2),
        ("Text formula", "q", 2),
        ("Text formula", "q", 3),
    ]


def test_headers_are_trimmed_and_told(opened):
    """Blanks, also those that nobody sees; letters are composed (rule 6.1a)."""
    content = '"id\xa0","\u200bname","cafe\u0301","first\n name"\n1,2,3,4\n'
    headers, _, notices, _ = opened(content.encode())
    assert headers == ("id", "name", "café", "first name")
    assert [notice.text for notice in notices] == [
        'The header "id\\u00a0" was read as "id"',
        'The header "\\u200bname" was read as "name"',
        'The header "cafe\\u0301" was read as "café"',
        'The header "first\\n name" was read as "first name"',
    ]


def test_a_header_further_down_is_told_and_can_be_named(opened, tmp_path):
    """Rows keep the numbers that Excel shows."""
    content = b"\n,,\n,name,p\n,x,1\n"
    path = tmp_path / "b.csv"
    path.write_bytes(content)
    reason, text = refusal(path)
    assert reason is Reason.NO_HEADER
    assert text == (
        "Row 1 is blank, so there are no headers; the first row with values is row 3. "
        "Delete the rows above it, or say header_row=3 "
        "(on the command line: --header-row 3)"
    )
    headers, found, _, _ = opened(content, header_row=3)
    assert (headers, found) == (("", "name", "p"), [(4, None, "x", "1")])


def test_titles_above_the_header_do_not_decide_the_delimiter(opened):
    """The row that was named does."""
    content = b"Report, of 2020; all\n\nid;name\n1;x\n"
    assert opened(content, header_row=3)[0] == ("id", "name")
