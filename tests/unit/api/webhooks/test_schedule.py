"""When a delivery that failed is tried again."""

from __future__ import annotations

from email.utils import formatdate

import pytest

from api.webhooks.schedule import Policy, asked_wait, attempt_of
from api.webhooks.sender import Answer
from ledger.webhooks.values import DEAD, DELIVERED, PENDING, Delivery

SECOND = 1_000_000
NOW = 1_700_000_000 * SECOND
POLICY = Policy(jitter=0)


def in_seconds(seconds):
    """Return a date as headers have it."""
    return formatdate(NOW // SECOND + seconds, usegmt=True)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("25", 25),
        (" 0120 ", 120),
        ("0", 0),
        ("3600", 3600),
        ("86400", 3600),
        ("9" * 5000, 3600),
        (in_seconds(90), 90),
        (in_seconds(86_400), 3600),
        (in_seconds(-90), 0),
        ("Tue, 14 Nov 2023 23:14:20 +0100", 60),
        ("Tuesday, 14-Nov-23 22:14:20 GMT", 60),
        ("Tue Nov 14 22:14:20 2023", 60),
        ("Tue, 14 Nov 9999 22:14:20 GMT", 3600),
        ("-5", 0),
        ("1.5", 0),
        ("٢٥", 0),
        ("soon", 0),
        ("", 0),
        (None, 0),
    ],
)
def test_a_receiver_says_when_to_come_again(text, seconds):
    """In seconds or as a date, up to an hour; what is neither counts for nothing."""
    answer = Answer(503, "the receiver answered 503", text)
    assert asked_wait(answer, POLICY, now=NOW) == seconds * SECOND


@pytest.mark.parametrize(
    ("attempts", "text", "delay"),
    [(0, None, 10), (0, "25", 25), (0, "5", 10), (3, "25", 300), (8, "99999", 50_400)],
)
def test_the_next_attempt_is_never_sooner_than_either_says(attempts, text, delay):
    """The schedule, or what the receiver asks for: the later one counts."""
    answer = Answer(429, "the receiver answered 429", text)
    delivery = Delivery("demo", "w", 1, PENDING, 0, attempts, 0)
    attempt = attempt_of(delivery, answer, policy=POLICY, now=NOW)
    assert (attempt.state, attempt.due_on) == (PENDING, NOW + delay * SECOND)


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        (Answer(200, None, "25"), DELIVERED),
        (Answer(410, "the receiver answered 410", "25"), DEAD),
    ],
)
def test_what_is_over_waits_for_nothing(answer, state):
    """A yes, and a receiver that is gone, need no other attempt."""
    delivery = Delivery("demo", "w", 1, PENDING, 0, 0, 0)
    attempt = attempt_of(delivery, answer, policy=POLICY, now=NOW)
    assert (attempt.state, attempt.due_on) == (state, None)
