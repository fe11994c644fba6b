"""What every query string has: its parameters, whole numbers and times. Pure.

Every mistake is a 400 that names the parameter.
"""

from __future__ import annotations

import re
from collections.abc import Container, Mapping
from urllib.parse import parse_qsl

from api.wire.problems import at_fault, unknown_parameter
from ledger.forms.names import printable
from ledger.times import Micros, format_datetime, parse_datetime, to_micros

_LOST_PLUS = re.compile(r"([0-9-]{10}[T ][0-9:.]+) ([0-9]{2}:?[0-9]{2})")
_LONGEST_NUMBER = 19


def pairs(query: str) -> list[tuple[str, str]]:
    """Return the parameters of a query string in their order."""
    return parse_qsl(query, keep_blank_values=True, errors="surrogateescape")


def parameters(query: str, known: Container[str]) -> dict[str, str]:
    """Return the parameters, the last of several; raises a 400 for an unknown one."""
    given = dict(parse_qsl(query, keep_blank_values=True, errors="replace"))
    for name in given:
        if name not in known:
            raise unknown_parameter(printable(name))
    return given


def whole_number(
    given: Mapping[str, str], name: str, default: int, *, high: int, low: int = 1
) -> int:
    """Return a number between two others, or what holds where none is said."""
    text = given.get(name) or str(default)
    digits = text.isascii() and text.isdigit() and len(text) <= _LONGEST_NUMBER
    if digits and low <= int(text) <= high:
        return int(text)
    raise at_fault(name, f"'{name}' must be a whole number from {low} to {high}")


def parse_moment(name: str, text: str) -> Micros:
    """Return the time that a parameter names.

    A blank before an offset was a ``+`` that nobody had encoded.
    """
    mended = _LOST_PLUS.fullmatch(text)
    try:
        return to_micros(
            format_datetime(
                parse_datetime(f"{mended[1]}+{mended[2]}" if mended else text)
            )
        )
    except ValueError as error:
        problem = f"Cannot parse datetime '{printable(text)}'"
        raise at_fault(name, problem) from error
