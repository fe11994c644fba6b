"""Values as the original's own language sees them: texts, truth, equality. Pure.

Control files are written for a JavaScript program, so what a number looks like as text
and which values count as nothing are its rules (``rules/batch-imports.md`` 1.5, 1.6).
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from ledger.forms.names import printable

_EXACT = 10**21
"""Numbers from here on are written with an exponent."""

_LONGEST_PLAIN = 21
_SMALLEST_PLAIN = -6
_MOST_NESTED = 20


def text_of(value: Any, depth: int = 0) -> str:
    """Return the text that a value becomes beside a string."""
    if isinstance(value, str):
        return value
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return number_text(value)
    if isinstance(value, list):
        return _list_text(value, depth)
    return "[object Object]"


def number_text(number: float) -> str:
    """Return a number as ``42``, ``42.5``, ``1e+21`` or ``1.5e-7``.

    Whole numbers that came as such keep all their digits, where the original rounds
    them to what a double holds.
    """
    if isinstance(number, int) and abs(number) < _EXACT:
        return str(number)
    try:
        value = float(number)
    except OverflowError:
        value = math.inf if number > 0 else -math.inf
    if not math.isfinite(value):
        return _unbounded(value)
    sign = "-" if value < 0 else ""
    return sign + _digits_text(abs(value))


def is_truthy(value: Any) -> bool:
    """Tell whether a value counts as true; empty lists and objects do."""
    if isinstance(value, list | dict):
        return True
    return bool(value) and value == value  # noqa: PLR0124 - NaN counts as nothing


def is_number(value: Any) -> bool:
    """Tell whether a value is a number, which true and false are not."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_same(one: Any, other: Any) -> bool:
    """Tell whether two values are strictly equal: of one type, and scalars."""
    if is_number(one) and is_number(other):
        return bool(one == other)
    if isinstance(one, list | dict):
        return False
    return type(one) is type(other) and bool(one == other)


def is_in(value: Any, values: Iterable[Any]) -> bool:
    """Tell whether a value is strictly equal to one of others."""
    return any(is_same(value, other) for other in values)


def field_of(context: Any, source: str) -> Any:
    """Return what a context has under a name; ``None`` where it has nothing."""
    return context.get(source) if isinstance(context, dict) else None


def shown(value: Any) -> str:
    """Return a value as a line of the log may hold it."""
    text = printable(text_of(value))
    return text.replace("\r", "\\r").replace("\n", "\\n")


def _list_text(values: list[Any], depth: int) -> str:
    if depth > _MOST_NESTED:
        return "…"
    return ",".join("" if v is None else text_of(v, depth + 1) for v in values)


def _unbounded(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    return "Infinity" if value > 0 else "-Infinity"


def _digits_text(value: float) -> str:
    """Return the shortest digits that are the same number again."""
    digits, point = _digits(value)
    count = len(digits)
    if count <= point <= _LONGEST_PLAIN:
        return digits + "0" * (point - count)
    if 0 < point <= _LONGEST_PLAIN:
        return f"{digits[:point]}.{digits[point:]}"
    if _SMALLEST_PLAIN < point <= 0:
        return f"0.{'0' * -point}{digits}"
    rest = f".{digits[1:]}" if count > 1 else ""
    return f"{digits[0]}{rest}e{point - 1:+d}"


def _digits(value: float) -> tuple[str, int]:
    """Return the digits of a number, and where among them its point stands."""
    mantissa, _, exponent = repr(value).partition("e")
    whole, _, fraction = mantissa.partition(".")
    written = whole + fraction
    digits = written.lstrip("0")
    point = len(whole) + int(exponent or 0) - (len(written) - len(digits))
    return digits.rstrip("0") or "0", point if digits else 1
