"""The change feed on the wire: cursors, query strings, pages and events. Pure.

A cursor is a position with the first bytes of a digest over the domain's name and the
digest of the entry there. So it fits one log only, and it proves that all its reader
has read still stands in that log: the digest covers every entry before.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from api.wire.parameters import parameters, whole_number
from api.wire.problems import at_fault
from ledger.entry import Entry
from ledger.times import format_micros

DEFAULT_LIMIT = 100
MOST_LIMIT = 1000
LONGEST_WAIT = 60

_VERSION = 1
_CHECK = 9
_LENGTH = 18
"""A version, eight bytes of position, nine of the digest: 24 characters of text."""
_HEAD = frozenset({"now", "latest"})


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place in a log, and the proof that it is of this log."""

    position: int
    check: bytes

    @property
    def text(self) -> str:
        """Return the cursor as clients store it."""
        raw = bytes([_VERSION]) + self.position.to_bytes(8, "big") + self.check
        return base64.urlsafe_b64encode(raw).decode()

    def fits(self, domain: str, digest: bytes) -> bool:
        """Tell whether a log has this digest at the cursor's position."""
        return hmac.compare_digest(self.check, _check(domain, digest))


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a reader of the feed asks for.

    ``after`` is ``None`` from the beginning; ``at_head`` is from the present on.
    """

    after: Cursor | None = None
    at_head: bool = False
    limit: int = DEFAULT_LIMIT
    wait: float = 0


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


def parse_page_query(query: str) -> Asked:
    """Return what the query string of a page asks for; raises a 400 ``Problem``."""
    given = parameters(query, ("after", "limit", "wait"))
    after, at_head = _after(given.get("after", ""))
    return Asked(
        after=after,
        at_head=at_head,
        limit=whole_number(given, "limit", DEFAULT_LIMIT, high=MOST_LIMIT),
        wait=whole_number(given, "wait", 0, low=0, high=LONGEST_WAIT),
    )


def parse_stream_query(query: str, *, last_event_id: str | None) -> Asked:
    """Return where a stream begins: its last event's id goes before ``after``.

    Raises a 400 ``Problem``.
    """
    given = parameters(query, ("after",))
    if last_event_id:
        return Asked(after=parse_cursor(last_event_id, name="Last-Event-ID"))
    after, at_head = _after(given.get("after", ""))
    return Asked(after=after, at_head=at_head)


def to_wire(entry: Entry, case_ids: Iterable[str]) -> dict[str, Any]:
    """Return an entry as the feed and the webhooks show it."""
    return {
        "position": entry.position,
        "kind": entry.kind.value,
        "form_id": entry.form_id,
        "orig_form_id": entry.orig_form_id,
        "xmlns": entry.xmlns,
        "user_id": entry.user_id,
        "received_on": format_micros(entry.received_on),
        "appended_on": format_micros(entry.appended_on),
        "problem": entry.problem,
        "case_ids": list(case_ids),
        "cursor": cursor_at(entry.domain, entry.position, entry.digest).text,
    }


def page_body(changes: list[dict[str, Any]], *, cursor: str, more: bool) -> bytes:
    """Return the body of a page; ``cursor`` is where the next one begins."""
    return orjson.dumps({"changes": changes, "cursor": cursor, "more": more})


def event(change: Mapping[str, Any]) -> bytes:
    """Return an entry as a server-sent event."""
    data = orjson.dumps(change)
    return b"id: %b\nevent: entry\ndata: %b\n\n" % (change["cursor"].encode(), data)


def place_event(cursor: str) -> bytes:
    """Return what makes a reader remember where it is, and nothing else.

    An event without data is dispatched to nobody, but its id is kept.
    """
    return b"id: %b\n\n" % cursor.encode()


KEEP_ALIVE = b": nothing new\n\n"


def _check(domain: str, digest: bytes) -> bytes:
    return hashlib.sha256(b"%b\0%b" % (domain.encode(), digest)).digest()[:_CHECK]


def _after(text: str) -> tuple[Cursor | None, bool]:
    if not text:
        return None, False
    if text in _HEAD:
        return None, True
    return parse_cursor(text), False
