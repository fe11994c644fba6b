"""Names that are written in another way than they are known by."""

from __future__ import annotations

import pytest

from importers.rows.rules.names import advice, fitting, nearest


@pytest.mark.parametrize(
    "written",
    ["Owner_ID", "owner id", "OWNER-ID", "OwnerId", " owner\u00a0id ", "\uff2fwner_id"],
)
def test_letters_are_what_counts(written):
    """Case, blanks, hyphens and underscores make no other name."""
    assert fitting("owner_id", ["x", written]) == [written]


def test_the_very_name_goes_before_all_that_have_its_letters():
    """Where the name is there, no other one is meant."""
    assert fitting("name", ["Name", "name", "NAME"]) == ["name"]
    assert fitting("name", ["Name", "NAME"]) == ["Name", "NAME"]
    assert fitting("name", ["names", ""]) == []


def test_advice_lists_the_names_and_the_nearest():
    """Whoever mistyped a name sees what there is, and what may be meant."""
    told = advice("houshold", ["age", "Household", "x"])
    assert told == 'There are "age", "Household", "x". Did you mean "Household"?'
    assert advice("a", []) == "There are none."
    assert nearest("owner", ["zebra"]) == []


def test_long_lists_are_cut():
    """A sheet of hundreds of columns makes no endless text."""
    told = advice("q", [f"column{n}" for n in range(300)])
    assert told.endswith('"column49", ….')
