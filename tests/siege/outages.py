"""Outages under load: the server and the database killed, cut off, full, locked.

While one lasts, whoever writes hears 503 or nothing (``load.py`` holds that). When it
is over, the server is ready and takes writes again by itself, within seconds, and all
that was acknowledged is there.
"""

from __future__ import annotations

import asyncio
import random
import signal
import time
from collections.abc import Awaitable, Callable
from functools import partial

from tests.kit.outages import locked
from tests.siege.city import City
from tests.siege.load import Load, audit
from tests.siege.tally import Tally

ME = "outages"

Outage = Callable[[City, random.Random], Awaitable[None]]


async def kill_server(city: City, _rng: random.Random) -> None:
    """Kill the server and start it again at once."""
    await asyncio.to_thread(city.kill)
    await asyncio.to_thread(city.start)


async def full_disk(city: City, rng: random.Random) -> None:
    """Let the disk be full for a while."""
    with city.full_disk():
        await asyncio.sleep(rng.uniform(1, 4))


async def lock(city: City, rng: random.Random) -> None:
    """Let another process hold the lock for writing for a while."""
    with locked(city.store):
        await asyncio.sleep(rng.uniform(1, 4))
    # Its settings stay with the store that it was given.
    city.reopen()


async def cut(city: City, rng: random.Random) -> None:
    """Cut all connections, several times."""
    for _ in range(rng.randrange(1, 6)):
        await asyncio.to_thread(city.cut)
        await asyncio.sleep(rng.uniform(0, 0.5))


async def restart(city: City, rng: random.Random, *, by: int) -> None:
    """Stop the database, leave it away for a while, start it again."""
    assert city.postgres is not None
    await asyncio.to_thread(city.postgres.stop, by)
    await asyncio.sleep(rng.uniform(0, 3))
    # It ends with the thread that has started it, so that is the one of the siege.
    city.postgres.start()


SQLITE: dict[str, Outage] = {
    "kill -9": kill_server,
    "full disk": full_disk,
    "lock": lock,
}
POSTGRESQL: dict[str, Outage] = {
    "kill -9": kill_server,
    "cut connections": cut,
    "stop": partial(restart, by=signal.SIGINT),
    "crash": partial(restart, by=signal.SIGQUIT),
}


async def attack(
    city: City, load: Load, tally: Tally, *, seed: int, seconds: float
) -> None:
    """Make outages until the time is over, each kind at least once."""
    rng = random.Random(seed)
    known = POSTGRESQL if city.postgres else SQLITE
    until = time.monotonic() + seconds
    turns = rng.sample(sorted(known), len(known))
    while turns or time.monotonic() < until:
        kind = turns.pop() if turns else rng.choice(sorted(known))
        await asyncio.sleep(rng.uniform(0.5, 2))
        await known[kind](city, rng)
        tally.check(ME, kind, fault=await _recovered(city, load))
        city.reopen()
        await asyncio.to_thread(audit, city.store, load.book, tally)


async def _recovered(city: City, load: Load) -> str | None:
    """Return what is still not as it should be after an outage."""
    if not city.alive():
        return "the server ended"
    try:
        await asyncio.to_thread(city.wait_for, "/readyz")
    except TimeoutError as error:
        return str(error)
    return None if await load.progress() else "nothing is acknowledged any more"
