"""Every entry that a webhook wants is told, at least once, whatever goes wrong."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from ledger.entry import Author, Kind
from ledger.log import count_kinds, entries_after
from ledger.webhooks import deliveries
from ledger.webhooks import subscriptions as webhooks
from tests.kit import build
from tests.kit.receiver import receiving, signature, until
from tests.kit.webhooks import POLICY, SECONDS, add, listed, shown, submit

pytestmark = pytest.mark.usefixtures("domain")


async def test_entries_are_told_in_their_order(store, start, receiver):
    """The first attempts follow the log; all is noted."""
    hook = add(store, receiver.url)
    positions = [submit(store, f"c{n}") for n in range(50)]
    deliverer = start()
    await deliverer.drain()
    assert receiver.positions == positions
    found = listed(store, hook, "delivered")
    assert [d.position for d in found] == positions
    assert {(d.attempts, d.status, d.error, d.due_on) for d in found} == {
        (1, 200, None, None)
    }
    await deliverer.drain()
    assert len(receiver.requests) == 50


async def test_a_webhook_is_told_of_what_comes_after_it_was_made(
    store, start, receiver
):
    """Not of the past, unless it begins at a position."""
    first = submit(store)
    add(store, receiver.url + "/new")
    hook = add(store, receiver.url + "/old", after=0)
    await start().drain()
    told = Counter(body["webhook_id"] for body in receiver.bodies)
    with store.snapshot(build.DOMAIN) as reader:
        whole = [e.position for e, _ in entries_after(reader, 0, limit=100)]
    assert first in whole
    assert told[hook] == len(whole)
    assert [d.position for d in listed(store, hook)] == whole


async def test_filters_choose_by_case_type_and_xmlns(store, start, receiver):
    """Both must fit where both are given; an entry without a case fits no type."""
    wishes = {
        "all": {},
        "type": {"case_types": ("visit", "other")},
        "form": {"xmlns": ("http://x/a",)},
        "both": {"case_types": ("visit",), "xmlns": ("http://x/a", "http://x/c")},
    }
    hooks = {name: add(store, receiver.url, **wish) for name, wish in wishes.items()}
    visit = {"create": {"case_type": "visit"}}
    a = submit(store, "c1", xmlns="http://x/a")
    b = submit(store, "c2", xmlns="http://x/b", **visit)
    c = submit(store, "c3", xmlns="http://x/c", **visit)
    d = build.submit(store, b"no form").position
    [deleted] = build.write(store, build.a_flag("c2"))
    with store.reading(build.DOMAIN) as reader:
        e = reader.head.position
    assert deleted is not None
    await start().drain()
    told = {
        name: [p for p in positions_of(receiver, hook) if p >= a]
        for name, hook in hooks.items()
    }
    assert told == {
        "all": [a, b, c, d, e],
        "type": [b, c, e],
        "form": [a],
        "both": [c],
    }


def positions_of(receiver, hook):
    """Return what one webhook was told of."""
    return [b["position"] for b in receiver.bodies if b["webhook_id"] == hook]


async def test_a_receiver_that_hangs_holds_up_nobody_else(store, start, receiver):
    """Each webhook is served by a task of its own."""
    async with receiving() as slow:
        slow.hang = asyncio.Event()
        add(store, slow.url)
        quick = add(store, receiver.url)
        position = submit(store)
        deliverer = start()
        deliverer.start()
        await until(lambda: positions_of(receiver, quick) and slow.requests)
        more = submit(store, "c2")
        await until(lambda: more in positions_of(receiver, quick))
        assert positions_of(receiver, quick) == [position, more]
        assert len(slow.requests) == 1
        slow.hang.set()


async def test_a_receiver_that_is_gone_is_asked_no_more(store, start, receiver):
    """410 switches the webhook off; that is an entry, and it can be undone."""
    receiver.answer = lambda _body: 410
    hook = add(store, receiver.url)
    positions = [submit(store, f"c{n}") for n in range(3)]
    deliverer = start()
    await deliverer.drain()
    assert len(receiver.requests) == 1
    off = shown(store, hook)
    assert (off.active, off.stopped) == (False, "the receiver answered 410 Gone")
    with store.snapshot(build.DOMAIN) as reader:
        last = entries_after(reader, reader.head.position - 1, limit=1)[0][0]
        assert count_kinds(reader)[Kind.DIRECTORY] == 3
    assert last.details["action"] == "webhook stopped"
    assert [d.state for d in listed(store, hook)] == ["dead", "pending", "pending"]
    receiver.answer = lambda _body: 200
    with store.writing(build.DOMAIN) as writer:
        webhooks.change_webhook(
            writer, hook, {"active": True}, author=Author(), now=build.NOW
        )
        assert deliveries.retry_dead(writer, hook, now=build.NOW) == 1
    await deliverer.drain()
    assert set(positions) <= set(receiver.positions)
    assert shown(store, hook).stopped is None


async def test_what_happens_while_a_webhook_is_off_is_told_later(
    store, start, receiver
):
    """Its place in the log stays where it is."""
    hook = add(store, receiver.url, active=False)
    positions = [submit(store, f"c{n}") for n in range(3)]
    deliverer = start()
    await deliverer.drain()
    assert receiver.requests == []
    with store.writing(build.DOMAIN) as writer:
        webhooks.change_webhook(
            writer, hook, {"active": True}, author=Author(), now=build.NOW
        )
    await deliverer.drain()
    assert receiver.positions[:3] == positions


async def test_one_process_at_a_time_serves_a_webhook(store, start, receiver, clock):
    """Two race for it; nothing comes twice. A dead one's lease runs out."""
    add(store, receiver.url)
    first, second = start(), start()
    positions = [submit(store, f"c{n}") for n in range(30)]
    await asyncio.gather(first.drain(), second.drain())
    assert receiver.positions == positions
    positions.append(submit(store, "c98"))
    await first.drain()
    owner, other = (
        (first, second) if receiver.positions == positions else (second, first)
    )
    await owner.drain()
    assert receiver.positions == positions
    more = submit(store, "c99")
    await other.drain()
    assert receiver.positions == positions
    clock.now += int(POLICY.lease * SECONDS)
    await other.drain()
    assert receiver.positions == [*positions, more]
    await owner.drain()
    assert receiver.positions == [*positions, more]


async def test_a_process_that_stops_leaves_its_webhooks_at_once(store, start, receiver):
    """Nobody has to wait for the end of a lease that was given back."""
    hook = add(store, receiver.url)
    submit(store)
    first = start()
    await first.drain()
    await first.aclose()
    assert shown(store, hook).lease_until == 0
    more = submit(store, "c2")
    await start().drain()
    assert receiver.positions[-1] == more


async def test_a_process_that_stops_in_a_batch_notes_what_was_answered(
    store, start, receiver
):
    """Only the attempt that was cut off is repeated, with the same id."""
    hook = add(store, receiver.url)
    positions = [submit(store, f"c{n}") for n in range(6)]

    def hang_at_the_third(body):
        if body["position"] == positions[1]:
            receiver.hang = asyncio.Event()
        return 200

    receiver.answer = hang_at_the_third
    first = start()
    first.start()
    await until(lambda: len(receiver.requests) == 3)
    await first.aclose()
    receiver.hang.set()
    receiver.hang = None
    receiver.answer = lambda _body: 200
    assert [d.position for d in listed(store, hook, "delivered")] == positions[:2]
    await start().drain()
    assert receiver.positions == [*positions[:3], *positions[2:]]


async def test_a_crash_before_the_note_repeats_and_loses_nothing(
    store, start, receiver, monkeypatch
):
    """At least once: the repeat has the same id, so that it can be dropped."""
    add(store, receiver.url)
    positions = [submit(store, f"c{n}") for n in range(5)]
    deliverer = start()

    def crash(*_args, **_more):
        raise RuntimeError("power cut")

    with monkeypatch.context() as patch:
        patch.setattr(deliveries, "note_attempts", crash)
        await deliverer.drain()
    await deliverer.drain()
    ids = [headers["X-Caseledger-Delivery"] for headers, _ in receiver.requests]
    assert len(ids) == 10
    assert list(dict.fromkeys(receiver.positions)) == positions
    assert len(set(ids)) == 5


async def test_a_backlog_stays_in_the_log_when_nobody_takes_it(
    store, start, receiver, clock
):
    """A dead receiver fills no table: the place in the log waits as well."""
    receiver.answer = lambda _body: 500
    hook = add(store, receiver.url)
    positions = [submit(store, f"c{n}") for n in range(30)]
    deliverer = start(most_pending=8, entries=5)
    await deliverer.drain()
    assert len(listed(store, hook)) == 10
    assert shown(store, hook).position < positions[-1]
    receiver.answer = lambda _body: 200
    clock.now += 10 * SECONDS
    await deliverer.drain()
    assert sorted(set(receiver.positions)) == positions


async def test_entries_that_nobody_wants_cost_no_write(store, start, receiver):
    """The place of a webhook is written now and then, not for every commit."""
    hook = add(store, receiver.url, xmlns=("http://x/wanted",))
    before = shown(store, hook)
    for n in range(12):
        submit(store, f"c{n}")
    deliverer = start(lazily=10, entries=3)
    await deliverer.drain()
    after = shown(store, hook)
    assert before.position < after.position
    wanted = submit(store, "c50", xmlns="http://x/wanted")
    await start().drain()
    assert receiver.positions == []
    await deliverer.drain()
    assert receiver.positions == [wanted]


async def test_what_was_delivered_long_ago_is_forgotten(store, start, receiver, clock):
    """After thirty days; what is dead stays until somebody looks at it."""
    hook = add(store, receiver.url)
    first = submit(store, "c1")
    receiver.answer = lambda body: 200 if body["position"] == first else 500
    submit(store, "c2")
    deliverer = start(delays=())
    await deliverer.drain()
    clock.now += int(POLICY.keep - 10) * SECONDS
    await deliverer.drain()
    assert [d.state for d in listed(store, hook)] == ["delivered", "dead"]
    clock.now += int(POLICY.prune_every + 20) * SECONDS
    await deliverer.drain()
    assert [d.state for d in listed(store, hook)] == ["dead"]


async def test_a_webhook_that_was_deleted_is_told_nothing(store, start, receiver):
    """Its deliveries go with it."""
    receiver.answer = lambda _body: 500
    hook = add(store, receiver.url)
    submit(store)
    deliverer = start()
    await deliverer.drain()
    with store.writing(build.DOMAIN) as writer:
        webhooks.delete_webhook(writer, hook, author=Author(), now=build.NOW)
    submit(store, "c2")
    await deliverer.drain()
    assert len(receiver.requests) == 1
    assert build.rows_of(store.connection.raw, deliveries.deliveries, "demo") == []


async def test_the_secret_that_is_new_signs_from_then_on(store, start, receiver):
    """Changing it needs no restart."""
    hook = add(store, receiver.url)
    deliverer = start()
    await deliverer.drain()
    with store.writing(build.DOMAIN) as writer:
        webhooks.change_webhook(
            writer, hook, {"secret": "t" * 32}, author=Author(), now=build.NOW
        )
    submit(store)
    await deliverer.drain()
    headers, body = receiver.requests[-1]
    assert headers["X-Caseledger-Signature"] == signature("t" * 32, headers, body)
