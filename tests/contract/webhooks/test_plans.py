"""What the server asks about webhooks again and again is served by an index."""

from __future__ import annotations

import re

import pytest

from ledger.tables import metadata
from ledger.webhooks import deliveries
from ledger.webhooks import subscriptions as webhooks
from projections.feed import pages as feed
from tests.kit.plans import plan_of, sorts, statements_of, text_of, walks

STATEMENTS = statements_of(deliveries, webhooks, feed)
OWN = {name: s for name, s in STATEMENTS.items() if re.search("domain = :", text_of(s))}
INDEXES = [
    index.name
    for table in ("webhooks", "webhook_deliveries")
    for index in sorted(metadata.tables[table].indexes, key=lambda index: index.name)
]


def test_two_statements_alone_ask_every_domain():
    """The standing of all webhooks, and the heads that somebody waits for."""
    assert len(STATEMENTS) - len(OWN) == 2


@pytest.mark.parametrize("name", OWN)
def test_no_statement_walks_a_table_or_sorts_it(store, name):
    """A domain's part of a table is found by its key, in the order asked for."""
    told = plan_of(store, OWN[name])
    assert not walks(told), told
    assert not sorts(told), told


@pytest.mark.parametrize("index", INDEXES)
def test_each_index_is_there_for_somebody(store, index):
    """One that serves no statement would only cost."""
    assert [name for name in OWN if index in plan_of(store, OWN[name])] != []
