"""A short round of the siege on each database; ``make siege`` is the long form.

It stands among the other tests, so it kills and cuts off only what it has started, and
nothing is a fault because it takes long. ``make siege-short`` runs it alone.
"""

from __future__ import annotations

import os

import pytest

from tests.conftest import DATABASES
from tests.kit.postgres import Unavailable
from tests.siege.siege import ATTACKERS, siege
from tests.siege.tally import Tally

SEED = 20_261_130
SECONDS = 45


@pytest.mark.timeout(900)
@pytest.mark.parametrize("database", DATABASES)
def test_nothing_gives_way(database, record_property):
    """Every attacker has tried something, and there is no fault."""
    record_property("database", database)
    tally = Tally()
    try:
        siege(database, tally, seed=SEED, seconds=SECONDS, report=print)
    except Unavailable as error:
        if os.environ.get("CI", "").lower() not in {"", "0", "false"}:
            raise
        pytest.skip(str(error))
    assert not tally.faults, tally.table()
    assert tally.attackers() >= ATTACKERS


def test_a_tally_tells_tries_and_faults():
    """So that a siege that finds something can say so."""
    tally = Tally()
    tally.check("fuzz", "json", fault=None)
    tally.check("fuzz", "json", fault="500 to {}")
    assert tally.table().splitlines()[2:] == [
        "fuzz        json          2         1",
        "FAULT fuzz: json: 500 to {}",
    ]
