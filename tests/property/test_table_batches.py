"""Rows made many at a time are those made one by one (rules/excel-import.md 4.3)."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from importers.tables.batches import in_batches, to_rows
from importers.tables.rows import to_row
from importers.tables.unreadable import Reason, Unreadable
from importers.tables.values import UNSAVED, ErrorValue, Padded

TEXTS = st.sampled_from(
    ["", None, "a", "---", " --- ", "-----", "a\x01", "\x01", "é\n"]
)
ANY = st.one_of(
    TEXTS,
    st.text(max_size=3),
    st.integers(),
    st.floats(),
    st.booleans(),
    st.sampled_from(
        [
            ErrorValue("#N/A"),
            Padded(7.0, "007"),
            UNSAVED,
            datetime(2020, 1, 5),  # noqa: DTZ001 - a cell has no time zone
            date(2020, 1, 5),
            time(1, 2),
            timedelta(hours=30),
        ]
    ),
)
SORTS = st.sampled_from(
    [st.sampled_from(["a", "b"]), TEXTS, st.floats(-9, 9), st.integers(), ANY]
)


@st.composite
def batches(draw):
    """Draw headers and rows, some of which are longer or shorter than these."""
    headers = draw(st.lists(st.sampled_from(["a", "b", "c", ""]), max_size=5))
    sorts = [draw(SORTS) for _ in headers]
    rows = []
    for _ in range(draw(st.integers(0, 5))):
        values = [draw(sort) for sort in sorts]
        length = draw(st.sampled_from([len(values)] * 4 + [1, 0]))
        more = draw(st.sampled_from([[]] * 4 + [[None], ["x"]]))
        rows.append((values + more)[: max(length, len(values) + len(more) - 1)])
    return headers, list(enumerate(rows, start=2))


@given(batches())
def test_many_rows_are_as_each_is_by_itself(drawn):
    """Rule 4.3, whatever stands beside a cell."""
    headers, batch = drawn
    wanted = [to_row(number, values, headers) for number, values in batch]
    assert repr(to_rows(batch, headers)) == repr(wanted)


@pytest.mark.parametrize("good", [0, 1, 199, 200, 201, 500])
def test_what_stands_before_a_failure_comes_before_it(good):
    """So that the rows up to there are imported."""

    def rows():
        for number in count():
            if number == good:
                raise Unreadable(Reason.DAMAGED, "no more")
            yield number, ()

    found = []

    def take():
        for batch in in_batches(rows()):
            found.extend(number for number, _ in batch)

    with pytest.raises(Unreadable):
        take()
    assert found == list(range(good))
