"""Entries of a log and places in it, as the feed and the webhooks tell them. Pure.

A cursor is a position with the first bytes of a digest over the domain's name and the
digest of the entry there. So it fits one log only, and it proves that all its reader
has read still stands in that log: the digest covers every entry before.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from api.wire.problems import at_fault
from ledger.entry import Entry
from ledger.times import format_micros

_VERSION = 1
_VERSIONED = bytes([_VERSION])
_CHECK = 9
_LENGTH = 18
"""A version, eight bytes of position, nine of the digest: 24 characters of text."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place in a log, and the proof that it is of this log."""

    position: int
    check: bytes

    @property
    def text(self) -> str:
        """Return the cursor as clients store it."""
        return _text(self.position, self.check)

    def fits(self, domain: str, digest: bytes) -> bool:
        """Tell whether a log has this digest at the cursor's position."""
        return hmac.compare_digest(self.check, _check(domain, digest))


def cursor_at(domain: str, position: int, digest: bytes) -> Cursor:
    """Return the cursor behind the entry at a position, which has this digest."""
    return Cursor(position, _check(domain, digest))


def parse_cursor(text: str, *, name: str = "after") -> Cursor:
    """Return the cursor of a text; raises a 400 that names ``name``."""
    try:
        raw = base64.b64decode(text.encode("ascii"), altchars=b"-_", validate=True)
    except (binascii.Error, UnicodeEncodeError):
        raw = b""
    if len(raw) != _LENGTH or raw[0] != _VERSION:
        problem = f"The value of '{name}' is not a cursor of the change feed"
        raise at_fault(name, problem)
    return Cursor(int.from_bytes(raw[1:9], "big"), raw[9:])


def check_cursor(cursor: Cursor, domain: str, digest: bytes | None) -> None:
    """Let a cursor through if a log has this digest at its position.

    Raises a 400 otherwise. ``None`` stands for a log that is not so long.
    """
    if digest is None or not cursor.fits(domain, digest):
        problem = (
            "The cursor is of another log, or of entries that this log lost when it "
            "was restored"
        )
        raise at_fault("after", problem)


def to_wire(entry: Entry, case_ids: Iterable[str]) -> dict[str, Any]:
    """Return an entry as the feed and the webhooks show it."""
    received_on, appended_on = entry.received_on, entry.appended_on
    received = format_micros(received_on)
    # Both are of the same moment, unless somebody said an earlier time of receipt.
    is_same = received_on == appended_on
    return {
        "position": entry.position,
        "kind": entry.kind.value,
        "form_id": entry.form_id,
        "orig_form_id": entry.orig_form_id,
        "xmlns": entry.xmlns,
        "user_id": entry.user_id,
        "received_on": received,
        "appended_on": received if is_same else format_micros(appended_on),
        "problem": entry.problem,
        "case_ids": list(case_ids),
        "cursor": _text(entry.position, _check(entry.domain, entry.digest)),
    }


def _text(position: int, check: bytes) -> str:
    raw = _VERSIONED + position.to_bytes(8, "big") + check
    return base64.urlsafe_b64encode(raw).decode()


def _check(domain: str, digest: bytes) -> bytes:
    return hashlib.sha256(domain.encode() + b"\0" + digest).digest()[:_CHECK]
