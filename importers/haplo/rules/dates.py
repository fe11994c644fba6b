"""Dates and times by a pattern of letters: a subset of SimpleDateFormat. Pure.

``rules/batch-imports.md`` 1.6.1a. A matching prefix of the text is enough. Fields that
are out of range do not roll over, and a text without a zone is UTC.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

_MONTHS = (
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
)
_DAYS = (
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
)
_SHORT = 3
_NUMBERS = {
    "d": ("day", 1, 31),
    "H": ("hour", 0, 23),
    "h": ("half_hour", 1, 12),
    "m": ("minute", 0, 59),
    "s": ("second", 0, 59),
    "S": ("millisecond", 0, 999),
}
_LETTERS = frozenset("yMdHhmsSaEzZX")
_HOURS = frozenset("Hh")
_DIGITS = re.compile("[0-9]{1,9}")
_OFFSET = re.compile(r"([+-])([0-9]{1,2}):?([0-9]{2})?")
_ZONES = {
    "utc": 0,
    "gmt": 0,
    "ut": 0,
    "z": 0,
    "est": -5,
    "edt": -4,
    "cst": -6,
    "cdt": -5,
    "mst": -7,
    "mdt": -6,
    "pst": -8,
    "pdt": -7,
    "bst": 1,
    "wet": 0,
    "west": 1,
    "cet": 1,
    "cest": 2,
    "eet": 2,
    "eest": 3,
    "msk": 3,
    "eat": 3,
    "cat": 2,
    "wat": 1,
    "sast": 2,
    "pkt": 5,
    "ict": 7,
    "jst": 9,
    "aest": 10,
    "nzst": 12,
}
_LONGEST_ZONE = max(map(len, _ZONES))
_WINDOW = 80
"""A year of two digits is at most so many years ago, or else it is to come."""


class BadPattern(ValueError):
    """A pattern has letters that are not supported, or a quote that is open."""


class BadDate(ValueError):
    """A text does not begin with a date of the pattern."""


class _Piece(NamedTuple):
    """A part of a pattern: a letter so many times, or a text as it stands."""

    letter: str
    width: int
    text: str = ""

    @property
    def is_number(self) -> bool:
        """Tell whether digits stand here."""
        if self.letter == "M":
            return self.width < _SHORT
        return self.letter == "y" or self.letter in _NUMBERS


@dataclass(frozen=True, slots=True)
class DatePattern:
    """A pattern that was understood."""

    pieces: Sequence[_Piece]

    @property
    def has_hours(self) -> bool:
        """Tell whether it reads a time of day."""
        return any(piece.letter in _HOURS for piece in self.pieces)

    def read(self, text: str, *, this_year: int) -> datetime:
        """Return what a text begins with, in UTC; raises ``BadDate``."""
        reading = _Reading(text, this_year)
        for place, piece in enumerate(self.pieces):
            behind = self.pieces[place + 1 : place + 2]
            abuts = bool(behind) and behind[0].is_number
            reading.take(piece, abuts=abuts)
        return reading.result()

    def written(self, when: datetime) -> str:
        """Return a date as cases have it, with the time if the pattern has one."""
        shape = "%H:%M:%SZ" if self.has_hours else ""
        day = when.date().isoformat()
        return f"{day}T{when.strftime(shape)}" if shape else day


def read_pattern(text: str) -> DatePattern:
    """Return a pattern; raises ``BadPattern``."""
    pieces = tuple(_pieces(text))
    if not any(piece.letter for piece in pieces):
        raise BadPattern(text)
    return DatePattern(pieces)


def _pieces(text: str) -> Iterator[_Piece]:
    place = 0
    while place < len(text):
        char = text[place]
        if char == "'":
            quoted, place = _quoted(text, place)
            yield _Piece("", 0, quoted)
        elif char.isascii() and char.isalpha():
            end = place
            while end < len(text) and text[end] == char:
                end += 1
            if char not in _LETTERS:
                raise BadPattern(text)
            yield _Piece(char, end - place)
            place = end
        else:
            yield _Piece("", 0, char)
            place += 1


def _quoted(text: str, start: int) -> tuple[str, int]:
    """Return the text in quotes and where it ends; two quotes are one."""
    if text[start + 1 : start + 2] == "'":
        return "'", start + 2
    found = re.compile("'((?:[^']|'')*)'").match(text, start)
    if found is None:
        raise BadPattern(text)
    return found[1].replace("''", "'"), found.end()


@dataclass(slots=True)
class _Reading:
    """A text that is being read from its beginning."""

    text: str
    this_year: int
    place: int = 0
    found: dict[str, int] = field(default_factory=dict)
    offset: timedelta = timedelta(0)

    def take(self, piece: _Piece, *, abuts: bool) -> None:
        """Read one part of the pattern."""
        if not piece.letter:
            self._literal(piece.text)
            return
        while self.text[self.place : self.place + 1] in {" ", "\t"}:
            self.place += 1
        if piece.is_number:
            self._number(piece, abuts=abuts)
        else:
            _TAKES[piece.letter](self)

    def result(self) -> datetime:
        """Return the time that was read; what is missing is the first one."""
        found = self.found
        hour = found.get("hour", found.get("half_hour", 0) % 12 + found.get("half", 0))
        try:
            local = datetime(
                found.get("year", 1970),
                found.get("month", 1),
                found.get("day", 1),
                hour,
                found.get("minute", 0),
                found.get("second", 0),
                tzinfo=UTC,
            )
            return local - self.offset
        except (ValueError, OverflowError):
            raise BadDate(self.text) from None

    def _literal(self, text: str) -> None:
        if not self.text.startswith(text, self.place):
            raise BadDate(self.text)
        self.place += len(text)

    def _number(self, piece: _Piece, *, abuts: bool) -> None:
        digits = self._digits(piece.width if abuts else None)
        value = int(digits)
        if piece.letter == "y":
            two = len(digits) == 2 and piece.width <= 2  # noqa: PLR2004 - as 24
            self.found["year"] = self._in_window(value) if two else value
            return
        if piece.letter == "M":
            name, lowest, highest = "month", 1, 12
        else:
            name, lowest, highest = _NUMBERS[piece.letter]
        if not lowest <= value <= highest:
            raise BadDate(self.text)
        self.found[name] = value

    def _digits(self, most: int | None) -> str:
        """Take digits: all of them, or no more than so many where others follow."""
        end = len(self.text) if most is None else self.place + most
        found = _DIGITS.match(self.text, self.place, end)
        if found is None or self.text[found.end() : end][:1].isdigit():
            raise BadDate(self.text)
        self.place = found.end()
        return found[0]

    def _in_window(self, year: int) -> int:
        first = self.this_year - _WINDOW
        return first + (year - first) % 100

    def month(self) -> None:
        """Take the name of a month, long or short."""
        self.found["month"] = self._word(_MONTHS) + 1

    def day_name(self) -> None:
        """Take the name of a day, which says nothing more."""
        self._word(_DAYS)

    def half(self) -> None:
        """Take AM or PM."""
        word = self.text[self.place : self.place + 2].lower()
        if word not in {"am", "pm"}:
            raise BadDate(self.text)
        self.found["half"] = 12 if word == "pm" else 0
        self.place += 2

    def zone(self) -> None:
        """Take a zone: a name, or an offset with or without GMT in front."""
        rest = self.text[self.place : self.place + _LONGEST_ZONE]
        letters = re.match("[A-Za-z]*", rest)
        name = letters[0] if letters else ""
        hours = _ZONES.get(name.lower()) if name else 0
        if hours is None:
            raise BadDate(self.text)
        self.place += len(name)
        self.offset = timedelta(hours=hours)
        found = _OFFSET.match(self.text, self.place)
        if found is not None and name.lower() in {"", "gmt", "utc"}:
            self._take_offset(found)
        elif not name:
            raise BadDate(self.text)

    def _take_offset(self, found: re.Match[str]) -> None:
        hours, minutes = int(found[2]), int(found[3] or 0)
        if hours > 23 or minutes > 59:  # noqa: PLR2004 - the clock's own limits
            raise BadDate(self.text)
        offset = timedelta(hours=hours, minutes=minutes)
        self.offset = offset if found[1] == "+" else -offset
        self.place = found.end()

    def _word(self, words: Sequence[str]) -> int:
        rest = self.text[self.place : self.place + 9].lower()
        for number, word in enumerate(words):
            for form in (word, word[:_SHORT]):
                if rest.startswith(form):
                    self.place += len(form)
                    return number
        raise BadDate(self.text)


_TAKES: dict[str, Callable[[_Reading], None]] = {
    "M": _Reading.month,
    "E": _Reading.day_name,
    "a": _Reading.half,
    "z": _Reading.zone,
    "Z": _Reading.zone,
    "X": _Reading.zone,
}
