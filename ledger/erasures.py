"""What erasures took out of a log lawfully, as its entries of kind ``erase`` tell."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
from sqlalchemy import bindparam, select

from ledger.entry import Kind
from ledger.storage.connection import Statement
from ledger.store import Reader
from ledger.tables import entries

_POSITIVE = re.compile(r"[0-9]{1,18}")

_ERASURES = Statement(
    select(entries.c.position, entries.c.details)
    .where(
        entries.c.domain == bindparam("domain"),
        entries.c.position > bindparam("after"),
        entries.c.kind == Kind.ERASE.value,
    )
    .order_by(entries.c.position)
)


@dataclass(frozen=True, slots=True)
class Erasures:
    """What the entries of kind ``erase`` took out of the entries before them.

    ``bodies`` has the digest of what stands in the place of each body, by position.
    ``blobs`` has the position of the last erasure of each attachment, by digest.
    """

    bodies: Mapping[int, str] = field(default_factory=dict)
    blobs: Mapping[str, int] = field(default_factory=dict)


def erasures(r: Reader, *, after: int = 0) -> Erasures:
    """Return what the erasures behind a position took away; the later one counts.

    An erasure reaches only what stands before it in the log. Trusts no row to make
    sense.
    """
    replaced: dict[int, str] = {}
    gone: dict[str, int] = {}
    for position, text in r.conn.rows(_ERASURES, domain=r.domain, after=after):
        details = _details(text)
        for number, sha256 in _items(details.get("bodies")):
            if _POSITIVE.fullmatch(number) and int(number) < position:
                replaced[int(number)] = str(sha256)
        for sha256 in _list(details.get("blobs")):
            gone[str(sha256)] = position
    return Erasures(replaced, gone)


def _details(text: Any) -> Mapping[str, Any]:
    try:
        details = orjson.loads(text)
    except (ValueError, TypeError):
        # The header was altered, which the chain tells.
        return {}
    return details if isinstance(details, dict) else {}


def _items(value: Any) -> list[tuple[str, Any]]:
    return list(value.items()) if isinstance(value, dict) else []


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
