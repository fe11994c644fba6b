"""What the tests of jobs share."""

from __future__ import annotations

import pytest

from tests.kit import build


@pytest.fixture
def domain(store):
    """Make the domain that the jobs are of."""
    return build.a_domain(store)
