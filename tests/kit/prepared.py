"""A database that a test can begin with: every table, and no domain yet.

What a migration and the first domain make is the same for each test, and takes longer
than most of them. So it is made once and copied, or emptied and lent again.
"""

from __future__ import annotations

from ledger.migrations import migrate
from ledger.store import open_store
from projections.rebuild.generations import ensure_live

LONG_AGO = 0
"""When the read tables of a prepared database were made."""


def prepare(url: str) -> None:
    """Make every table that is kept, and the read tables that a domain will use."""
    store = open_store(url)
    try:
        migrate(store)
        with store.administering() as conn:
            ensure_live(conn, now=LONG_AGO)
    finally:
        store.close()
