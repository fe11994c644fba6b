"""A window of rows that is looked at by columns says what its cells say.

The rules are those of rules/excel-import.md 7 and 18.3; ``row_by_row`` is a plain
reading of them.
"""

from __future__ import annotations

from collections import defaultdict

from hypothesis import given
from hypothesis import strategies as st

from importers.excel.rules.columns import columns_of
from importers.excel.rules.noticed import dates_of, notices_of, rows_to_tell
from importers.excel.rules.options import ExcelOptions, SearchField
from importers.excel.rules.wishes import read_wishes
from importers.tables.notices import Fault
from importers.tables.rows import Row
from tests.kit.row_by_row import dates_in, read_row

HEADERS = (
    "case_id",
    "external_id",
    "name",
    "born",
    "",
    "owner_id",
    "parent_id",
    "parent_external_id",
    "case_type",
    "born",
    "dose",
)
DATES = ["2020-01-05", "2020-1-5", "13/05/1998", "05/13/98", "1.5.1998", "1998/05/01"]
ODD = ["", None, "x" * 255, "x" * 256, "12.0", " 12 ", "-0", "007", "4711", "a|b", " |"]
UNSEEN = [" x", "x ", "a b", "Zo\u00eb", "Zoe\u0308", "a\u200bb", "a\nb", "\u0663.0"]
SHORT = ["1E+05", "-2.5e12", "1E5X", "1e5", "x\n1e5", "2020-01-05\n2020-01-06"]
WORDS = st.one_of(st.sampled_from([*DATES, *ODD, *UNSEEN, *SHORT]), st.text(max_size=4))
CELLS = st.one_of(
    # Columns that are alike, and such that have anything.
    st.tuples(st.just("t"), st.sampled_from(DATES[:2])),
    st.tuples(st.just("d"), st.sampled_from(DATES[:2])),
    st.tuples(st.sampled_from("tndbe"), WORDS),
)


@st.composite
def windows(draw):
    """Draw columns with rows, most of them with columns of one sort."""
    headers = draw(st.permutations(HEADERS))
    field = draw(st.sampled_from(SearchField))
    columns = columns_of(headers, ExcelOptions(case_type="t", search_field=field), "t")
    sorts = [
        draw(st.one_of(st.just(CELLS), st.tuples(st.just("t"), WORDS).map(st.just)))
        for _ in headers
    ]
    count = draw(st.integers(min_value=0, max_value=6))
    table = [[draw(sort) for sort in sorts] for _ in range(count)]
    fault = st.sampled_from([None, None, None, Fault("many", "cells")])
    rows = [
        Row(
            number,
            tuple(text for _, text in cells),
            "".join(kind for kind, _ in cells),
            fault=draw(fault),
        )
        for number, cells in enumerate(table, start=2)
    ]
    return rows, columns


@given(windows())
def test_what_rows_want_is_what_their_cells_say(window):
    """Rule 7, steps 1 to 6."""
    rows, columns = window
    assert read_wishes(rows, columns) == [read_row(row, columns) for row in rows]


@given(windows())
def test_whatever_is_to_be_told_is_found(window):
    """Rule 18.3a: rows of which nothing is told need not be looked at."""
    rows, columns = window
    wanted = {n for n, row in enumerate(rows) if any(notices_of(row, columns))}
    assert wanted <= rows_to_tell(rows, columns)


@given(windows())
def test_dates_are_those_of_the_cells(window):
    """Rule 18.3b: in every row, and the column of the first one first."""
    rows, columns = window
    wanted: dict[str, dict] = {}
    for row in rows:
        for header, reading in dates_in(row, columns):
            numbers = wanted.setdefault(header, defaultdict(list))[reading]
            numbers.append(row.number)
    found = dates_of(rows, columns.headers)
    assert list(found) == list(wanted)
    assert {
        header: {reading: sorted(rows) for reading, rows in dates.items()}
        for header, dates in found.items()
    } == wanted
