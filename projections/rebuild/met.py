"""Which ids a replay has met already, in memory that does not grow with them."""

from __future__ import annotations

from collections.abc import Iterable

_BITS = 1 << 26
_SECOND = 26
"""How many bits of a hash the first look takes."""


class MetIds:
    """Tells ids that were never met; of some others it does not know (a Bloom filter).

    Eight megabytes: with five million ids it takes two new ones in a hundred for met.
    """

    def __init__(self) -> None:
        """Have met none."""
        self._bits = bytearray(_BITS >> 3)

    def note(self, ids: Iterable[str]) -> list[str]:
        """Note ids; return those that were surely not met before."""
        bits, new = self._bits, []
        for found in ids:
            digest = hash(found)
            first = digest & (_BITS - 1)
            second = (digest >> _SECOND) & (_BITS - 1)
            one, two = 1 << (first & 7), 1 << (second & 7)
            first >>= 3
            second >>= 3
            if not (bits[first] & one and bits[second] & two):
                new.append(found)
                bits[first] |= one
                bits[second] |= two
        return new
