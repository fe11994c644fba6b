"""Both readers of .xlsx give the same cells (rules/libraries.md 3.2.5)."""

from __future__ import annotations

import io

from hypothesis import given, settings
from hypothesis import strategies as st

from importers.tables.headers import is_blank
from importers.tables.rows import GAP
from importers.tables.unreadable import Limits
from importers.tables.workbook_child import below, open_sheet
from ledger.forms.names import is_legal
from tests.kit.workbooks import formatted_blank, formula, shown, write_xlsx

LIMITS = Limits(columns=16_384)
FORMATS = (
    "yyyy-mm-dd",
    "d/m/yy h:mm",
    "hh:mm",
    "[h]:mm",
    "[mm]:ss",
    "mm:ss.0",
    "[$-409]d-mmm-yy",
    "[$-F800]dddd, mmmm dd, yyyy",
    'yyyy"年"m"月"',
    "0%",
    '#,##0.00 "day"',
    "0.00E+00",
    "@",
    "[Red]0;[Blue]-0",
    '"yes";"no"',
    "\\d0",
    "00000",
    "[$-409]00\\-000;-0",
)
ERRORS = ("#N/A", "#DIV/0!", "#VALUE!", "#REF!", "#NAME?", "#NUM!", "#NULL!")
TEXTS = st.one_of(
    st.text(
        st.characters(exclude_categories=("Cs",), exclude_characters="\ufffe\uffff"),
        max_size=12,
    ),
    st.text("_x0041D5F\r\n\t '=+-@&<>é😀", max_size=20),
    st.sampled_from(("---", "007", "TRUE", "#N/A", "1e5", "PT1H0M0S", " ")),
)
RESULTS = TEXTS.filter(is_legal)
"""The library puts a text of a formula into the file as it is."""
NUMBERS = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False),
    st.integers(-(10**18), 10**18),
    st.floats(-2, 62),
    st.integers(-1, 62),
    st.floats(2_950_000, 2_960_000),
)
DAYS = NUMBERS.filter(lambda number: abs(number) < 1_000_000_000)
"""calamine gives up at dates that are farther away, see the tests of workbooks."""
CELLS = st.one_of(
    st.none(),
    TEXTS,
    NUMBERS,
    st.booleans(),
    st.just(formatted_blank),
    st.builds(shown, DAYS, st.sampled_from(FORMATS)),
    st.builds(formula, st.one_of(NUMBERS, st.sampled_from(ERRORS), RESULTS)),
)
TABLES = st.lists(st.lists(CELLS, max_size=5), max_size=6)


def tables(content):
    """Return what both readers make of a file, in this process."""
    found = []
    for reader in ("calamine", "openpyxl"):
        order = {"format": "xlsx", "sheet": None, "reader": reader}
        sheet = open_sheet(io.BytesIO(content), order, LIMITS)
        headers, _, rows = below(sheet, LIMITS)
        found.append((sheet.names, headers, list(rows), sheet.merged))
    return found


def as_file(rows, **options):
    """Return a workbook as bytes."""
    out = io.BytesIO()
    write_xlsx(out, rows, **options)
    return out.getvalue()


@settings(deadline=None, max_examples=150)
@given(TABLES, st.booleans())
def test_any_table_is_the_same_to_both_readers(rows, mac):
    """Unicode, formulas, errors, blanks, huge numbers, days of 1900 and of 1904."""
    headers = ["a", "", "b", "c", "d"]
    first, second = tables(as_file([headers, *rows], date_1904=mac))
    assert first == second
    texts = [text for row in first[2] for text in row.texts]
    assert all(text is None or is_legal(text) for text in texts)


@settings(deadline=None, max_examples=50)
@given(st.lists(CELLS, max_size=6))
def test_any_header_is_the_same_to_both_readers(cells):
    """A header may be any cell."""
    first, second = tables(as_file([cells, ["x"] * 6]))
    assert first == second
    assert first[1] == () or first[1][-1]


@settings(deadline=None, max_examples=40)
@given(st.lists(st.lists(TEXTS, min_size=2, max_size=2), max_size=5))
def test_texts_come_back_as_they_were_written(rows):
    """Letter for letter, but for what XML cannot carry and what stands for blank."""
    [(_, _, found, _), _] = tables(as_file([["a", "b"], *rows]))
    texts = [row.texts for row in found]
    expected = [tuple(map(text_of, row)) for row in map(seen, rows)]
    assert texts == expected[: len(texts)]
    assert not any(any(seen(row)) for row in rows[len(texts) :])


def seen(row):
    """Return a row, or blanks for one of which nothing can be seen."""
    return [""] * len(row) if all(map(is_blank, row)) else row


def text_of(text):
    """Return what a text cell is to say."""
    kept = "".join(filter(is_legal, text))
    return "" if kept.strip() == "---" else kept or None


@settings(deadline=None, max_examples=20)
@given(st.integers(0, GAP + 2), st.sampled_from((None, "x", 0, False, formula("#N/A"))))
def test_a_gap_is_the_same_to_both_readers(gap, last):
    """Where a sheet ends does not depend on who reads it."""
    first, second = tables(as_file([["a"], ["x"], *[[]] * gap, [last]]))
    assert first == second


def test_one_cell_of_each_kind_is_what_it_says():
    """The property above would also hold of two readers that read nothing."""
    cells = ["x", 1, True, formula("#N/A"), shown(1.5, "d/m/yy h:mm")]
    [(_, _, [row], _), _] = tables(as_file([list("abcde"), cells]))
    assert row.texts == ("x", "1", "True", "#N/A", "1900-01-01 12:00:00")
    assert list(row.kinds) == ["t", "n", "b", "e", "d"]
