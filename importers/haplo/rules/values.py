"""Conversion of values to a type, and how each is written. Pure.

``rules/batch-imports.md`` 1.6. A value of a case is a text, or a ref until it is
written.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from importers.haplo.rules.dates import BadDate, DatePattern
from importers.haplo.rules.lookup import Ref
from importers.haplo.rules.models import PERSON_NAME, POSTAL_ADDRESS, STRUCTURED
from importers.haplo.rules.scripting import (
    is_number,
    is_same,
    number_text,
    shown,
    text_of,
)
from importers.haplo.rules.types import OWNER, TEXT_KINDS

Value: TypeAlias = str | Ref

_INTEGER = re.compile(r"-?[1-9][0-9]{0,20}|0", re.ASCII)
_LEADING_NUMBER = re.compile(
    r"\s*([+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)", re.ASCII
)
_WHOLE = re.compile(r"[+-]?[0-9]{1,20}", re.ASCII)
_SCHEME = re.compile(r"[a-zA-Z+.-]+:")
_COUNTRY = re.compile("[A-Za-z]{2}")


class ValueProblem(ValueError):
    """A value cannot be converted: it is reported and left out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a value is to become.

    ``source`` is how messages name where it comes from. ``case_types`` are the types
    that the model knows.
    """

    type: str
    source: str
    pattern: DatePattern | None = None
    this_year: int = 0
    true_value: Any = "true"
    false_value: Any = "false"
    case_types: frozenset[str] = field(default=frozenset())


def convert(value: Any, wanted: Wanted) -> Value | None:
    """Return a value as its type has it, ``None`` when there is none to be set.

    Raises ``ValueProblem``.
    """
    return _CONVERTERS[wanted.type](value, wanted)


def _text(value: Any, _wanted: Wanted) -> Value | None:
    if isinstance(value, str):
        return value
    return text_of(value) if isinstance(value, bool | int | float) else None


def _owner(value: Any, wanted: Wanted) -> Value | None:
    return value if isinstance(value, Ref) else _text(value, wanted)


def _integer(value: Any, wanted: Wanted) -> Value:
    text = text_of(value) if isinstance(value, str) or is_number(value) else ""
    if _INTEGER.fullmatch(text) is None:
        raise _unfit("integer", value, wanted)
    return text


def _number(value: Any, wanted: Wanted) -> Value:
    text = text_of(value) if isinstance(value, str) or is_number(value) else ""
    found = _LEADING_NUMBER.match(text)
    if found is None:
        raise _unfit("number", value, wanted)
    digits = found[1]
    # As a whole number, so that none of its digits is lost.
    whole = _WHOLE.fullmatch(digits) is not None
    result = number_text(int(digits) if whole else float(digits))
    if not result[-1].isdigit():
        raise _unfit("number", value, wanted)
    return result


def _boolean(value: Any, wanted: Wanted) -> Value:
    if isinstance(value, bool):
        return text_of(value)
    if is_same(value, wanted.true_value):
        return "true"
    if is_same(value, wanted.false_value):
        return "false"
    raise _unfit("boolean value", value, wanted)


def _datetime(value: Any, wanted: Wanted) -> Value | None:
    if not isinstance(value, str) or wanted.pattern is None:
        return None
    try:
        when = wanted.pattern.read(value, this_year=wanted.this_year)
    except BadDate:
        raise _unfit("date value", value, wanted) from None
    return wanted.pattern.written(when)


def _email(value: Any, wanted: Wanted) -> Value:
    if isinstance(value, str) and "@" in value[1:]:
        return value
    raise _unfit("email address", value, wanted)


def _url(value: Any, wanted: Wanted) -> Value:
    if isinstance(value, str) and _SCHEME.match(value):
        return value
    raise _unfit("URL", value, wanted)


def _telephone(value: Any, _wanted: Wanted) -> Value | None:
    return value if isinstance(value, str) else None


def _ref(value: Any, _wanted: Wanted) -> Value | None:
    return value if isinstance(value, Ref) else None


def _object_type(value: Any, wanted: Wanted) -> Value | None:
    return value if isinstance(value, str) and value in wanted.case_types else None


def _json(value: Any, _wanted: Wanted) -> Value | None:
    if not isinstance(value, dict | list):
        return None
    return _compact(value)


def _person_name(value: Any, wanted: Wanted) -> Value | None:
    if not isinstance(value, dict) or not _part(value, "last", wanted):
        return None
    return " ".join(_parts(value, PERSON_NAME, wanted))


def _postal_address(value: Any, wanted: Wanted) -> Value | None:
    if not isinstance(value, dict):
        return None
    country = value.get("country")
    if not isinstance(country, str) or _COUNTRY.fullmatch(country) is None:
        text = "Missing or invalid country code in postal address"
        raise ValueProblem(f"{text}, must be two letter ISO code: {_told(value)}")
    bad = [n for n in STRUCTURED[POSTAL_ADDRESS] if _is_nested(value.get(n))]
    if bad:
        reason = f"{bad[0]} is not a text"
        raise ValueProblem(f"Invalid postal address: {_told(value)} ({reason})")
    return "\n".join(_parts(value, POSTAL_ADDRESS, wanted))


def _is_nested(value: Any) -> bool:
    return isinstance(value, dict | list)


def _parts(value: Mapping[str, Any], kind: str, wanted: Wanted) -> list[str]:
    found = (_part(value, name, wanted) for name in STRUCTURED[kind])
    return [part for part in found if part]


def _part(value: Mapping[str, Any], name: str, wanted: Wanted) -> str:
    found = _text(value.get(name), wanted)
    return found if isinstance(found, str) else ""


def _told(value: Any) -> str:
    return shown(_compact(value))


def _compact(value: Any) -> str | None:
    """Return an object or an array as JSON; ``None`` when it cannot be written."""
    try:
        return json.dumps(
            value, ensure_ascii=False, separators=(",", ":"), allow_nan=False
        )
    except (ValueError, RecursionError):
        return None


def _unfit(kind: str, value: Any, wanted: Wanted) -> ValueProblem:
    return ValueProblem(f"Invalid {kind} for {wanted.source}: {shown(value)}")


_Converter: TypeAlias = Callable[[Any, Wanted], Value | None]

_CONVERTERS: dict[str, _Converter] = {
    **dict.fromkeys(TEXT_KINDS, _text),
    OWNER: _owner,
    "integer": _integer,
    "number": _number,
    "boolean": _boolean,
    "datetime": _datetime,
    "email-address": _email,
    "url": _url,
    "telephone-number": _telephone,
    "ref": _ref,
    "object-type": _object_type,
    "json": _json,
    "person-name": _person_name,
    "postal-address": _postal_address,
}
