"""The query string of ``GET /a/<domain>/api/case/v2/`` (``rules/case-api-v2.md`` 6).

Pure: from name and value pairs to a filter and a page, and cursors both ways. What
``fields`` and ``exclude`` mean is not known here; they are handed on.

A filter value that no case can hold (a control character) is left out of its
condition. A condition that so keeps no value matches nothing.
"""

from __future__ import annotations

import base64
import re
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce

import orjson

from api.wire.parameters import parse_moment
from api.wire.problems import parameter_needed
from ledger.errors import Conflict
from ledger.times import (
    Instant,
    Micros,
    format_datetime,
    format_micros,
    parse_date,
    parse_datetime,
)
from projections.csql import QueryError, parse
from projections.csql.nodes import STATUS_CLOSED, STATUS_OPEN, Or
from projections.lists.filter import CaseFilter, Operator, Page, TimeRange
from projections.lists.narrow import NOTHING, both

Pairs = tuple[tuple[str, str], ...]

AS_OF = "as_of"
"""The parameter that asks for a case as it was."""

TIME = "time"
"""The parameter that asks for a list as it was."""

DEFAULT_LIMIT = 20
MAX_LIMIT = 5000

_FALSE = {"", "false", "f", "no", "n", "0"}
_STATUSES = {STATUS_OPEN: False, STATUS_CLOSED: True}
_COLUMNS = ("case_type", "case_name", "owner_id", "external_id")
_TIME_COLUMNS = {
    "last_modified": "modified_on",
    "server_last_modified": "server_modified_on",
    "date_opened": "opened_on",
    "date_closed": "closed_on",
    "indexed_on": "indexed_on",
}
_PSEUDO_COLUMNS = {
    "@case_id": "case_id",
    "@case_type": "case_type",
    "@owner_id": "owner_id",
}
_AT_LEAST = {Operator.GT, Operator.GTE}
_AT_THE_END_OF_THE_DAY = {Operator.GT, Operator.LTE}
_DIGITS = re.compile(r"[0-9]+")
_LOST_PLUS = re.compile(r"([0-9-]{10}[T ][0-9:.]+) ([0-9]{2}:[0-9]{2})")
_NOT_XML = re.compile(r"[^\t\n\r -\uD7FF\uE000-\uFFFD\U00010000-\U0010FFFF]")
_SURROGATE = re.compile(r"[\uD800-\uDFFF]")

_CURSOR_VERSION = 1
_MAX_CURSOR = 1 << 20  # bytes that a cursor may unpack to: any URL, not a bomb
_SMALL_CURSOR = 512  # bytes that the smallest window of deflate sees whole
_LAST_MICROS = (1 << 63) - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ListRequest:
    """What a list request asks for.

    ``pairs`` are the parameters of the first page, as a cursor carries them.
    ``field_filter_pairs`` are those of the families ``fields`` and ``exclude``.
    """

    filter: CaseFilter
    page: Page
    pairs: Pairs

    @property
    def field_filter_pairs(self) -> Pairs:
        """Return the parameters of rule 7, unread."""
        return tuple(pair for pair in self.pairs if is_field_filter(pair[0]))

    def cursor(self, after: Micros) -> str:
        """Return the cursor of the page behind the case indexed at ``after``."""
        return encode_cursor(self.pairs, after=after)


def parse_list_query(pairs: Iterable[tuple[str, str]], *, now: Instant) -> ListRequest:
    """Return the request that the decoded pairs of a query string make.

    With a cursor all other parameters are ignored. ``now`` is what ``now()`` and
    ``today()`` mean in CSQL. Raises ``Conflict`` with a text of rule 6.0.5.
    """
    given = tuple(pairs)
    cursors = [value for name, value in given if name == "cursor"]
    if not cursors:
        return _request(given, after=None, now=now)
    carried, after = decode_cursor(cursors[-1])
    try:
        return _request(carried, after=after, now=now)
    except Conflict as error:
        raise _bad_cursor() from error


def is_field_filter(name: str) -> bool:
    """Tell whether a parameter chooses fields (rule 7)."""
    return name.partition(".")[0].strip() in {"fields", "exclude"}


def _request(pairs: Pairs, *, after: Micros | None, now: Instant) -> ListRequest:
    values: dict[str, list[str]] = {}
    for name, value in pairs:
        _refuse_undecodable(name, value)
        values.setdefault(name, []).append(value)
    limit = _limit(values.pop("limit", [str(DEFAULT_LIMIT)])[-1])
    queries = values.pop("query", [])
    filters = [_condition(name, given) for name, given in values.items()]
    return ListRequest(
        filter=reduce(both, [*filters, _query(queries, now)], CaseFilter()),
        page=Page(limit=limit, after=after),
        pairs=pairs,
    )


def _refuse_undecodable(name: str, value: str) -> None:
    if _NOT_XML.search(name):
        raise _unknown(name)
    if _SURROGATE.search(value):
        raise Conflict(f"The value of '{name}' is not UTF-8 text.", field=name)


def _limit(text: str) -> int:
    if not _DIGITS.fullmatch(text):
        raise Conflict(
            f"'{_shown(text)}' is not a valid value for 'limit'", field="limit"
        )
    digits = text.lstrip("0") or "0"  # hundreds of digits are no number for int()
    if len(digits) > len(str(MAX_LIMIT)) or int(digits) > MAX_LIMIT:
        raise Conflict(
            f"You cannot request more than {MAX_LIMIT} cases per request.",
            field="limit",
        )
    return int(digits)


def _query(texts: Sequence[str], now: Instant) -> CaseFilter:
    """Return the filter of the expressions, any of which may match (rule 6.0.1)."""
    try:
        nodes = tuple(parse(text, now=now) for text in texts)
    except QueryError as error:
        raise Conflict(f"Bad query: {error.text}", field="query") from error
    if not nodes:
        return CaseFilter()
    return CaseFilter(query=nodes[0] if len(nodes) == 1 else Or(parts=nodes))


# -- conditions: the values of one parameter, any of which may match -------------------


def _condition(name: str, values: Sequence[str]) -> CaseFilter:
    """Return the filter of one parameter other than ``limit`` and ``query``."""
    if is_field_filter(name):
        return CaseFilter()
    whole = _WHOLE.get(name)
    if whole is not None:
        return whole(name, values)
    prefix, dot, rest = name.partition(".")
    if not dot or prefix not in _PREFIXED:
        raise _unknown(name)
    return _PREFIXED[prefix](prefix, rest, values)


def _column(name: str, values: Sequence[str]) -> CaseFilter:
    return CaseFilter(equals={name: _possible(values)})


def _closed(_name: str, values: Sequence[str]) -> CaseFilter:
    asked = {_boolean(value) for value in values}
    return CaseFilter(closed=tuple(asked) if len(asked) == 1 else ())


def _include_deleted(_name: str, values: Sequence[str]) -> CaseFilter:
    return CaseFilter(include_deleted=_boolean(values[-1]))


def _include_deprecated(_name: str, _values: Sequence[str]) -> CaseFilter:
    return CaseFilter()  # there is no data dictionary that could deprecate a type


def _property(_prefix: str, name: str, values: Sequence[str]) -> CaseFilter:
    if name in _PSEUDO_COLUMNS:
        return _column(_PSEUDO_COLUMNS[name], values)
    if name == "@status":
        asked = {_STATUSES[value] for value in values if value in _STATUSES}
        if not asked:
            return NOTHING
        return CaseFilter(closed=tuple(asked) if len(asked) == 1 else ())
    return CaseFilter(properties={name: _possible(values)})


def _index(_prefix: str, name: str, values: Sequence[str]) -> CaseFilter:
    return CaseFilter(indices={name: tuple(filter(None, _possible(values)))})


def _time(prefix: str, operation: str, values: Sequence[str]) -> CaseFilter:
    """Return the widest of the ranges: any of them may match (rule 6.0.1)."""
    if operation not in set(Operator):
        raise Conflict(
            f"'{operation}' is not a valid type of date range.",
            field=f"{prefix}.{operation}",
        )
    operator = Operator(operation)
    bounds = [_bound(f"{prefix}.{operation}", operator, value) for value in values]
    widest = min(bounds) if operator in _AT_LEAST else max(bounds)
    asked = TimeRange(column=_TIME_COLUMNS[prefix], operator=operator, values=(widest,))
    return CaseFilter(ranges=(asked,))


def _bound(name: str, operator: Operator, text: str) -> Instant:
    """Return the instant to compare with, to the microsecond.

    "From the next day on" is the same as "after the last microsecond of this day",
    which the last day of the calendar has as well.
    """
    try:
        day = parse_date(text).isoformat()
    except ValueError:
        return _instant(name, text)
    end = operator in _AT_THE_END_OF_THE_DAY
    return f"{day}T23:59:59.999999Z" if end else f"{day}T00:00:00.000000Z"


def _instant(name: str, text: str) -> Instant:
    """Return the instant of a date-time; a blank before its offset was a ``+``."""
    mended = _LOST_PLUS.fullmatch(text)
    try:
        return format_datetime(
            parse_datetime(f"{mended[1]}+{mended[2]}" if mended else text)
        )
    except ValueError as error:
        raise Conflict(f"Cannot parse datetime '{_shown(text)}'", field=name) from error


_WHOLE: Mapping[str, Callable[[str, Sequence[str]], CaseFilter]] = {
    **dict.fromkeys(_COLUMNS, _column),
    "closed": _closed,
    "include_deleted": _include_deleted,
    "include_deprecated": _include_deprecated,
}
_PREFIXED: Mapping[str, Callable[[str, str, Sequence[str]], CaseFilter]] = {
    **dict.fromkeys(_TIME_COLUMNS, _time),
    "properties": _property,
    "indices": _index,
}


def _possible(values: Sequence[str]) -> tuple[str, ...]:
    """Return the values that a case can have, each once."""
    return tuple(dict.fromkeys(value for value in values if not _NOT_XML.search(value)))


def _boolean(text: str) -> bool:
    return text.lower() not in _FALSE


def _unknown(name: str) -> Conflict:
    shown = _shown(name)
    return Conflict(f"'{shown}' is not a valid parameter.", field=shown)


def _shown(text: str) -> str:
    """Return a text with the characters escaped that an answer cannot carry."""
    return _NOT_XML.sub(
        lambda found: found[0].encode("unicode_escape").decode("ascii"), text
    )


# -- cursors ---------------------------------------------------------------------------


def encode_cursor(pairs: Sequence[tuple[str, str]], *, after: Micros) -> str:
    """Return an opaque text that carries the parameters and the position.

    The position stands beside the parameters, so a client's own ``indexed_on.gte``
    stays its own (rule 9.14). Packed, because a list of ids that fits into
    a URL must still fit when it travels in a cursor.
    """
    packed = _packed(orjson.dumps([_CURSOR_VERSION, after, pairs]))
    return base64.urlsafe_b64encode(packed).rstrip(b"=").decode("ascii")


def decode_cursor(text: str) -> tuple[Pairs, Micros]:
    """Return the parameters and the position of a cursor.

    Raises ``Conflict`` for anything that ``encode_cursor`` did not make.
    """
    bare = text.rstrip("=")
    try:
        packed = base64.b64decode(
            bare + "=" * (-len(bare) % 4), altchars=b"-_", validate=True
        )
        version, after, pairs = orjson.loads(_unpacked(packed))
        carried = tuple((name, value) for name, value in pairs)
    except (ValueError, TypeError, zlib.error) as error:
        raise _bad_cursor() from error
    if version != _CURSOR_VERSION or not _is_position(after) or not _are_texts(carried):
        raise _bad_cursor()
    return carried, after


def _packed(text: bytes) -> bytes:
    """Return a text compressed; most are short, and a small window is soon made."""
    if len(text) > _SMALL_CURSOR:
        return zlib.compress(text, 9)
    packer = zlib.compressobj(9, zlib.DEFLATED, 9, 1)
    return packer.compress(text) + packer.flush()


def _unpacked(packed: bytes) -> bytes:
    """Return the text of a whole cursor; raises ``ValueError`` for half a one."""
    unpacking = zlib.decompressobj()
    text = unpacking.decompress(packed, _MAX_CURSOR)
    if not unpacking.eof or unpacking.unused_data:
        raise ValueError(packed)
    return text


def _is_position(after: object) -> bool:
    return type(after) is int and 0 <= after <= _LAST_MICROS


def _are_texts(pairs: Iterable[tuple[object, object]]) -> bool:
    return all(isinstance(text, str) for pair in pairs for text in pair)


def _bad_cursor() -> Conflict:
    return Conflict("The value of 'cursor' cannot be decoded.", field="cursor")


# -- lists of the past ---------------------------------------------------------


def parse_past_list(
    pairs: Sequence[tuple[str, str]], *, now: Micros
) -> tuple[ListRequest, Micros]:
    """Return the list that is asked for, and its time.

    A cursor carries the time of its first page. ``now()`` in a query is that time.
    Raises a 400 ``Problem`` or ``Conflict``.
    """
    given = list(pairs)
    cursors = [value for name, value in given if name == "cursor"]
    after = None
    if cursors:
        carried, after = decode_cursor(cursors[-1])
        given = list(carried)
    times = [value for name, value in given if name == TIME]
    if not times:
        raise parameter_needed(TIME)
    when = parse_moment(TIME, times[-1])
    rest = [(name, value) for name, value in given if name != TIME]
    if after is not None:
        rest = [("cursor", encode_cursor(rest, after=after))]
    return parse_list_query(rest, now=format_micros(min(when, now))), when


def past_cursor(asked: ListRequest, when: Micros, *, after: Micros) -> str:
    """Return the cursor of the next page of a list at a time."""
    return encode_cursor([(TIME, format_micros(when)), *asked.pairs], after=after)
