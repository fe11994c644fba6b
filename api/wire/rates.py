"""Rate limits as an operator writes them (``rules/operator.md`` 5.11). Pure."""

from __future__ import annotations

from functools import lru_cache
from math import ceil
from typing import NamedTuple

from limits import (
    RateLimitItem,
    RateLimitItemPerDay,
    RateLimitItemPerHour,
    RateLimitItemPerMinute,
    RateLimitItemPerSecond,
    parse_many,
)

from ledger.directory.values import NO_RATE_LIMITS

COMMCARE = "commcare"
"""The limits of CommCare HQ, which grow with the number of mobile workers."""

_LONGEST = 366 * 24 * 3600


class _Growing(NamedTuple):
    """How many calls of a window there are for each worker, and for the domain."""

    window: type[RateLimitItem]
    multiple: int
    each: float
    fixed: int

    def limit(self, workers: int) -> RateLimitItem:
        """Return the limit of a domain; a part of a call still lets one through."""
        return self.window(ceil(self.each * workers + self.fixed), self.multiple)


_OF_COMMCARE = (
    _Growing(RateLimitItemPerSecond, 1, 0.217, 1),
    _Growing(RateLimitItemPerMinute, 1, 3.04, 10),
    _Growing(RateLimitItemPerHour, 1, 130.4, 30),
    _Growing(RateLimitItemPerDay, 1, 1000, 50),
    _Growing(RateLimitItemPerDay, 7, 5000, 100),
)


def check_rates(text: str) -> None:
    """Refuse what is no way to write limits; raises ``ValueError`` that says why."""
    if text in (NO_RATE_LIMITS, COMMCARE):
        return
    try:
        found = parse_many(text)
    except ValueError:
        raise ValueError(
            f"'{text}' are no rate limits: off, commcare, or calls for a time such as "
            "'5/second; 100/minute; 2000/day'"
        ) from None
    for limit in found:
        if limit.amount < 1:
            raise ValueError(f"'{text}' lets nobody in: write 'off' for no limits")
        if limit.get_expiry() > _LONGEST:
            raise ValueError(f"'{text}' counts for longer than a year")


@lru_cache(maxsize=256)
def rates_of(text: str, *, workers: int) -> tuple[RateLimitItem, ...]:
    """Return the limits that a text means where there are so many mobile workers.

    The shortest window comes first, and no two are equally long. Raises ``ValueError``
    as ``check_rates`` does.
    """
    check_rates(text)
    if text == NO_RATE_LIMITS:
        return ()
    if text == COMMCARE:
        return tuple(growing.limit(workers) for growing in _OF_COMMCARE)
    strictest: dict[int, RateLimitItem] = {}
    for limit in sorted(parse_many(text), key=lambda limit: -limit.amount):
        strictest[limit.get_expiry()] = limit
    return tuple(strictest[seconds] for seconds in sorted(strictest))
