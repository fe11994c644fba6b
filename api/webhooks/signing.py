"""What a receiver can check a delivery with.

There are two signatures: ours, and that of the convention Standard Webhooks
(``rules/libraries.md`` 3.6.2), whose libraries take a key as ``whsec_`` and base64.
"""

from __future__ import annotations

import base64
import hashlib
import hmac

from standardwebhooks import Webhook

from ledger.times import to_datetime

MARK = "whsec_"
"""How a secret begins that says itself that base64 follows."""
SHORTEST_KEY = 16
"""Bytes of a key that is written in base64."""


def is_secret(text: str) -> bool:
    """Tell whether a secret is what it says: behind the mark nothing but base64."""
    return not text.startswith(MARK) or _decoded(text.removeprefix(MARK)) is not None


def sign(secret: str, timestamp: str, body: bytes) -> str:
    """Return our signature over the time and the body."""
    signed = hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256)
    return f"sha256={signed.hexdigest()}"


def standard_signatures(
    secret: str, delivery_id: str, *, seconds: int, body: bytes
) -> str:
    """Return the signatures of the convention, one for each key of a secret."""
    # The library takes a time as if it were UTC, whatever its zone.
    when, text = to_datetime(seconds * 1_000_000), body.decode()
    signed = [Webhook(key).sign(delivery_id, when, text) for key in keys_of(secret)]
    return " ".join(signed)


def keys_of(secret: str) -> list[bytes]:
    """Return the keys that a receiver may make of a secret.

    With the mark it is the base64 behind it. Without it is the text as it stands; when
    that happens to be base64, libraries that are given it will decode it, so what they
    get is a second key.
    """
    if secret.startswith(MARK):
        key = _decoded(secret.removeprefix(MARK))
        # Older than the check of the mark.
        return [secret.encode()] if key is None else [key]
    key = _decoded(secret)
    return [secret.encode()] if key is None else [secret.encode(), key]


def _decoded(text: str) -> bytes | None:
    """Return the bytes that are written in base64, padded or not, if they suffice."""
    bare = text.rstrip("=")
    try:
        key = base64.b64decode(bare + "=" * (-len(bare) % 4), validate=True)
    except ValueError:
        return None
    return key if len(key) >= SHORTEST_KEY else None
