"""What an erasure is about, and what it did, as values. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from ledger.entry import Receipt


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """The bodies that say something of some cases, as far as the log was read.

    ``mentioned`` are those that name one and have no block about it.
    """

    positions: tuple[int, ...] = ()
    mentioned: tuple[int, ...] = ()
    read_to: int = 0


NOTHING_FOUND = Search()
"""What no part of the log was read for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Erased:
    """What an erasure did; ``stale`` are the dictionaries that must go."""

    receipt: Receipt
    bodies: int
    blobs: int
    stale: tuple[int, ...]
