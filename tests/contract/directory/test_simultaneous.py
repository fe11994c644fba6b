"""Domains that are made at the same moment, by several processes."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from threading import Barrier

from api.cli.domain import add_domain
from ledger.errors import Conflict
from ledger.proof.domains import list_faults
from ledger.store import open_store

NAMES = [f"d{n // 2}" for n in range(8)]


def test_of_two_with_one_name_one_hears_that_it_is_taken(url, store):
    """All others are made, and the list of domains is whole."""
    add_domain(store, "first")
    begin = Barrier(len(NAMES))

    def make(name):
        with closing(open_store(url)) as own:
            begin.wait()
            try:
                add_domain(own, name)
            except Conflict as taken:
                return str(taken)
            return "made"

    with ThreadPoolExecutor(len(NAMES)) as threads:
        found = sorted(threads.map(make, NAMES))
    taken = [f"Domain 'd{n}' already exists" for n in range(4)]
    assert found == sorted(["made"] * 4 + taken)
    assert list_faults(store.connection) == []
