"""What tests of batches find there."""

from __future__ import annotations

import pytest

from tests.kit import build


@pytest.fixture
def domain(store):
    return build.a_domain(store)
