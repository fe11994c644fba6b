"""What is asked about people is served by an index, whatever the domain's size."""

from __future__ import annotations

import re

import pytest

from ledger.directory import (
    groups,
    location_changes,
    location_types,
    locations,
    users,
    workplaces,
)
from ledger.tables import metadata
from tests.kit.plans import plan_of, sorts, statements_of, text_of, walks

STATEMENTS = statements_of(
    groups, location_changes, location_types, locations, users, workplaces
)
OWN = {name: s for name, s in STATEMENTS.items() if re.search("domain = :", text_of(s))}
"""All but the marked fan-out, which looks for a name in every domain."""
TABLES = (
    "group_members",
    "groups",
    "location_types",
    "locations",
    "user_locations",
    "users",
)
INDEXES = [
    index.name
    for table in TABLES
    for index in sorted(metadata.tables[table].indexes, key=lambda index: index.name)
]


def test_one_statement_alone_asks_every_domain():
    """A sign-in that failed; a new one has to be marked, too (rules/design.md 1.2)."""
    assert len(STATEMENTS) - len(OWN) == 1


@pytest.mark.parametrize("name", OWN)
def test_no_statement_walks_a_table(store, name):
    """A domain's part of a table is found by its key."""
    told = plan_of(store, OWN[name])
    assert not walks(told), told


@pytest.mark.parametrize("index", INDEXES)
def test_each_index_is_there_for_somebody(store, index):
    """One that serves no statement would only cost."""
    assert [name for name in OWN if index in plan_of(store, OWN[name])] != []


@pytest.mark.parametrize("name", OWN)
def test_what_has_no_index_goes_by_the_primary_key(store, name):
    """Of two conditions both narrow it, the domain first."""
    told = plan_of(store, OWN[name])
    if any(index in told for index in INDEXES):
        return
    both = " AND " if " AND " in text_of(OWN[name]) else ""
    served = re.search(rf"(autoindex_\w+_1|PRIMARY KEY) \(domain=\?{both}", told)
    assert served or "_pkey" in told, told


@pytest.mark.parametrize("name", OWN)
def test_lists_come_in_the_order_of_an_index(store, name):
    """Nothing is sorted."""
    assert not sorts(plan_of(store, OWN[name]))
