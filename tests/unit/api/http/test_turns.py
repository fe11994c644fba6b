"""Parties take turns at what only a few may do at once."""

from __future__ import annotations

import asyncio

import pytest

from api.http.turns import Turns
from api.wire.problems import Problem


class Crowd:
    """Requests that wait before a gate, and the order in which they came through."""

    def __init__(self, **limits) -> None:
        """Stand before a gate with such limits, all of the same standing at first."""
        self.standing: dict[str, int] = {}
        self.turns = Turns(**limits, standing=lambda party: self.standing.get(party, 0))
        self.served: list[str] = []
        self.go_on = asyncio.Event()
        self.tasks: list[asyncio.Task[None]] = []

    async def come(self, *names: str) -> None:
        """Have requests come one after the other; a name begins with its party."""
        for name in names:
            self.tasks.append(asyncio.create_task(self._served(name)))
            await asyncio.sleep(0)

    async def _served(self, name: str) -> None:
        async with self.turns.turn(name[0]):
            self.served.append(name)
            await self.go_on.wait()

    async def end(self) -> list[str]:
        """Let all through; return who was refused."""
        self.go_on.set()
        ends = await asyncio.gather(*self.tasks, return_exceptions=True)
        return [str(end) for end in ends if end is not None]


async def test_who_asks_once_does_not_wait_for_who_asks_often():
    """One of each party in turn, in the order they came."""
    crowd = Crowd(at_once=1, most_waiting=99)
    await crowd.come("a1", "a2", "a3", "a4", "a5", "b1", "b2", "c1")
    assert await crowd.end() == []
    assert crowd.served == ["a1", "a2", "b1", "c1", "a3", "b2", "a4", "a5"]


async def test_who_has_the_better_standing_goes_first():
    """As it is when a place is free, not when somebody came."""
    crowd = Crowd(at_once=1, most_waiting=99)
    await crowd.come("a1", "b1", "c1", "d1")
    crowd.standing |= {"b": 2, "c": 1, "d": -1}
    assert await crowd.end() == []
    assert crowd.served == ["a1", "d1", "c1", "b1"]


async def test_the_last_place_is_kept_for_a_good_standing():
    """Who is put back waits, though it is free, and takes the other one in turn."""
    crowd = Crowd(at_once=2, most_waiting=99)
    crowd.standing |= {"a": 1, "b": 2, "c": 3}
    await crowd.come("a1", "b1", "c1")
    assert crowd.served == ["a1"]
    await crowd.come("d1", "e1")
    assert crowd.served == ["a1", "d1"]
    await crowd.end()
    assert crowd.served == ["a1", "d1", "e1", "b1", "c1"]


async def test_who_is_put_back_and_hangs_up_keeps_no_place():
    """The next of them is called."""
    crowd = Crowd(at_once=2, most_waiting=99)
    crowd.standing |= {"a": 1, "b": 2, "c": 3}
    async with crowd.turns.turn("a"):
        await crowd.come("b1", "c1")
    # That called the first, which hangs up before it hears of it.
    crowd.tasks[0].cancel()
    await crowd.end()
    assert crowd.served == ["c1"]


async def test_nobody_waits_for_ever():
    """Each fourth turn goes to who waits longest, of whatever standing."""
    crowd = Crowd(at_once=1, most_waiting=99)
    crowd.standing["b"] = 1
    await crowd.come("a1", "b1", "c1", "d1", "c2", "d2", "c3")
    await crowd.end()
    assert crowd.served == ["a1", "c1", "d1", "c2", "b1", "d2", "c3"]


async def test_no_more_than_so_many_at_once():
    """The others wait."""
    crowd = Crowd(at_once=2, most_waiting=99)
    await crowd.come("a1", "b1", "c1", "a2")
    assert crowd.served == ["a1", "b1"]
    await crowd.end()
    assert len(crowd.served) == 4
    # Nobody is left inside: as many may come again.
    crowd.go_on.clear()
    await crowd.come("d1", "d2", "d3")
    assert crowd.served[4:] == ["d1", "d2"]
    await crowd.end()


async def test_a_full_queue_refuses_who_has_most_in_it():
    """And takes in whoever has less."""
    crowd = Crowd(at_once=1, most_waiting=3)
    await crowd.come("a0", "a1", "a2", "a3")
    await crowd.come("a4", "b1", "c1", "b2", "d1")
    refused = await crowd.end()
    assert len(refused) == 5
    assert crowd.served == ["a0", "a1", "b1", "c1"]


async def test_a_full_queue_has_room_for_the_better_standing():
    """Of those who have as many in it, the worst goes."""
    crowd = Crowd(at_once=1, most_waiting=3)
    crowd.standing |= {"b": 1, "c": 2, "d": 3, "e": 4}
    await crowd.come("a1", "b1", "c1", "d1")
    await crowd.come("e1", "f1", "g1", "f2")
    assert len(await crowd.end()) == 4
    assert crowd.served == ["a1", "f1", "g1", "b1"]


async def test_who_is_refused_hears_when_to_come_again():
    """A 429 with its header."""
    turns = Crowd(at_once=0, most_waiting=0).turns
    with pytest.raises(Problem) as refused:
        async with turns.turn("a"):
            pass
    assert (refused.value.status, refused.value.headers) == (429, {"Retry-After": "1"})


async def test_who_hangs_up_gives_the_place_free():
    """While waiting, and in the moment of being called."""
    crowd = Crowd(at_once=1, most_waiting=99)
    async with crowd.turns.turn("a"):
        await crowd.come("b1", "c1", "d1", "e1")
        waiting, called, *_ = crowd.tasks
        waiting.cancel()
        await asyncio.sleep(0)
    # That called the second, which hangs up before it hears of it.
    called.cancel()
    await crowd.end()
    assert crowd.served == ["d1", "e1"]
    crowd.go_on.clear()
    await crowd.come("f1", "f2")
    assert crowd.served[2:] == ["f1"]
    await crowd.end()


async def test_who_hangs_up_inside_leaves():
    """The place goes to the next."""
    crowd = Crowd(at_once=1, most_waiting=99)
    await crowd.come("a1", "b1")
    crowd.tasks[0].cancel()
    await crowd.end()
    assert crowd.served == ["a1", "b1"]
