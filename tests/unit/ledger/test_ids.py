"""Ids that follow from what they are of."""

from __future__ import annotations

import uuid

from hypothesis import given
from hypothesis import strategies as st

from ledger.ids import derived_hex_id, derived_id

_NAMESPACE = uuid.UUID("6f1d5a3e-8d0b-5c7e-9f43-c1a5e1ed9e01")
_TEXTS = st.text(st.characters(exclude_categories=["Cs"]))


@given(_TEXTS, st.lists(_TEXTS, max_size=3))
def test_a_derived_id_is_a_uuid_of_version_5(scope, parts):
    wanted = uuid.uuid5(_NAMESPACE, "\x1f".join([scope, *parts]))
    assert derived_id(scope, *parts) == str(wanted)
    assert derived_hex_id(scope, *parts) == wanted.hex
