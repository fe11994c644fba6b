"""Failed tries are counted by window, for all processes of a database."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from ledger.failed_tries import (
    add_tries,
    count_tries,
    has_ended_windows,
    sweep_tries,
)
from ledger.store import open_store

MINUTE = 60 * 1_000_000
NOW = 1_000_000 * MINUTE + 17
WINDOW = {"seconds": 60}


def add(store, key, tries=1, *, now=NOW):
    with store.administering() as conn:
        add_tries(conn, key, tries, now=now, **WINDOW)


def test_tries_add_up_within_a_window(store):
    """Each key for itself; the window ends with its minute."""
    add(store, "a")
    add(store, "a", 2)
    add(store, "b")
    ends = 1_000_001 * MINUTE
    assert count_tries(store.connection, "a", now=NOW) == (3, ends)
    assert count_tries(store.connection, "b", now=ends - 1) == (1, ends)
    assert count_tries(store.connection, "c", now=NOW) == (0, NOW)


def test_a_window_that_has_ended_counts_for_nothing(store):
    """And is swept away, while the open one stays."""
    add(store, "a", 5)
    later = NOW + MINUTE
    assert count_tries(store.connection, "a", now=later)[0] == 0
    assert not has_ended_windows(store.connection, now=NOW)
    add(store, "a", now=later)
    assert has_ended_windows(store.connection, now=later)
    with store.administering() as conn:
        sweep_tries(conn, now=later)
    assert not has_ended_windows(store.connection, now=later)
    assert count_tries(store.connection, "a", now=later)[0] == 1


def test_no_try_of_several_processes_is_lost(store, url):
    """Who counts at the same moment adds to what the other has counted."""
    other = open_store(url)
    try:
        with ThreadPoolExecutor(2) as threads:
            for done in [
                threads.submit(add, each, "a")
                for each in (store, other)
                for _ in "12345"
            ]:
                done.result()
    finally:
        other.close()
    assert count_tries(store.connection, "a", now=NOW)[0] == 10
