"""Times: the one parser and the one printer. Pure.

Two shapes, one meaning. ``Instant`` is the canonical text that clients, XML and the
read tables share: ``YYYY-MM-DDTHH:MM:SS.ffffffZ``, UTC, always 27 characters, so that
texts sort as times do. ``Micros`` is the log's own clock: microseconds since
1970-01-01 UTC, an integer that the head can add one to.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

Instant = str
Micros = int

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ZULU = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.([0-9]{1,6}))?Z"
)
_ISO = re.compile(
    r"""(?P<date>[0-9]{4}-[0-9]{2}-[0-9]{2})
        (?:[T ](?P<time>[0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]+)?)?)
           (?P<zone>Z|z|[+-][0-9]{2}(?::?[0-9]{2})?)?
        )?""",
    re.VERBOSE,
)
_YEAR = re.compile(r"[0-9]{4}")


@lru_cache(maxsize=8192)
def parse_instant(text: str) -> Instant:
    """Return the instant that an ISO 8601 text of a form means.

    No zone means UTC, a bare date means midnight UTC and a bare year its first day
    (``rules/case-xml.md`` 9); digits may be those of any script. Raises ``ValueError``
    for anything else.
    """
    if not text.isascii():
        text = _in_plain_digits(text)
    if zulu := _ZULU.fullmatch(text):
        # Nearly all are so, and only need to be looked at.
        datetime.fromisoformat(zulu[1])
        return f"{zulu[1]}.{zulu[2] or '':0<6}Z"
    if _YEAR.fullmatch(text):
        return format_datetime(datetime(int(text), 1, 1, tzinfo=UTC))
    return format_datetime(parse_datetime(text))


def parse_datetime(text: str) -> datetime:
    """Return an ISO 8601 date or date-time as an aware UTC datetime.

    Accepts what ``rules/case-api-v2.md`` 6.1 accepts: ``T`` or a blank between,
    optional seconds and fraction, ``Z``, ``+HH``, ``+HHMM`` or ``+HH:MM``. A fraction
    finer than a microsecond is cut. Raises ``ValueError``.
    """
    found = _ISO.fullmatch(text)
    if found is None:
        raise ValueError(text)
    clock = found["time"]
    if clock is None:
        return datetime.fromisoformat(found["date"]).replace(tzinfo=UTC)
    whole, _, fraction = clock.partition(".")
    local = datetime.fromisoformat(f"{found['date']}T{whole}")
    local = local.replace(microsecond=int(fraction[:6].ljust(6, "0")), tzinfo=UTC)
    try:
        return local - _offset(found["zone"] or "Z")
    except OverflowError as error:
        raise ValueError(text) from error


def parse_date(text: str) -> date:
    """Return a bare ``YYYY-MM-DD``; raises ``ValueError`` for anything longer."""
    found = _ISO.fullmatch(text)
    if found is None or found["time"] is not None:
        raise ValueError(text)
    return date.fromisoformat(found["date"])


def format_datetime(when: datetime) -> Instant:
    """Return the canonical text of an aware UTC datetime."""
    return f"{when.isoformat(timespec='microseconds')[:26]}Z"


def format_micros(micros: Micros) -> Instant:
    """Return the canonical text of a log time."""
    if not _FIRST <= micros <= _LAST:
        micros = within_calendar(micros)
    seconds, fraction = divmod(micros, 1_000_000)
    return f"{_second(seconds)}.{fraction:06d}Z"


def to_datetime(micros: Micros) -> datetime:
    """Return a log time as an aware UTC datetime."""
    return _EPOCH + timedelta(microseconds=within_calendar(micros))


def within_calendar(micros: Micros) -> Micros:
    """Return a log time, or the end of the calendar that is nearer to it.

    A clock may show, and a log may hold, what no date can say.
    """
    return min(max(micros, _FIRST), _LAST)


def format_if_known(micros: Micros | None) -> Instant | None:
    """Return the canonical text of a log time that may not have come yet."""
    return None if micros is None else format_micros(micros)


def to_micros(instant: Instant) -> Micros:
    """Return a canonical text as microseconds since 1970-01-01 UTC."""
    since = datetime.fromisoformat(instant) - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def next_tick(now: Micros, last: Micros) -> Micros:
    """Return the next log time: the present, but always after the last one."""
    return max(now, last + 1)


_FIRST = to_micros("0001-01-01T00:00:00.000000Z")
_LAST = to_micros("9999-12-31T23:59:59.999999Z")


@lru_cache(maxsize=8192)
def _second(seconds: int) -> str:
    # Log times come in runs of the same second, in pages as well as in commits.
    return (_EPOCH + timedelta(seconds=seconds)).isoformat()[:19]


def _in_plain_digits(text: str) -> str:
    """Return a text with the digits and the decimal separator of any script as ASCII.

    Phones once wrote times as their users read them.
    """
    digits = (unicodedata.decimal(char, None) for char in text)
    plain = (
        char if digit is None else str(digit)
        for char, digit in zip(text, digits, strict=True)
    )
    return "".join(plain).replace("\u066b", ".")


def _offset(zone: str) -> timedelta:
    if zone in {"Z", "z"}:
        return timedelta(0)
    digits = zone[1:].replace(":", "").ljust(4, "0")
    hours, minutes = int(digits[:2]), int(digits[2:])
    if hours > 23 or minutes > 59:  # noqa: PLR2004 - the clock's own limits
        raise ValueError(zone)
    offset = timedelta(hours=hours, minutes=minutes)
    return -offset if zone[0] == "-" else offset
