"""The functions that make a value of values (``rules/case-api-v2.md`` 6.3.6). Pure.

Their arguments are constants, so each call is done once, when the query is read.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple, TypeVar

import orjson

from ledger.times import Instant, format_datetime, parse_datetime
from projections.csql.errors import (
    BAD_DATE,
    BAD_DATETIME,
    BAD_LIST,
    BAD_NUMBER,
    BAD_QUANTITY,
    OUTSIDE_THE_CALENDAR,
    QueryError,
    bad_interval,
)
from projections.csql.values import date_of, number_of

Listed = tuple[str, ...]
"""A list of texts, which only ``unwrap-list`` makes."""

Value = str | Listed

D = TypeVar("D", bound=date)

_EPOCH = date(1970, 1, 1)
_MIDNIGHT = datetime(1970, 1, 1, tzinfo=UTC)
_WHOLE = re.compile(r"[+-]?[0-9]{1,300}")
_EXACT = 2**53  # whole numbers below are exact as floats
_DAYS = re.compile(r"-?[0-9]{1,7}")
_MONTHS: Mapping[str, int] = {"months": 1, "years": 12}
_SPANS: Mapping[str, timedelta] = {
    "days": timedelta(days=1),
    "weeks": timedelta(weeks=1),
}
_SHORT_SPANS: Mapping[str, timedelta] = {
    "hours": timedelta(hours=1),
    "minutes": timedelta(minutes=1),
    "seconds": timedelta(seconds=1),
}


class Function(NamedTuple):
    """A function: its arguments as a reader writes them, how many, what it does.

    ``most`` is ``None`` where there may be any number.
    """

    signature: str
    fewest: int
    most: int | None
    run: Callable[..., Value]


def functions(now: Instant) -> Mapping[str, Function]:
    """Return the functions by name; ``today()`` and ``now()`` are of this moment."""
    return {
        "today": Function("", 0, 0, lambda: now[: len("YYYY-MM-DD")]),
        "now": Function("", 0, 0, lambda: now),
        **_CONSTANT,
    }


def _date(text: str) -> str:
    return _day(text).isoformat()


def _day(text: str) -> date:
    if _DAYS.fullmatch(text):
        try:
            return _EPOCH + timedelta(days=int(text))
        except OverflowError as error:
            raise QueryError(BAD_DATE) from error
    day = date_of(text)
    if day is None:
        raise QueryError(BAD_DATE)
    return day


def _datetime(text: str) -> Instant:
    return format_datetime(_moment(text))


def _moment(text: str) -> datetime:
    days = number_of(text)
    try:
        if days is not None:
            return _MIDNIGHT + timedelta(days=days)
        return parse_datetime(text)
    except (ValueError, OverflowError) as error:
        raise QueryError(BAD_DATETIME) from error


def _date_add(text: str, interval: str, quantity: str) -> str:
    day = _day(text)
    if interval not in {**_SPANS, **_MONTHS}:
        raise bad_interval("date-add", interval, ", ".join([*_SPANS, *_MONTHS]))
    return _added(day, interval, quantity).isoformat()


def _datetime_add(text: str, interval: str, quantity: str) -> Instant:
    moment = _moment(text)
    known = {**_SPANS, **_MONTHS, **_SHORT_SPANS}
    if interval not in known:
        raise bad_interval("datetime-add", interval, ", ".join(known))
    return format_datetime(_added(moment, interval, quantity))


def _added(when: D, interval: str, quantity: str) -> D:
    """Return a day or a moment so much later; the last day of a month stays one."""
    number = number_of(quantity)
    if number is None:
        raise QueryError(BAD_QUANTITY)
    try:
        if interval not in _MONTHS:
            return when + {**_SPANS, **_SHORT_SPANS}[interval] * number
        if not number.is_integer():
            raise QueryError(BAD_QUANTITY)
        months = when.year * 12 + when.month - 1 + int(number) * _MONTHS[interval]
        year, month = divmod(months, 12)
        last = calendar.monthrange(year, month + 1)[1]
        return when.replace(year=year, month=month + 1, day=min(when.day, last))
    except (ValueError, OverflowError) as error:
        raise QueryError(OUTSIDE_THE_CALENDAR) from error


def _double(text: str) -> str:
    """Return a number; of a date or a time the days since 1970-01-01."""
    if _WHOLE.fullmatch(text):
        return str(int(text))
    number = number_of(text)
    if number is None:
        number = _days_since(text)
    is_exact = number.is_integer() and abs(number) < _EXACT
    return str(int(number)) if is_exact else str(number)


def _days_since(text: str) -> float:
    try:
        since = parse_datetime(text) - _MIDNIGHT
    except ValueError as error:
        raise QueryError(BAD_NUMBER) from error
    return since / timedelta(days=1)


def _concat(*texts: str) -> str:
    return "".join(texts)


def _unwrap_list(text: str) -> Listed:
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise QueryError(BAD_LIST) from error
    if not isinstance(found, list):
        raise QueryError(BAD_LIST)
    return tuple(map(_element, found))


def _element(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    raise QueryError(BAD_LIST)


_CONSTANT: Mapping[str, Function] = {
    "date": Function("'YYYY-MM-DD'", 1, 1, _date),
    "date-add": Function("'YYYY-MM-DD', 'interval', quantity", 3, 3, _date_add),
    "datetime": Function("'YYYY-MM-DDTHH:MM:SSZ'", 1, 1, _datetime),
    "datetime-add": Function(
        "'YYYY-MM-DDTHH:MM:SSZ', 'interval', quantity", 3, 3, _datetime_add
    ),
    "double": Function("value", 1, 1, _double),
    "concat": Function("'text', 'text', …", 1, None, _concat),
    "unwrap-list": Function("""'["text", "text"]'""", 1, 1, _unwrap_list),
}
