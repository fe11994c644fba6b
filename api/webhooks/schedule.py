"""When a delivery is tried again, and when it is given up.

What a receiver asks for is heeded as ``rules/libraries.md`` 3.6.3 says.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime

from api.webhooks.sender import Answer
from ledger.times import Micros
from ledger.webhooks.values import DEAD, DELIVERED, PENDING, Attempt, Delivery

_SECOND = 1_000_000
_MINUTE = 60
_HOUR = 60 * _MINUTE
_DAY = 24 * _HOUR
_MOST_DIGITS = 9


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """How patient deliveries are; times in seconds.

    ``delays`` stand behind each failed attempt; after one more attempt than there are
    delays a delivery is dead. ``rest_after`` failures in a row a webhook rests, longer
    each time, up to ``longest_rest``; a receiver may ask for ``longest_asked``.
    """

    delays: tuple[float, ...] = (
        10,
        30,
        2 * _MINUTE,
        5 * _MINUTE,
        15 * _MINUTE,
        _HOUR,
        2 * _HOUR,
        6 * _HOUR,
        14 * _HOUR,
    )
    jitter: float = 0.2
    timeout: float = 10
    lease: float = 30
    look: float = 1
    batch_seconds: float = 8
    batch: int = 20
    entries: int = 200
    lazily: int = 1000
    """Entries that a webhook lets pass before its place in the log is written."""
    most_pending: int = 1000
    rest_after: int = 3
    longest_rest: float = 60
    longest_asked: float = _HOUR
    keep: float = 30 * _DAY
    prune_every: float = _HOUR


def asked_wait(answer: Answer, policy: Policy, *, now: Micros) -> Micros:
    """Return how long a receiver asks to be left alone, no longer than we heed it.

    A ``Retry-After`` is a number of seconds or a date; any other is as if it were not
    there, and so is that of an answer which says yes.
    """
    if answer.good or answer.retry_after is None:
        return 0
    asked = _micros_of(answer.retry_after.strip(), now=now)
    return max(0, min(asked, int(policy.longest_asked * _SECOND)))


def attempt_of(
    delivery: Delivery, answer: Answer, *, policy: Policy, now: Micros
) -> Attempt:
    """Return how an attempt ended and when the next one is due.

    That is never before the receiver wants to be asked again.
    """
    tries = delivery.attempts + 1
    delays = policy.delays
    state, due_on = DELIVERED, None
    if answer.gone or (not answer.good and tries > len(delays)):
        state = DEAD
    elif not answer.good:
        jitter = 1 + random.random() * policy.jitter  # noqa: S311
        delay = int(delays[tries - 1] * jitter * _SECOND)
        state = PENDING
        due_on = now + max(delay, asked_wait(answer, policy, now=now))
    return Attempt(
        position=delivery.position,
        state=state,
        due_on=due_on,
        attempted_on=now,
        status=answer.status,
        error=answer.error,
        gone=answer.gone,
    )


def _micros_of(text: str, *, now: Micros) -> Micros:
    """Return what a ``Retry-After`` asks for, nothing when it is none."""
    if text.isascii() and text.isdigit():
        # The text may be as long as a header can be.
        return int(text.lstrip("0")[:_MOST_DIGITS] or 0) * _SECOND
    try:
        when = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return 0
    utc = when if when.tzinfo else when.replace(tzinfo=UTC)
    return int(utc.timestamp()) * _SECOND - now
