"""Tells webhooks of new entries, in the background.

One task looks who has work; each webhook is served by a task of its own, so that a
slow receiver holds up nobody else. What is to be told, and when it is tried again, is
in the database. A webhook is served under a lease, by one of all processes; when that
one dies, the lease runs out and another goes on.

Whatever a receiver was sent may be sent again: a process can die after the answer and
before its note. So every delivery has an id that stays, and nothing is ever left out.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from aiohttp.web import AppKey

from api.http.metrics import count_attempt
from api.webhooks.schedule import Policy, asked_wait, attempt_of
from api.webhooks.sender import Answer, Sender
from api.webhooks.wire import delivery_body
from api.wire.entries import to_wire
from ledger.clock import Clock, now_micros
from ledger.errors import StoreUnavailable
from ledger.ids import new_id
from ledger.store import Reader, Store
from ledger.times import Micros
from ledger.webhooks import deliveries
from ledger.webhooks.subscriptions import Standing, find_webhook, standings
from ledger.webhooks.values import Attempt, Delivery, Lease, Webhook
from ledger.writer import LedgerWriter
from projections.feed.pages import Change, changes_at, read_changes, types_of

T = TypeVar("T")
Key = tuple[str, str]

_SECOND = 1_000_000
_GATHER = 0.02
_GRACE = 1.0

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Ahead:
    """What lies before a webhook in the log."""

    hook: Webhook
    reached: int
    matches: tuple[int, ...]


class Deliverer:
    """Serves the webhooks of all domains, as far as other processes do not."""

    def __init__(
        self,
        store: Store,
        writer: LedgerWriter,
        *,
        private: bool = False,
        policy: Policy | None = None,
        clock: Clock = now_micros,
    ) -> None:
        """Prepare; ``start`` begins to work. ``private`` allows any address."""
        self._store = store
        self._writer = writer
        self._private = private
        self._policy = policy or Policy()
        self._clock = clock
        self._owner = new_id()
        self._sender: Sender | None = None
        self._domains: set[str] = set()
        self._passed: dict[Key, int] = {}
        self._held: dict[Key, Micros] = {}
        self._failures: dict[Key, int] = {}
        self._resting: dict[Key, Micros] = {}
        self._changed: dict[Key, Micros] = {}
        self._tasks: dict[Key, asyncio.Task[bool]] = {}
        self._pruned_on = self._clock()
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._stopping = False

    def start(self) -> None:
        """Begin to work on the running event loop."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    def note(self, domain: str) -> None:
        """Hear that the log of a domain has grown."""
        if domain in self._domains:
            self._wake.set()

    def wake(self) -> None:
        """Look soon: a webhook was made or changed."""
        self._wake.set()

    async def aclose(self) -> None:
        """Stop, note what is done, and leave the webhooks to other processes."""
        self._stopping = True
        await _ended(self._task)
        tasks = list(self._tasks.values())
        if tasks:
            # Who was just asked may still answer, which spares them a repeat.
            await asyncio.wait(tasks, timeout=_GRACE)
        for task in tasks:
            await _ended(task)
        for domain, webhook_id in self._held:
            errand = partial(
                deliveries.release, webhook_id=webhook_id, owner=self._owner
            )
            with suppress(Exception):
                await self._writer.run(domain, errand)
        if self._sender is not None:
            await self._sender.close()

    async def drain(self) -> None:
        """Work until nothing is left that can be done now; for tools and tests."""
        while tasks := await self.look():
            if not any(await asyncio.gather(*tasks)):
                return

    async def look(self) -> list[asyncio.Task[bool]]:
        """Give every webhook that has work a task; return those that are at work."""
        if self._sender is None:
            self._sender = Sender(
                seconds=self._policy.timeout, private=self._private, clock=self._clock
            )
        found = await self._store.aside(lambda: self._store.look(standings))
        self._domains = {standing.domain for standing in found if standing.active}
        self._forget_all_but({standing.key for standing in found})
        self._end_rests(found)
        await self._prune(found)
        for standing in found:
            if standing.key not in self._tasks and self._has_work(standing):
                task = asyncio.create_task(self._serve_safely(standing.key))
                self._tasks[standing.key] = task
                task.add_done_callback(partial(self._left, standing.key))
        return list(self._tasks.values())

    async def _run(self) -> None:
        while not self._stopping:
            try:
                await self.look()
            except StoreUnavailable:
                logger.debug("webhooks_not_looked_at")
            except Exception:
                logger.exception("webhooks_not_looked_at")
            with suppress(TimeoutError):
                async with asyncio.timeout(self._policy.look):
                    await self._wake.wait()
            self._wake.clear()
            # What comes within a moment is looked at together.
            await asyncio.sleep(_GATHER)

    def _left(self, key: Key, _task: asyncio.Task[bool]) -> None:
        del self._tasks[key]

    def _forget_all_but(self, keys: set[Key]) -> None:
        """Forget what was remembered of webhooks that were deleted."""
        remembered: tuple[dict[Key, Any], ...] = (
            self._passed,
            self._held,
            self._failures,
            self._resting,
            self._changed,
        )
        for known in remembered:
            for key in known.keys() - keys:
                del known[key]

    def _end_rests(self, found: Sequence[Standing]) -> None:
        """Let a webhook that was changed rest no longer: it may ask somebody else."""
        for standing in found:
            if self._changed.get(standing.key) != standing.changed_on:
                self._changed[standing.key] = standing.changed_on
                self._resting.pop(standing.key, None)
                self._failures.pop(standing.key, None)

    def _has_work(self, standing: Standing) -> bool:
        now = self._clock()
        ours = standing.lease_owner == self._owner or standing.lease_until <= now
        if not standing.active or not ours:
            return False
        if standing.head > max(standing.position, self._passed.get(standing.key, 0)):
            return True
        due = standing.due_on is not None and standing.due_on <= now
        return due and not self._rests(standing.key)

    def _rests(self, key: Key) -> bool:
        return self._resting.get(key, 0) > self._clock()

    # -- one webhook -----------------------------------------------------------

    async def _serve_safely(self, key: Key) -> bool:
        """Serve a webhook; what fails is logged and taken up at the next look."""
        try:
            return await self._serve(key)
        except StoreUnavailable:
            return False
        except Exception:
            domain, webhook_id = key
            extra = {"domain": domain, "webhook": webhook_id}
            logger.exception("webhook_not_served", extra=extra)
            return False

    async def _serve(self, key: Key) -> bool:
        """Look at the log and tell of it until nothing is left to do now."""
        worked = False
        while not self._stopping:
            moved = await self._move(key)
            sent = await self._send_due(key)
            if not moved and not sent:
                break
            worked = True
        return worked

    async def _move(self, key: Key) -> bool:
        """Go on in the log; note what matches in the step that moves the place."""
        ahead = await self._store.aside(partial(self._look_ahead, key))
        if ahead is None:
            return False
        came_from = ahead.hook.position
        if not ahead.matches and ahead.reached - came_from < self._policy.lazily:
            # Nobody is to be told: what a restart would look at again is little.
            self._passed[key] = ahead.reached
            return True
        domain, webhook_id = key
        lease = self._lease(key)
        moved = await self._writer.run(
            domain,
            partial(
                deliveries.move,
                webhook_id=webhook_id,
                lease=lease,
                came_from=came_from,
                to=ahead.reached,
                matches=ahead.matches,
            ),
        )
        self._keep(key, lease, held=moved)
        self._passed.pop(key, None)
        return moved

    def _look_ahead(self, key: Key) -> _Ahead | None:
        """Return what of the log lies before a webhook, if it is to go on."""
        policy = self._policy
        domain, webhook_id = key
        with self._store.snapshot(domain) as r:
            hook = find_webhook(r, webhook_id)
            if hook is None or not hook.active:
                return None
            if deliveries.has_pending(r, webhook_id, more_than=policy.most_pending):
                return None
            after = max(hook.position, self._passed.get(key, 0))
            page = read_changes(r, after, limit=policy.entries)
            if not page.changes:
                return None
            reached = page.changes[-1].entry.position
            return _Ahead(hook, reached, matching(r, hook, page.changes))

    async def _send_due(self, key: Key) -> bool:
        """Send what is due, in its order; tell whether anything was."""
        if self._rests(key) or not await self._hold(key):
            return False
        queue = await self._store.aside(partial(self._due, key))
        if queue is None:
            return False
        attempts: list[Attempt] = []
        try:
            await self._send_batch(key, *queue, attempts)
        finally:
            # Also when we are told to stop: what was answered is not asked again.
            if attempts:
                await self._note(key, attempts)
        return bool(attempts)

    def _due(self, key: Key) -> tuple[Webhook, list[tuple[Delivery, Change]]] | None:
        """Return a webhook and what is due, with the entries it is about."""
        domain, webhook_id = key
        with self._store.snapshot(domain) as r:
            hook = find_webhook(r, webhook_id)
            if hook is None or not hook.active:
                return None
            due = deliveries.due_deliveries(
                r, webhook_id, now=self._clock(), limit=self._policy.batch
            )
            changes = changes_at(r, [delivery.position for delivery in due])
            return hook, [
                (d, changes[d.position]) for d in due if d.position in changes
            ]

    async def _send_batch(
        self,
        key: Key,
        hook: Webhook,
        queue: Sequence[tuple[Delivery, Change]],
        attempts: list[Attempt],
    ) -> None:
        until = self._clock() + int(self._policy.batch_seconds * _SECOND)
        for delivery, change in queue:
            if self._stopping or self._rests(key) or self._clock() > until:
                return
            body = delivery_body(delivery, to_wire(change.entry, change.case_ids))
            answer = await self._sending().send(hook, delivery, body)
            now, policy = self._clock(), self._policy
            attempts.append(attempt_of(delivery, answer, policy=policy, now=now))
            count_attempt(attempts[-1])
            self._count(key, answer)
            if answer.gone:
                return

    def _count(self, key: Key, answer: Answer) -> None:
        """Let a webhook rest when it fails again and again."""
        if answer.good:
            self._failures.pop(key, None)
            return
        failures = self._failures[key] = self._failures.get(key, 0) + 1
        now, over = self._clock(), failures - self._policy.rest_after
        if over >= 0:
            rest = min(self._policy.longest_rest, 2.0 ** min(over, 30))
            self._resting[key] = now + int(rest * _SECOND)
        asked = asked_wait(answer, self._policy, now=now)
        if asked:
            self._resting[key] = max(self._resting.get(key, 0), now + asked)

    async def _note(self, key: Key, attempts: Sequence[Attempt]) -> None:
        domain, webhook_id = key
        lease = self._lease(key)
        held = await self._writer.run(
            domain,
            partial(
                deliveries.note_attempts,
                webhook_id=webhook_id,
                attempts=attempts,
                lease=lease,
            ),
        )
        self._keep(key, lease, held=held)

    # -- leases, and what is old -----------------------------------------------

    async def _hold(self, key: Key) -> bool:
        """Make sure that we hold the lease for as long as a batch may take."""
        policy = self._policy
        enough = int((policy.batch_seconds + policy.timeout) * _SECOND)
        if self._held.get(key, 0) - self._clock() >= enough:
            return True
        domain, webhook_id = key
        lease = self._lease(key)
        errand = partial(deliveries.claim, webhook_id=webhook_id, lease=lease)
        held = await self._writer.run(domain, errand)
        self._keep(key, lease, held=held)
        return held

    def _lease(self, key: Key) -> Lease:
        """Return a lease; no other process asks a receiver before it wants to be."""
        now = self._clock()
        until = now + int(self._policy.lease * _SECOND)
        until = max(until, self._resting.get(key, 0))
        return Lease(owner=self._owner, now=now, until=until)

    def _keep(self, key: Key, lease: Lease, *, held: bool) -> None:
        if held:
            self._held[key] = lease.until
        else:
            self._held.pop(key, None)

    def _sending(self) -> Sender:
        if self._sender is None:
            raise RuntimeError("nothing is sent before the first look")
        return self._sender

    async def _prune(self, found: Sequence[Standing]) -> None:
        """Forget, every now and then, what was delivered long ago."""
        now = self._clock()
        if now - self._pruned_on < self._policy.prune_every * _SECOND:
            return
        self._pruned_on = now
        before = now - int(self._policy.keep * _SECOND)
        for standing in found:
            errand = partial(
                deliveries.prune, webhook_id=standing.webhook_id, before=before
            )
            await self._writer.run(standing.domain, errand)


def matching(r: Reader, hook: Webhook, changes: Sequence[Change]) -> tuple[int, ...]:
    """Return the positions of the entries that a webhook is to be told of.

    A case none of whose forms is in force any more has no type, so an entry that left
    it so is told to everybody who wants some type.
    """
    wanted = [c for c in changes if not hook.xmlns or c.entry.xmlns in hook.xmlns]
    if not hook.case_types:
        return tuple(change.entry.position for change in wanted)
    types = types_of(r, {case_id for change in wanted for case_id in change.case_ids})
    good = {case_id for case_id, kind in types.items() if kind in hook.case_types}
    good.update(case_id for case_id, kind in types.items() if not kind)
    return tuple(
        change.entry.position
        for change in wanted
        if not good.isdisjoint(change.case_ids)
    )


async def _ended(task: asyncio.Task[T] | None) -> None:
    """Cancel a task and wait for its end."""
    if task is not None:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


WEBHOOK_DELIVERY = AppKey("webhook_delivery", Deliverer)
"""Where handlers find it."""
