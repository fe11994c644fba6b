"""The change feed on the wire: query strings, pages and events. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from api.wire.entries import Cursor, parse_cursor
from api.wire.parameters import parameters, whole_number

DEFAULT_LIMIT = 100
MOST_LIMIT = 1000
LONGEST_WAIT = 60

_HEAD = frozenset({"now", "latest"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a reader of the feed asks for.

    ``after`` is ``None`` from the beginning; ``at_head`` is from the present on.
    """

    after: Cursor | None = None
    at_head: bool = False
    limit: int = DEFAULT_LIMIT
    wait: float = 0


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


def _after(text: str) -> tuple[Cursor | None, bool]:
    if not text:
        return None, False
    if text in _HEAD:
        return None, True
    return parse_cursor(text), False
