"""What the text of a value means as a number, a day, an instant or a place. Pure.

A text that means no such thing is ``None``, and then no comparison matches
(``rules/case-api-v2.md`` 6.3).
"""

from __future__ import annotations

import math
import re
from datetime import date
from typing import NamedTuple

from ledger.times import Instant, format_datetime, parse_date, parse_datetime

_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_MEAN_RADIUS = 6_371_008.8  # metres
_MAX_LATITUDE = 90
_MAX_LONGITUDE = 180
_PLACE_PARTS = (2, 4)

METRES = {
    "miles": 1609.344,
    "yards": 0.9144,
    "feet": 0.3048,
    "inch": 0.0254,
    "kilometers": 1000.0,
    "meters": 1.0,
    "centimeters": 0.01,
    "millimeters": 0.001,
    "nauticalmiles": 1852.0,
}
"""Units of ``within-distance`` and their length."""


class Place(NamedTuple):
    """A point on the Earth, in degrees."""

    latitude: float
    longitude: float


def number_of(text: str) -> float | None:
    """Return the finite decimal number that a text is."""
    if not _NUMBER.fullmatch(text):
        return None
    number = float(text)
    return number if math.isfinite(number) else None


def date_of(text: str) -> date | None:
    """Return the day that a bare ``YYYY-MM-DD`` is."""
    try:
        return parse_date(text)
    except ValueError:
        return None


def instant_of(text: str) -> Instant | None:
    """Return the instant that a date (its midnight) or a date-time is."""
    try:
        return format_datetime(parse_datetime(text))
    except ValueError:
        return None


def place_of(text: str) -> Place | None:
    """Return the place that ``lat lon``, with altitude and accuracy or not, is."""
    parts = text.split()
    low, high = _PLACE_PARTS
    if not low <= len(parts) <= high:
        return None
    numbers = [number_of(part) for part in parts]
    latitude, longitude = numbers[:2]
    if latitude is None or longitude is None or None in numbers:
        return None
    if abs(latitude) > _MAX_LATITUDE or abs(longitude) > _MAX_LONGITUDE:
        return None
    return Place(latitude, longitude)


def metres_between(one: Place, other: Place) -> float:
    """Return the length of the great circle between two places (haversine)."""
    north, south = math.radians(one.latitude), math.radians(other.latitude)
    east = math.radians(other.longitude - one.longitude)
    half = (
        math.sin((south - north) / 2) ** 2
        + math.cos(north) * math.cos(south) * math.sin(east / 2) ** 2
    )
    return 2 * _MEAN_RADIUS * math.asin(min(1.0, math.sqrt(half)))
