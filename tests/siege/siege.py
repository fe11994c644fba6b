"""A round of the siege: each attacker has its turn at one city.

A round has a database of its own and a seed of its own, so that a round that found
something can be made again alone, however long the siege was.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic

from tests.siege import (
    alterations,
    clocks,
    credentials,
    fuzz,
    outages,
    schemas,
)
from tests.siege.city import City, Report, besieged
from tests.siege.load import Load, audit
from tests.siege.tally import Tally

_SHARES = {
    "outages": 0.25,
    "fuzz": 0.15,
    "credentials": 0.15,
    "schemas": 0.25,
    "rest": 0.1,
}
"""How much of the time of a round each has; alterations and clocks one such rest."""
ATTACKERS = frozenset(
    {
        "alterations",
        "audit",
        "clocks",
        "credentials",
        "fuzz",
        "load",
        "outages",
        "schemas",
    }
)


def siege(
    database: str, tally: Tally, *, seed: int, seconds: float, report: Report
) -> None:
    """Besiege a new city for about so many seconds; raises ``Unavailable``."""
    with besieged(database) as city:
        try:
            asyncio.run(_under_load(city, tally, seed, seconds, report))
            _in_peace(city, tally, seed, seconds, report)
        except Exception as error:  # noqa: BLE001 - the next round is to come all the same
            last = b"".join(city.log[-5:]).decode(errors="replace")
            tally.fault("siege", "a round broke off", f"{error!r}; the log: {last}")


async def _under_load(
    city: City, tally: Tally, seed: int, seconds: float, report: Report
) -> None:
    credentials.plant(city)
    load = Load(city, tally, seed)
    await load.start()
    try:
        with _told("outages", report):
            long = seconds * _SHARES["outages"]
            await outages.attack(city, load, tally, seed=seed, seconds=long)
    finally:
        with _told("drain", report):
            await load.stop()
    await asyncio.to_thread(audit, city.store, load.book, tally)
    for attacker in (fuzz, credentials, schemas):
        name = attacker.ME
        with _told(name, report):
            await attacker.attack(
                city, tally, seed=seed, seconds=seconds * _SHARES[name]
            )


def _in_peace(
    city: City, tally: Tally, seed: int, seconds: float, report: Report
) -> None:
    """Stop the server and do what nobody may do while it runs."""
    code = city.stop()
    fault = f"it ended with {code}" if code else None
    tally.check("siege", "the server stops when it is told to", fault=fault)
    for line in city.defects():
        tally.fault("siege", "the log of the server", line)
    tally.note("siege", "the log of the server", len(city.log))
    long = seconds * _SHARES["rest"]
    for attack, name in ((clocks.attack, clocks.ME), (alterations.attack, "verify")):
        with _told(name, report):
            attack(city, tally, seed=seed, seconds=long)


@contextmanager
def _told(name: str, report: Report) -> Iterator[None]:
    began = monotonic()
    yield
    report(f"  {name}: {monotonic() - began:.0f} s")
