"""Whoever does what a refusal of a spreadsheet says is not refused for it again.

The rules are those of rules/excel-import.md.
"""

from __future__ import annotations

import re

import pytest

from importers.excel.rules.columns import check_repeated, columns_of
from importers.excel.rules.decide import (
    Decided,
    Importing,
    Known,
    decide,
)
from importers.excel.rules.options import (
    ExcelOptions,
    Refused,
    SearchField,
    check_headers,
    read_options,
)
from importers.excel.rules.wishes import RowError
from importers.tables.rows import to_row
from tests.kit.row_by_row import wish_of

NAMED = re.compile(r'"([^"]+)"')


def new_id(_wish):
    return "new"


def columns(*headers, **fields):
    return columns_of(headers, ExcelOptions(case_type="t", **fields), "t")


class Parents:
    """The case ``p`` is there."""

    def by_id(self, case_id):
        """Return it."""
        return Known("p", "t", "p") if case_id == "p" else None

    def by_external(self, external_id):
        """Return none."""
        return ()


class Nobody:
    """No owner is named."""

    def by_name(self, name):
        """Refuse to be asked."""
        raise AssertionError(name)

    by_id = by_name


def decided(**cells):
    headers = ("case_id", *cells)
    sheet = Importing(
        columns(*headers), creates=True, user_id="u", owner_id="u", now=""
    )
    wish = wish_of(to_row(2, ["", *cells.values()]), sheet.columns)
    return decide(wish, sheet, cases=Parents(), owners=Nobody(), new_id=new_id)


@pytest.mark.parametrize("field", ["search_column", "name_column"])
def test_every_column_that_is_offered_can_be_asked_for(field):
    """Rule 6.1b: those that are listed, and the one that is nearest."""
    headers = ("case_id", "Household", "Full_name")
    failure = columns(*headers, **{field: "houshold"}).failure
    assert failure is not None
    offered = set(NAMED.findall(failure.text)) - {"houshold"}
    assert offered == set(headers)
    for header in offered:
        assert columns(*headers, **{field: header}).failure is None


def test_of_several_that_may_be_meant_one_is_renamed():
    """Rule 6.1b: the one that is meant to the name, the other to something else."""
    failure = columns("case_id", "OwnerId", "Owner-ID").failure
    assert failure is not None
    assert "Rename the one that is meant, and the others to something else" in (
        failure.text
    )
    found = columns("case_id", "owner_id", "responsible")
    assert (found.failure, found.fields["owner_id"]) == (None, 1)


def test_parent_identifier_is_used_instead_of_parent_ref():
    """Rule 14.4."""
    failure = columns("case_id", "parent_ref").failure
    assert failure is not None
    assert 'Please use "parent_identifier" instead.' in failure.text
    assert columns("case_id", "parent_identifier").failure is None


def test_an_extension_is_given_an_identifier():
    """Rule 11.3: with the column that the text asks for, the row is taken."""
    link = {"parent_id": "p", "parent_relationship_type": "extension"}
    refused = decided(**link)
    assert isinstance(refused, RowError)
    assert "'parent_identifier' column must be provided" in refused.text
    assert isinstance(decided(**link, parent_identifier="host"), Decided)


def test_headers_are_updated():
    """Rule 3.2, check 13: letters, numbers and underscores, behind a letter."""
    with pytest.raises(Refused, match="Please update the following: 1, a b"):
        check_headers(["1", "a b", "x"])
    check_headers(["a1", "a_b", "x"])


def test_columns_of_one_name_are_renamed_or_removed():
    """Rule 4.2b: either way of the text leads on."""
    rows = [to_row(2, ["x", "a", "b"])]
    with pytest.raises(Refused, match="Rename or remove all but one of them"):
        check_repeated(["id", "n", "n"], lambda: rows)
    check_repeated(["id", "n", "m"], lambda: rows)
    check_repeated(["id", "n"], lambda: [to_row(2, ["x", "a"])])


def test_both_fields_of_an_upload_are_given():
    """Rule 3.2, check 1."""
    with pytest.raises(Refused, match="Both 'file' and 'case_type' are required"):
        read_options({"case_type": " "}, has_file=True)
    assert read_options({"case_type": "t"}, has_file=True).case_type == "t"


def test_ids_of_ones_own_are_searched_by_external_id():
    """Rule 7.1: the new case has the id, and nothing is told any more."""
    told = decided(name="x")
    assert isinstance(told, Decided)
    assert told.told == ()
    sheet = Importing(
        columns("case_id", "a"), creates=True, user_id="u", owner_id="u", now=""
    )
    wish = wish_of(to_row(2, ["OFF-1", "x"]), sheet.columns)
    found = decide(wish, sheet, cases=Parents(), owners=Nobody(), new_id=new_id)
    assert "search by external_id" in found.told[0].text
    outer = columns(
        "case_id", "a", search_field=SearchField.EXTERNAL_ID, search_column="case_id"
    )
    sheet = Importing(outer, creates=True, user_id="u", owner_id="u", now="")
    wish = wish_of(to_row(2, ["OFF-1", "x"]), outer)
    found = decide(wish, sheet, cases=Parents(), owners=Nobody(), new_id=new_id)
    assert (found.external_id, found.told) == ("OFF-1", ())
