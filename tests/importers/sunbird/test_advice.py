"""Whoever does what a refusal of an upload says is not refused for it again.

The rules are those of rules/batch-imports.md 2.3 to 2.6.
"""

from __future__ import annotations

import pytest

from importers.sunbird.rules.columns import (
    COLUMNS,
    ObjectType,
    Refused,
    check_same,
    read_header,
)


@pytest.mark.parametrize("kind", list(ObjectType))
def test_every_column_that_is_offered_is_one(kind):
    """Rule 2.3.2, check 8: the valid columns are all taken."""
    needed = [c.name for c in COLUMNS[kind] if c.is_mandatory]
    with pytest.raises(Refused) as refused:
        read_header(kind, [*needed, "x"])
    listed = refused.value.text.partition("Valid columns are: ")[2].rstrip(".")
    for column in listed.split(", "):
        read_header(kind, [*needed, column])


@pytest.mark.parametrize("kind", list(ObjectType))
def test_columns_that_are_missing_are_told_until_none_is(kind):
    """Rule 2.3.2, checks 7 and 9: each that is told can be added."""
    header: list[str] = []
    for _ in COLUMNS[kind]:
        try:
            read_header(kind, header)
        except Refused as refused:
            name = refused.text.removeprefix("Mandatory parameter ")
            header.append(name.removesuffix(" is missing."))
    assert read_header(kind, header) == tuple(header)


def test_one_of_two_columns_of_one_meaning_is_removed():
    """Rule 2.4e: either of them may go."""
    cells, names = ["NAME", "firstName"], ["firstName", "firstName"]
    with pytest.raises(Refused, match="Remove one of them"):
        check_same(cells, names, ["a", "b"], row=2)
    for place in (0, 1):
        check_same([cells[place]], [names[place]], ["a"], row=2)
