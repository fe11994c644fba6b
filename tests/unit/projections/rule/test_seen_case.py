"""What readers see of a row has the values of the row under the same names."""

from __future__ import annotations

from projections.rule.case_row import CaseRow, SeenCase, seen


def test_seen_takes_each_value_by_its_name():
    """An answer never shows one column under the name of another."""
    row = CaseRow._make(f"the {name}" for name in CaseRow._fields)
    assert seen(row)._asdict() == {name: f"the {name}" for name in SeenCase._fields}
