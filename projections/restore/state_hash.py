"""The hash by which device and server know that they speak of the same cases. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Final

PREFIX: Final = "ccsh:"
"""How the hash is introduced where it is sent; in any letters."""

_DIGEST: Final = 16


def state_hash(case_ids: Iterable[str]) -> str:
    """Return the hash of different case ids, the empty text of none.

    The exclusive or of their MD5 digests, whatever their order (``rules/restore.md``
    6.1).
    """
    total, is_empty = 0, True
    for case_id in case_ids:
        digest = hashlib.md5(case_id.encode(), usedforsecurity=False).digest()
        total ^= int.from_bytes(digest, "big")
        is_empty = False
    return "" if is_empty else total.to_bytes(_DIGEST, "big").hex()
