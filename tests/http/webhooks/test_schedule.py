"""What fails is tried again later, and a receiver in trouble is left alone."""

from __future__ import annotations

import pytest

from ledger.entry import Author
from ledger.webhooks import subscriptions as webhooks
from tests.kit import build
from tests.kit.webhooks import POLICY, SECONDS, add, listed, shown, submit

pytestmark = pytest.mark.usefixtures("domain")


async def test_what_fails_is_tried_again_later_and_later(store, start, receiver, clock):
    """The schedule is kept in the table; each attempt is counted and explained."""
    receiver.answer = lambda _body: 503
    hook = add(store, receiver.url)
    position = submit(store)
    deliverer = start()
    for attempt, delay in enumerate(POLICY.delays, start=1):
        await deliverer.drain()
        [found] = listed(store, hook)
        assert (found.state, found.attempts, found.status) == ("pending", attempt, 503)
        assert found.error == "the receiver answered 503"
        assert found.due_on == clock.now + delay * SECONDS
        assert shown(store, hook).due_on == found.due_on
        clock.now += delay * SECONDS - 1
        await deliverer.drain()
        assert len(receiver.requests) == attempt
        clock.now += 1
    await deliverer.drain()
    [found] = listed(store, hook, "dead")
    assert (found.position, found.attempts, found.due_on) == (position, 4, None)
    clock.now += 10**9 * SECONDS
    await deliverer.drain()
    assert len(receiver.requests) == 4
    assert shown(store, hook).due_on is None


async def test_a_restart_keeps_the_schedule(store, start, receiver, clock):
    """What is to be tried again is in the database, not in a process."""
    receiver.answer = lambda _body: 500
    hook = add(store, receiver.url)
    submit(store)
    first = start()
    await first.drain()
    await first.aclose()
    receiver.answer = lambda _body: 204
    second = start()
    await second.drain()
    assert [d.state for d in listed(store, hook)] == ["pending"]
    clock.now += 10 * SECONDS
    await second.drain()
    assert [(d.state, d.attempts) for d in listed(store, hook)] == [("delivered", 2)]


async def test_a_failing_delivery_holds_up_no_later_one(store, start, receiver, clock):
    """It is retried beside the others, with the id and the body it had."""
    bad = submit(store) + 2
    hook = add(store, receiver.url)
    receiver.answer = lambda body: 500 if body["position"] == bad else 200
    assert submit(store, "c2") == bad
    rest = [submit(store, f"c{n}") for n in range(3, 6)]
    deliverer = start()
    await deliverer.drain()
    assert [d.position for d in listed(store, hook, "delivered")] == rest
    receiver.answer = lambda _body: 200
    clock.now += 10 * SECONDS
    await deliverer.drain()
    assert receiver.positions == [bad, *rest, bad]
    (headers, body), (again, same) = receiver.requests[0], receiver.requests[-1]
    assert body == same
    assert headers["X-Caseledger-Delivery"] == again["X-Caseledger-Delivery"]


async def test_a_webhook_that_fails_and_fails_rests(store, start, receiver, clock):
    """A dead receiver is not asked for every entry at once, over and over."""
    receiver.answer = lambda _body: 500
    add(store, receiver.url)
    positions = [submit(store, f"c{n}") for n in range(10)]
    deliverer = start(rest_after=2)
    await deliverer.drain()
    assert receiver.positions == positions[:2]
    clock.now += 1 * SECONDS
    await deliverer.drain()
    assert receiver.positions == positions[:3]
    receiver.answer = lambda _body: 200
    clock.now += 60 * SECONDS
    await deliverer.drain()
    assert set(receiver.positions) == set(positions)


async def test_a_receiver_that_asks_for_time_is_left_alone(
    store, start, receiver, clock
):
    """Neither the delivery that failed nor a later one comes sooner, from anybody."""
    receiver.answer, receiver.retry_after = lambda _body: 503, "120"
    add(store, receiver.url)
    first = submit(store)
    deliverer, other = start(), start()
    await deliverer.drain()
    later = submit(store, "c2")
    for seconds in (60, 59):
        clock.now += seconds * SECONDS
        await deliverer.drain()
        await other.drain()
        assert receiver.positions == [first]
    receiver.answer, receiver.retry_after = lambda _body: 200, None
    clock.now += 1 * SECONDS
    await deliverer.drain()
    assert receiver.positions == [first, later, first]


async def test_a_webhook_that_is_changed_rests_no_longer(store, start, receiver, clock):
    """The time was asked for by a receiver that may be another one now."""
    receiver.answer, receiver.retry_after = lambda _body: 503, "3600"
    hook = add(store, receiver.url)
    submit(store)
    deliverer = start()
    await deliverer.drain()
    receiver.answer, receiver.retry_after = lambda _body: 200, None
    clock.now += 1 * SECONDS
    with store.writing(build.DOMAIN) as writer:
        webhooks.change_webhook(
            writer, hook, {"url": receiver.url + "/2"}, author=Author(), now=clock.now
        )
    more = submit(store, "c2")
    await deliverer.drain()
    assert receiver.positions[-1] == more
