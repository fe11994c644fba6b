"""Ids: the only place that makes random ones."""

from __future__ import annotations

import base64
import hashlib
import secrets
import uuid
from os import urandom

from ledger.clock import now_micros

_NAMESPACE = uuid.UUID("6f1d5a3e-8d0b-5c7e-9f43-c1a5e1ed9e01").bytes
_RANDOM = (1 << 80) - 1 & ~(0b1111 << 76 | 0b11 << 62)
_MARKS = 4 << 76 | 0b10 << 62
"""Of the lower 80 bits of a UUID, those that are random, and what the others say."""
_GREGORIAN = 0x01B21DD213814000
"""Tenths of a microsecond from 1582-10-15, where UUIDs count from, to 1970."""
_VARIANTS = dict(zip("0123456789abcdef", "89ab" * 4, strict=True))
"""The 17th digit of a UUID, whose two upper bits are fixed, by that of a digest."""


def new_id() -> str:
    """Return a new id as UUID text, lower case with dashes."""
    digits = _ordered_digits()
    head, clock = f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}", digits[16:20]
    return f"{head}-{clock}-{digits[20:]}"


def new_form_id() -> str:
    """Return a new id as 32 hex digits (``rules/case-api-v2.md`` 8)."""
    return _ordered_digits()


def new_hex_id() -> str:
    """Return a new id as 32 hex digits (``rules/hq-apis.md`` 6.1)."""
    return _ordered_digits()


def _ordered_digits() -> str:
    """Return the digits of a UUID that is random but for its beginning.

    That is the time in milliseconds, so that what is made together lies together in
    an index; keys in no order cost a page each in a large one. It is marked as a UUID
    of version 4, which clients may look for (``rules/case-api-v2.md`` 3.1).
    """
    moment = now_micros() // 1_000
    random = int.from_bytes(urandom(10), "big") & _RANDOM
    return f"{moment << 80 | random | _MARKS:032x}"


def new_sync_log_id() -> str:
    """Return a new UUID of version 1 as 32 hex digits (``rules/restore.md`` 6.2).

    It is made by no machine's address: the node is random, and marked as that.
    """
    ticks = now_micros() * 10 + _GREGORIAN
    low, middle, high = ticks & 0xFFFFFFFF, ticks >> 32 & 0xFFFF, ticks >> 48 & 0x0FFF
    random = int.from_bytes(urandom(8), "big")
    clock, node = random >> 48 & 0x3FFF | 0x8000, random & (1 << 48) - 1 | 1 << 40
    return f"{low:08x}{middle:04x}{high | 0x1000:04x}{clock:04x}{node:012x}"


def new_token() -> str:
    """Return 44 random letters, digits, ``_`` and ``-``.

    The first and the last are letters or digits (``rules/batch-imports.md`` 1.1c).
    """
    text = base64.b64encode(secrets.token_bytes(33), altchars=b"_-").decode()
    return f"{_plain(text[0])}{text[1:-1]}{_plain(text[-1])}"


def _plain(char: str) -> str:
    return char if char.isalnum() else "0"


def derived_id(scope: str, *parts: str) -> str:
    """Return the id that the same scope and parts always give (UUID version 5)."""
    digits = derived_hex_id(scope, *parts)
    head, clock = f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}", digits[16:20]
    return f"{head}-{clock}-{digits[20:]}"


def derived_hex_id(scope: str, *parts: str) -> str:
    """Return the same as 32 hex digits."""
    # An import makes two or three for each row, and ``uuid.uuid5`` takes three times
    # as long, as it makes an object of a number of it first.
    name = "\x1f".join((scope, *parts)).encode()
    digest = hashlib.sha1(_NAMESPACE + name, usedforsecurity=False).hexdigest()
    return f"{digest[:12]}5{digest[13:16]}{_VARIANTS[digest[16]]}{digest[17:32]}"
