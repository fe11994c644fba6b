"""A process that is killed while it delivers loses nothing and doubles no id."""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter

from ledger.clock import now_micros
from ledger.entry import Author
from ledger.webhooks import deliveries
from ledger.webhooks import subscriptions as webhooks
from ledger.webhooks.values import DELIVERED, PENDING, Webhook
from projections.rebuild.verify import verify
from tests.kit import build, children
from tests.kit.receiver import receiving, until

FORMS = 240
KILLS = 3
BATCH = 20


def make_webhook(store, url):
    wish = Webhook(domain="", webhook_id="", url=url, secret="s" * 16)
    with store.writing(build.DOMAIN) as writer:
        return webhooks.add_webhook(
            writer, wish, after=None, author=Author(), now=now_micros()
        ).webhook_id


def states(store, webhook_id):
    with store.reading(build.DOMAIN) as reader:
        found = deliveries.list_deliveries(
            reader, webhook_id, state=None, below=2**62, limit=9999
        )
    return {delivery.position: delivery.state for delivery in found}


async def test_what_was_sent_and_not_noted_comes_again_under_its_id(store, url):
    """Siege: S22. Answered or not when kill -9 hits, a repeat has the same webhook-id.

    The first delivery is answered, the second waits for its answer, and of neither is
    anything noted: those who died took that with them.
    """
    build.a_domain(store)
    async with receiving() as receiver:
        hook = make_webhook(store, receiver.url)
        first, second = (
            build.submit(store, build.a_form([build.a_create(case_id)])).position
            for case_id in ("c1", "c2")
        )

        def answer(_body):
            receiver.hang = asyncio.Event()
            return 200

        receiver.answer = answer
        child = children.work("deliver", url)
        await until(lambda: len(receiver.requests) == 2)
        child.kill()
        child.wait()
        assert states(store, hook) == {first: PENDING, second: PENDING}
        receiver.answer = lambda _body: 200
        receiver.hang.set()
        receiver.hang = None
        child = children.work("deliver", url)
        try:
            everything = {first: DELIVERED, second: DELIVERED}
            await until(lambda: states(store, hook) == everything)
        finally:
            child.kill()
            child.wait()
    assert receiver.positions == [first, second, first, second]
    told, again = receiver.requests[:2], receiver.requests[2:]
    for (headers, body), (repeated, same) in zip(told, again, strict=True):
        assert same == body
        for name in ("webhook-id", "Idempotency-Key", "X-Caseledger-Delivery"):
            assert repeated[name] == headers[name] == json.loads(body)["delivery_id"]
    assert len({headers["webhook-id"] for headers, _ in told}) == 2


async def test_a_killed_delivery_is_finished_by_whoever_comes_next(store, url):
    """Whenever kill -9 hits, every entry is told, and repeats carry the same id."""
    build.a_domain(store)
    async with receiving() as receiver:
        hook = make_webhook(store, receiver.url)
        positions = [
            build.submit(store, build.a_form([build.a_create(f"c{n}")])).position
            for n in range(FORMS)
        ]
        for turn in range(1, KILLS + 1):
            child = children.work("deliver", url)
            enough = len(receiver.requests) + random.randint(1, FORMS // 5)
            await until(lambda: len(receiver.requests) >= enough)  # noqa: B023
            await asyncio.sleep(random.random() / 50)
            child.kill()
            child.wait()
            positions.append(
                build.submit(store, build.a_form([build.a_create(f"k{turn}")])).position
            )
        child = children.work("deliver", url)
        try:
            await until(lambda: set(positions) <= set(receiver.positions))
            everything = dict.fromkeys(positions, DELIVERED)
            await until(lambda: states(store, hook) == everything)
        finally:
            child.kill()
            child.wait()
    told = Counter(headers["X-Caseledger-Delivery"] for headers, _ in receiver.requests)
    assert set(told) == {f"{hook}:{position}" for position in positions}
    assert sum(told.values()) - len(told) <= KILLS * (BATCH + 1)
    bodies = {(b["delivery_id"], str(b)) for b in receiver.bodies}
    assert len(bodies) == len(told)
    assert verify(store, build.DOMAIN).ok
