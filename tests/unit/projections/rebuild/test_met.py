"""What a replay takes for new was never met before."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from projections.rebuild.met import MetIds

FEW, MANY = 1_000, 50_000


@given(st.lists(st.lists(st.text(max_size=2))))
def test_no_id_is_new_twice(noted):
    """Of an id that was met it never says that it is new."""
    met, known = MetIds(), set()
    for ids in noted:
        new = met.note(ids)
        assert known.isdisjoint(new)
        assert len(new) == len(set(new))
        known.update(ids)


def test_nearly_every_new_id_is_found_to_be_new():
    """Otherwise the database is asked about each for nothing."""
    met = MetIds()
    met.note(f"old-{n}" for n in range(MANY))
    assert len(met.note(f"new-{n}" for n in range(FEW))) > 0.99 * FEW
