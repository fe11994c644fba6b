"""Forms of records, their ids, and the counts of what became of them.

The rules are those of rules/batch-imports.md.
"""

from __future__ import annotations

import pytest

from importers.rows.rules.form import (
    Origin,
    build_record,
    case_id_of,
    form_id_of,
    linked,
)
from importers.rows.rules.kept import Kept, added
from ledger.entry import Author
from ledger.forms.case_block import CaseBlock, IndexUpdate
from ledger.forms.form_xml import parse_form
from ledger.imports.values import Outcome

NOW = "2024-03-05T09:00:00.000000Z"
ORIGIN = Origin(
    api="toy",
    domain="demo",
    job_id="j",
    file="a.csv",
    xmlns="urn:example:toy",
    author=Author(user_id="u", username="amina", device_id="toy"),
)


def a_link(case_id):
    return IndexUpdate(
        name=case_id, case_id=case_id, case_type="t", relationship="child"
    )


def test_ids_derive_from_where_a_record_comes_from():
    """Rule R0.4: the same whenever they are asked for, and of one record alone."""
    assert ORIGIN.form_id(7) == form_id_of("toy", "demo", "j", 7)
    assert ORIGIN.case_id(7, 1) == case_id_of("toy", "demo", "j", 7, 1)
    ids = {ORIGIN.form_id(7), ORIGIN.form_id(8), ORIGIN.case_id(7, 0)}
    assert len(ids | {ORIGIN.case_id(7, 1)}) == 4


def test_a_form_tells_first_which_record_it_was():
    """Rule R0.7: batch, file, record, then what the import tells, meta and blocks."""
    block = CaseBlock(case_id="c", update={"age": "3"})
    body = build_record([block], ORIGIN, number=7, head={"more": "x"}, now=NOW)
    form = parse_form(body)
    assert (form.form_id, form.xmlns) == (ORIGIN.form_id(7), ORIGIN.xmlns)
    assert (form.meta.user_id, form.meta.device_id) == ("u", "toy")
    (found,) = form.blocks
    assert (found.case_id, found.user_id, dict(found.update)) == (
        "c",
        "u",
        {"age": "3"},
    )
    head = "<batch>j</batch><file>a.csv</file><record>7</record><more>x</more>"
    assert head in body.decode()


def test_a_name_that_xml_cannot_carry_is_refused():
    block = CaseBlock(case_id="c", update={"two words": "3"})
    with pytest.raises(ValueError, match="two words"):
        build_record([block], ORIGIN, number=7, head={}, now=NOW)


def test_links_to_what_is_not_stored_are_left_out():
    """A dry run has made it, and the fold would miss it."""
    block = CaseBlock(case_id="c", indices=(a_link("a"), a_link("b")))
    assert linked(block, {"a"}.__contains__).indices == (a_link("a"),)
    assert linked(block, {"a", "b"}.__contains__) is block


def test_rows_are_kept_in_order_and_counted_by_every_way():
    """Rule R0.5."""
    kept = Kept(ORIGIN)
    kept.note(7, Outcome.APPLIED, form_id="f", row_number=9)
    kept.note(8, Outcome.FAILED, messages=("no",))
    kept.note(9, Outcome.APPLIED)
    assert [row.record for row in kept.rows] == [7, 8, 9]
    first = kept.rows[0]
    assert (first.api, first.job_id, first.file) == ("toy", "j", "a.csv")
    assert (first.form_id, first.row_number) == ("f", 9)
    counts = {"applied": 2, "unchanged": 0, "aborted": 0, "failed": 1}
    assert kept.counts == counts
    assert added({}, counts) == counts
    assert added({"applied": 3, "total": 9}, counts) == {**counts, "applied": 5}
