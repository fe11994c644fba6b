"""The 64-bit hashes under which values are indexed and counted. Pure."""

from __future__ import annotations

from functools import lru_cache
from hashlib import blake2b

TOTAL = 0
CASE_TYPE = -1
OWNER = -2
CLOSED = -3
"""Reserved name ids of the counters; those of properties start at 1."""

CASE_NAME = "@case_name"
"""The pseudo-property under which case names are indexed; no XML name starts so."""


@lru_cache(maxsize=65_536)
def value_hash(value: str) -> int:
    """Return the signed 64-bit hash of a value."""
    digest = blake2b(value.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)
