"""A domain whose log is proved when a test is done with it, and a clock to set."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ledger.store import Store
from projections.verify import verify
from tests import build


@pytest.fixture
def proved_domain(store: Store) -> Iterator[str]:
    """Begin with an empty domain; in the end a fresh fold must give the same rows."""
    name = build.a_domain(store)
    yield name
    found = verify(store, name)
    assert found.ok, [*found.breaks, *map(str, found.differences)]


@pytest.fixture
def clock() -> build.FixedClock:
    """Show nine o'clock until a test moves it."""
    return build.FixedClock()
