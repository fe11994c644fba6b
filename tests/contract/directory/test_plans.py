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
from ledger.storage.connection import Statement

MODULES = (groups, location_changes, location_types, locations, users, workplaces)
STATEMENTS = {
    f"{module.__name__.rpartition('.')[2]}.{name}": value
    for module in MODULES
    for name, value in vars(module).items()
    if isinstance(value, Statement)
}
EVERYWHERE = "users._EVERYWHERE"
SERVED_BY = {
    "groups._ALL": "ix_groups_name",
    "groups._BY_NAMES": "ix_groups_name",
    "groups._OF_USERS": "ix_group_members_user",
    "groups._LEAVE": "ix_group_members_user",
    "location_types._BY_CODE": "ix_location_types_code",
    "location_changes._LEAVE": "ix_user_locations_location",
    "locations._ALL": "ix_locations_number",
    "locations._BY_CODES": "ix_locations_code",
    "locations._BY_NAMES": "ix_locations_name",
    "locations._BY_PARENTS": "ix_locations_parent",
    "locations._LAST_NUMBER": "ix_locations_number",
    "users._ALL": "ix_users_username",
    "users._BY_NAMES": "ix_users_username",
    "workplaces._AT": "ix_user_locations_location",
}
KEYED = {
    "groups._BY_IDS": "group_id",
    "groups._CLEAR": "group_id",
    "groups._KNOWN_USERS": "user_id",
    "groups._MEMBERS": "group_id",
    "locations._BY_IDS": "location_id",
    "users._BY_IDS": "user_id",
    "workplaces._CLEAR": "user_id",
    "workplaces._OF_USERS": "user_id",
}
"""Those that go by the primary key, with the column behind the domain."""


def plan(store, statement):
    """Return the plan of a statement, a line for each step."""
    sql, constants = statement.compiled(store.dialect)
    names = set(re.findall(r"(?<!:):(\w+)|%\((\w+)\)s", sql))
    values = {
        name: store.dialect.bind(["x"] if name.endswith("s") or name in LISTS else "x")
        for pair in names
        for name in pair
        if name
    }
    verb = "EXPLAIN QUERY PLAN" if store.dialect.begin_read else "EXPLAIN"
    found = store.connection.raw.execute(f"{verb} {sql}", {**values, **constants})
    return "\n".join(str(row[-1]) for row in found.fetchall())


LISTS = {"wanted", "gone"}


def test_every_statement_is_looked_at():
    """A new one says which index serves it."""
    told = {EVERYWHERE, "location_types._ALL"}
    assert STATEMENTS.keys() == told | SERVED_BY.keys() | KEYED.keys()


@pytest.mark.parametrize("name", sorted(STATEMENTS.keys() - {EVERYWHERE}))
def test_no_statement_walks_a_table(store, name):
    """A domain's part of a table is found by its key."""
    lines = plan(store, STATEMENTS[name]).splitlines()
    walked = r"Seq Scan on|^SCAN (?!json_each)"
    assert not [line for line in lines if re.search(walked, line)]


@pytest.mark.parametrize("name", SERVED_BY)
def test_the_index_that_was_made_for_it_serves(store, name):
    """Each index is there for somebody."""
    assert SERVED_BY[name] in plan(store, STATEMENTS[name])


@pytest.mark.parametrize("name", KEYED)
def test_ids_go_by_the_primary_key(store, name):
    """Both the domain and the id narrow it."""
    told = plan(store, STATEMENTS[name])
    both = rf"\(domain=\? AND {KEYED[name]}="
    served = re.search(rf"(autoindex_\w+_1|PRIMARY KEY) {both}", told)
    assert served or re.search(r"_pkey", told), told


@pytest.mark.parametrize("name", ["groups._ALL", "locations._ALL", "users._ALL"])
def test_lists_come_in_the_order_of_an_index(store, name):
    """Nothing is sorted."""
    assert not re.search(r"TEMP B-TREE|Sort", plan(store, STATEMENTS[name]))
