"""What several domains write is put together, each in its own order."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ledger.storage.scripts import merged
from ledger.tables import bodies, domains, entries

VERBS = [(t, verb, ()) for t in (bodies, domains, entries) for verb in ("a", "b")]
scripts = st.lists(st.lists(st.sampled_from(VERBS), max_size=6), max_size=5)


@given(scripts)
def test_each_keeps_its_order_and_nothing_is_lost(verbs):
    """Whatever the others do."""
    given_ = [
        [(verb, [(number, place)]) for place, verb in enumerate(script)]
        for number, script in enumerate(verbs)
    ]
    written = [(verb, row) for verb, rows in merged(given_) for row in rows]
    for number, script in enumerate(given_):
        own = [(verb, row) for verb, row in written if row[0] == number]
        assert own == [(verb, rows[0]) for verb, rows in script]
    assert len(written) == sum(map(len, verbs))


@given(st.lists(st.sampled_from(VERBS), max_size=6), st.integers(1, 9))
def test_what_all_do_alike_is_done_at_once(script, domains_):
    """As many statements as one of them would need."""
    given_ = [[(verb, [(n,)]) for verb in script] for n in range(domains_)]
    done = [(verb, len(rows)) for verb, rows in merged(given_)]
    assert done == [(verb, domains_) for verb in script]


def test_who_lacks_a_step_waits_for_those_who_have_it():
    """So that a delete that only one needs does not part what all insert."""
    delete, insert = VERBS[0], VERBS[1]
    given_ = [[(insert, [1])], [(delete, [2]), (insert, [2])], [(insert, [3])]]
    assert list(merged(given_)) == [(delete, [2]), (insert, [1, 2, 3])]
