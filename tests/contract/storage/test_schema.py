"""The schema keeps the road to several machines open (rules/design.md 1.1 and 1.3)."""

from __future__ import annotations

import pytest
from sqlalchemy import ForeignKeyConstraint, UniqueConstraint, inspect, text

from ledger import tables as kept
from projections.tables import case_tables, form_tables
from tests.kit import build

NO_DOMAIN = {
    "generations",
    "clocks",
    "domain_list",
    "failed_tries",
    "alembic_version",
}
"""Bookkeeping of the installation; everything else belongs to a domain."""


def metadatas():
    return (kept.metadata, case_tables(1).metadata, form_tables(2).metadata)


def all_tables():
    return [table for metadata in metadatas() for table in metadata.sorted_tables]


@pytest.mark.parametrize("table", all_tables(), ids=lambda table: table.name)
def test_domain_leads_every_key_of_the_metadata(table):
    """Primary keys, unique indexes and foreign keys begin with the domain."""
    if table.name in NO_DOMAIN:
        return
    assert next(iter(table.primary_key)).name == "domain"
    assert not [c for c in table.constraints if isinstance(c, ForeignKeyConstraint)]
    unique = [c for c in table.constraints if isinstance(c, UniqueConstraint)]
    unique += [index for index in table.indexes if index.unique]
    assert [next(iter(key.columns)).name for key in unique] == ["domain"] * len(unique)


@pytest.mark.parametrize("table", all_tables(), ids=lambda table: table.name)
def test_no_column_counts_by_itself(table):
    """No sequence, no serial, no default of the database's making."""
    for column in table.columns:
        assert column.autoincrement is not True
        assert column.server_default is None
        assert column.identity is None
    assert table.autoincrement_column is None


def test_domain_leads_every_key_of_the_live_catalog(store):
    """What migrations really made keeps the rule too."""
    build.a_domain(store)
    engine = store.engine()
    try:
        found = inspect(engine)
        names = set(found.get_table_names()) - NO_DOMAIN
        assert len(names) > 10
        for name in names:
            assert found.get_pk_constraint(name)["constrained_columns"][0] == "domain"
            assert found.get_foreign_keys(name) == []
            for index in found.get_indexes(name):
                assert not index["unique"] or index["column_names"][0] == "domain", name
            for key in found.get_unique_constraints(name):
                assert key["column_names"][0] == "domain", name
    finally:
        engine.dispose()


def test_migrations_make_what_the_metadata_says(store):
    """A table of ``ledger/tables.py`` has the very columns that migrations made."""
    engine = store.engine()
    try:
        found = inspect(engine)
        for table in kept.metadata.sorted_tables:
            made = {c["name"]: c["nullable"] for c in found.get_columns(table.name)}
            assert made == {c.name: c.nullable for c in table.columns}, table.name
            indexes = {index["name"] for index in found.get_indexes(table.name)}
            assert indexes >= {index.name for index in table.indexes}, table.name
    finally:
        engine.dispose()


def test_the_catalog_holds_no_sequence_and_no_foreign_trigger(store):
    """Triggers guard the log and do nothing else; there are no sequences."""
    build.a_domain(store)
    engine = store.engine()
    order = "SELECT tbl_name FROM sqlite_master WHERE type = 'trigger'"
    if store.dialect.write_needs_lock:
        order = (
            "SELECT c.relname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid "
            "WHERE NOT t.tgisinternal"
        )
    try:
        found = inspect(engine)
        if store.dialect.write_needs_lock:
            assert found.get_sequence_names() == []
        with engine.connect() as connection:
            guarded = {name for (name,) in connection.execute(text(order))}
    finally:
        engine.dispose()
    assert guarded == {*build.LOG_TABLES, "domains", "domain_list"}
