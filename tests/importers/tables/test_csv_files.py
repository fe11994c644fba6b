"""CSV: letter for letter, or refused (rules/excel-import.md 4.1 and 4.3)."""

from __future__ import annotations

import csv
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from importers.tables.open import open_table
from importers.tables.unreadable import Limits, Reason, Unreadable
from tests.kit.tables import refusal, texts

LETTERS = st.text(
    st.characters(
        exclude_categories=("Cs",), min_codepoint=32, exclude_characters="\ufffe\uffff"
    ),
    max_size=8,
).filter(lambda text: text.strip() != "---")
REMEDY = 'Save the file as "CSV UTF-8" and send that.'
TABLES = st.lists(st.lists(LETTERS, min_size=3, max_size=3), max_size=6)


def written(folder, content):
    """Write the bytes of a file."""
    path = folder / "table.csv"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    "content",
    [
        b"name,age\nAda,007\n",
        b"name,age\r\nAda,007\r\n",
        b"\xef\xbb\xbfname,age\nAda,007",
        b'"name","age"\n"Ada","007"\n',
    ],
)
def test_the_usual_forms_are_read_alike(tmp_path, content):
    """LF or CRLF, with a byte order mark or without, quoted or not (rule 4.1)."""
    with open_table(written(tmp_path, content), file_name="A.CSV") as table:
        assert (table.headers, table.row_count) == (("name", "age"), 1)
        assert table.head.sheet_names == ("Sheet1",)
        assert texts(table) == [(2, "Ada", "007")]


def test_no_cell_is_guessed_into_something_else(tmp_path):
    """Numbers, dates, truth words and percentages stay as they are (rule 4.3)."""
    content = b'a,b,c,d,e\n5.0,true,50%,1/2/2020,"x ""y"", z\nw"\n ,,---,1e5,=1+1\n'
    with open_table(written(tmp_path, content), file_name="a.csv") as table:
        assert texts(table) == [
            (2, "5.0", "true", "50%", "1/2/2020", 'x "y", z\nw'),
            (3, " ", None, "", "1e5", "=1+1"),
        ]
        assert [row.kinds for row in table.rows()] == ["ttttt", "t-ttt"]


def test_rows_are_numbered_as_excel_does(tmp_path):
    """Blank lines count, also many of them, and those at the end are left out."""
    content = b"a,b\n\n1\n" + b"\n" * 1500 + b"2,3,4\n,\n\n"
    with open_table(written(tmp_path, content), file_name="a.csv") as table:
        found = [row for row in texts(table) if row[1]]
        assert found == [(3, "1", None), (1504, "2", "3")]
        assert table.row_count == 1503


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"", "File is empty"),
        (b"\n", "File is empty"),
        (
            b"a,b\n1,\x002\n",
            f"Row 2 holds a zero byte, which no text has. {REMEDY}",
        ),
        (
            "a,b\n1,é\n".encode() + "2,é\n".encode("cp1252"),
            f"Row 3 is neither UTF-8 nor text of one known code page. {REMEDY}",
        ),
        (
            b"\xef\xbb\xbfa,b\n1,2\n\n3,\xe9\n",
            f"Row 4 is not UTF-8 text. {REMEDY}",
        ),
        (
            "a,b\n1,2\n".encode("utf-16")[:-1],
            f"Row 2 is not UTF-16 text. {REMEDY}",
        ),
        (b'a,b\n1,2\n"3,4\n5,6\n', "Row 3 has a quote that is not closed"),
        (b'a,b\n1,"2"3\n', "Row 2 has text behind a closing quote"),
    ],
)
def test_a_broken_file_is_refused_before_its_first_row(tmp_path, content, text):
    """Rule 3.2, checks 8 and 9; an open quote would swallow the rest."""
    assert refusal(written(tmp_path, content), "a.csv") == (Reason.DAMAGED, text)


def test_limits_are_kept(tmp_path):
    """Rows, columns, the length of a row and of the file."""
    path = written(tmp_path, b"a,b\n1,2\n3,4\n" + b'"' + b"x\n" * 100 + b'"\n')
    for limits, reason in (
        (Limits(rows=2), Reason.ROWS),
        (Limits(columns=1), Reason.COLUMNS),
        (Limits(row_length=150), Reason.DAMAGED),
        (Limits(file_size=100), Reason.SIZE),
    ):
        assert refusal(path, "a.csv", limits=limits)[0] is reason


def test_a_sheet_of_another_name_is_not_there(tmp_path):
    """The only sheet is called Sheet1."""
    path = written(tmp_path, b"a\n1\n")
    with open_table(path, file_name="a.csv", sheet="Sheet1") as table:
        assert table.headers == ("a",)
    with pytest.raises(Unreadable, match="no sheet named 'Other'"):
        open_table(path, file_name="a.csv", sheet="Other")


def test_a_long_file_is_read_in_constant_memory(tmp_path):
    """Rows are not kept: ten times as many need no more."""
    peaks = []
    for count in (3_000, 30_000):
        path = written(tmp_path, b"a,b,c\n" + b"some text,some more,0\n" * count)
        tracemalloc.start()
        with open_table(path, file_name="a.csv") as table:
            assert sum(1 for _ in table.rows()) == count
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 2 * peaks[0]


@given(TABLES)
def test_any_table_of_texts_comes_back(tmp_path_factory, rows):
    """What the library of the language writes is read letter for letter."""
    path = tmp_path_factory.mktemp("csv") / "table.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["a", "b", "c"], *rows])
    while rows and not any(rows[-1]):
        rows.pop()
    with open_table(path, file_name="table.csv") as table:
        assert table.row_count == len(rows)
        assert [row.texts for row in table.rows()] == [
            tuple(text.replace("\x00", "") or None for text in row) for row in rows
        ]
