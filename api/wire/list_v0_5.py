"""The envelope of HQ's lists, and the pages of them (``rules/hq-frame.md`` 2). Pure.

A page is asked for by ``limit`` and ``offset``. The addresses of its neighbours are
query strings alone: clients cut the first character and read the rest.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import urlencode

import orjson

from api.wire.credentials import API_KEY, USERNAME
from api.wire.formats import Format
from api.wire.object_xml import DECLARATION, element, written
from api.wire.problems import at_fault
from ledger.forms.names import printable

DEFAULT_LIMIT = 20
MOST_LIMIT = 1000

_LIMIT = "limit"
_OFFSET = "offset"
_LONGEST_NUMBER = 18

Pairs = Sequence[tuple[str, str]]


class Page(NamedTuple):
    """Which part of a list: at most ``limit`` objects behind the first ``offset``."""

    limit: int = DEFAULT_LIMIT
    offset: int = 0


class Meta(NamedTuple):
    """What an envelope says of its page; ``total_count`` counts all that match."""

    limit: int
    next: str | None
    offset: int
    previous: str | None
    total_count: int


def page_of(
    given: Mapping[str, str], *, most: int = MOST_LIMIT, default: int = DEFAULT_LIMIT
) -> Page:
    """Return the page that parameters ask for; no limit at all means the greatest.

    Raises a 400 ``Problem`` in HQ's words (rule 2.2).
    """
    limit = _number(given, _LIMIT, default, kind="a positive integer")
    offset = _number(given, _OFFSET, 0, kind="an integer")
    return Page(min(limit or most, most), offset)


def meta_of(pairs: Pairs, page: Page, *, total: int) -> Meta:
    """Return what is said of a page of a list that was asked for by ``pairs``."""
    limit, offset = page
    return Meta(
        limit=limit,
        next=_address(pairs, limit, offset + limit) if offset + limit < total else None,
        offset=offset,
        previous=_address(pairs, limit, offset - limit) if offset >= limit else None,
        total_count=total,
    )


def enveloped(meta: Meta, objects: Iterable[str], *, asked: Format) -> bytes:
    """Return a page of objects that are written in its format already."""
    if asked is Format.XML:
        told = element("meta", meta._asdict())
        listed = f'<objects type="list">{"".join(objects)}</objects>'
        return f"{DECLARATION}<response>{told}{listed}</response>".encode()
    told = orjson.dumps(meta._asdict()).decode()
    return f'{{"meta":{told},"objects":[{",".join(objects)}]}}'.encode()


def listed(meta: Meta, objects: Iterable[Mapping[str, Any]], *, asked: Format) -> bytes:
    """Return a page of objects that are given as values."""
    if asked is Format.XML:
        return enveloped(meta, map(written, objects), asked=asked)
    found = (orjson.dumps(one).decode() for one in objects)
    return enveloped(meta, found, asked=asked)


def single(found: Mapping[str, Any], *, asked: Format) -> bytes:
    """Return one object, bare."""
    if asked is Format.XML:
        return f"{DECLARATION}{written(found)}".encode()
    return orjson.dumps(found)


def _number(given: Mapping[str, str], name: str, default: int, *, kind: str) -> int:
    """Return a number that is not negative."""
    text = given.get(name)
    if text is None:
        return default
    digits = text.strip().removeprefix("+")
    shown = printable(text)
    if _is_number(digits.removeprefix("-")):
        if not digits.startswith("-") or int(digits) == 0:
            return int(digits)
        told = "Please provide a positive integer >= 0."
        raise at_fault(name, f"Invalid {name} '{shown}' provided. {told}")
    raise at_fault(name, f"Invalid {name} '{shown}' provided. Please provide {kind}.")


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= _LONGEST_NUMBER


def _address(pairs: Pairs, limit: int, offset: int) -> str:
    """Return the query string of another page; a key is not handed on (rule 2.3)."""
    secret = {USERNAME, API_KEY} if any(n == API_KEY for n, _ in pairs) else set()
    left_out = {_LIMIT, _OFFSET, *secret}
    kept = [pair for pair in pairs if pair[0] not in left_out]
    moved = [*kept, (_LIMIT, str(limit)), (_OFFSET, str(offset))]
    return f"?{urlencode(moved, errors='surrogateescape')}"
