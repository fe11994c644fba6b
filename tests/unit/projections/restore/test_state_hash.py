"""The hash by which device and server know that they speak of the same cases."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from projections.restore.state_hash import state_hash
from tests.kit.model_phone import phone_hash

TABLE = {
    (): "",
    ("c1",): "a9f7e97965d6cf799a529102a973b8b9",
    ("abc123", "123abc"): "409c5c597fa2c2a693b769f0d2ad432b",
    ("hh-001",): "4dfd99da2f04ba598a31b7d52d467e41",
    ("hh-001", "pt-001", "ref-001"): "978c3ac4738981ca9a9eabaab97f332f",
}


def test_it_is_what_phones_compute():
    """The table that servers and phones are tested with."""
    assert {ids: state_hash(ids) for ids in TABLE} == TABLE


@given(st.sets(st.text()))
def test_it_is_the_exclusive_or_of_all_digests(case_ids):
    """Of any ids, in any order."""
    assert state_hash(case_ids) == phone_hash(case_ids)
