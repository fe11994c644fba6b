"""What the server asks about webhooks again and again is served by an index."""

from __future__ import annotations

import re

import pytest

from ledger.storage.connection import Statement
from ledger.webhooks import deliveries
from ledger.webhooks import subscriptions as webhooks
from projections.feed import pages as feed

STATEMENTS = {
    f"{module.__name__}.{name}": value
    for module in (deliveries, webhooks, feed)
    for name, value in vars(module).items()
    if isinstance(value, Statement)
}
EVERYWHERE = {
    "ledger.webhooks.subscriptions._EVERYWHERE",
    "projections.feed.pages._POSITIONS",
}
ORDERED_BY_INDEX = {
    "ledger.webhooks.deliveries._DUE": "ix_webhook_deliveries_due",
    "ledger.webhooks.deliveries._MANY_PENDING": "ix_webhook_deliveries_due",
    "ledger.webhooks.deliveries._REFRESH": "ix_webhook_deliveries_due",
    "ledger.webhooks.deliveries._LATEST_OF_STATE": "ix_webhook_deliveries_state",
    "ledger.webhooks.deliveries._OLDEST": "ix_webhook_deliveries_state",
}


def plan(store, statement):
    """Return the plan of a statement, a line for each step."""
    sql, constants = statement.compiled(store.dialect)
    names = set(re.findall(r":(\w+)|%\((\w+)\)s", sql))
    values = {name: _value(name) for pair in names for name in pair if name}
    verb = "EXPLAIN QUERY PLAN" if store.dialect.begin_read else "EXPLAIN"
    found = store.connection.raw.execute(f"{verb} {sql}", {**values, **constants})
    return [str(row[-1]) for row in found.fetchall()]


def _value(name):
    texts = {"of_domain", "domain", "of_id", "of_state", "was", "owner", "new_error"}
    texts |= {"new_state", "url", "case_types", "xmlns", "stopped", "secret", "state"}
    return "x" if name in texts else 1


@pytest.mark.parametrize("name", sorted(STATEMENTS.keys() - EVERYWHERE))
def test_no_statement_walks_a_table_or_sorts_it(store, name):
    """A domain's part of a table is found by its key, in the order asked for."""
    lines = plan(store, STATEMENTS[name])
    assert not [s for s in lines if re.search(r"Seq Scan|^SCAN |TEMP B-TREE|Sort", s)]


@pytest.mark.parametrize("name", ORDERED_BY_INDEX)
def test_the_index_that_was_made_for_it_serves(store, name):
    """Each index is there for somebody."""
    lines = "\n".join(plan(store, STATEMENTS[name]))
    assert ORDERED_BY_INDEX[name] in lines
