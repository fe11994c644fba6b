"""Ids that follow from what they are of."""

from __future__ import annotations

import uuid

from hypothesis import given
from hypothesis import strategies as st

from ledger import ids
from ledger.ids import derived_hex_id, derived_id, new_form_id, new_id

_NAMESPACE = uuid.UUID("6f1d5a3e-8d0b-5c7e-9f43-c1a5e1ed9e01")
_TEXTS = st.text(st.characters(exclude_categories=["Cs"]))


@given(_TEXTS, st.lists(_TEXTS, max_size=3))
def test_a_derived_id_is_a_uuid_of_version_5(scope, parts):
    wanted = uuid.uuid5(_NAMESPACE, "\x1f".join([scope, *parts]))
    assert derived_id(scope, *parts) == str(wanted)
    assert derived_hex_id(scope, *parts) == wanted.hex


def test_new_ids_differ_and_are_uuids_of_version_4():
    made = [new_id() for _ in range(10_000)]
    assert len(set(made)) == len(made)
    assert all(str(uuid.UUID(text)) == text for text in made)
    assert {uuid.UUID(text).version for text in [*made, new_form_id()]} == {4}
    assert {uuid.UUID(text).variant for text in made} == {uuid.RFC_4122}


def test_what_is_made_later_sorts_behind(monkeypatch):
    moments = iter([1, 999, 1_000, 1_999_999_999_999])
    made = []
    for moment in moments:
        monkeypatch.setattr(ids, "now_micros", lambda at=moment: at * 1_000)
        made += [new_form_id()]
    assert made == sorted(made)
    assert [int(text[:12], 16) for text in made] == [1, 999, 1_000, 1_999_999_999_999]
